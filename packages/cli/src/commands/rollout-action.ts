import type { ClientCommand, CommandAnswer, RolloutView } from '@rampart/api';
import { describeEvent } from '@rampart/rollout';
import { findRollout } from '../find-rollout.ts';
import { renderNextSteps, waitingLines } from '../output/status-page.ts';
import type { Outcome, Session } from '../session.ts';

/** Finds the rollout, sends it a command, and tells what happened. */
export async function act(
  session: Session,
  name: string | undefined,
  command: ClientCommand | ((view: RolloutView) => ClientCommand),
): Promise<Outcome> {
  const client = session.client();
  const view = await findRollout(client, name);
  const sent = typeof command === 'function' ? command(view) : command;
  return told(session, await client.command(view.state.id, sent));
}

/** What a command led to: its events, what the rollout waits for, and what to type next. */
export function told({ io, paint, width }: Session, answer: CommandAnswer): Outcome {
  const { rollout, events } = answer;
  const { state } = rollout;
  const lines = events
    .filter(({ event }) => event.type !== 'ChecksJudged')
    .map((record) => `${paint.green('✔')} ${describeEvent(record, state.plan.metrics)}`);
  const waiting = waitingLines(rollout).map((what) => `  ${what}`);
  return {
    data: answer,
    text: [
      lines.join('\n') || 'Nothing had to change.',
      `${paint.bold(state.id)} is in phase ${state.phase}${state.hold ? ', held' : ''}.`,
      ...(waiting.length === 0 ? [] : [`${paint.bold('Waiting for')}\n${waiting.join('\n')}`]),
      `${paint.bold('Next')}\n${renderNextSteps(state, { call: io.call }, width(), paint)}`,
    ].join('\n\n'),
  };
}

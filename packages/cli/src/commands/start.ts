import { type ApiClient, type CommandAnswer, ProblemError, type RolloutView } from '@rampart/api';
import { openItems } from '@rampart/rollout';
import type { Command } from 'commander';
import { findRollout } from '../find-rollout.ts';
import { type LoadedPlan, loadPlan } from '../load-plan.ts';
import { renderIssues } from '../output/plan-issues.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { nobodyTold, toldOfAbort } from '../told-of-abort.ts';
import { numberBetween } from './arguments.ts';
import { refusedPlan } from './plan.ts';
import { told } from './rollout-action.ts';

type StartOptions = {
  readonly rollout?: string;
  readonly attestAll?: boolean;
  readonly reason?: string;
  readonly override?: string;
  readonly timeScale?: number;
};

/** The command that makes a rollout of a plan. */
export function addStartCommand(program: Command, { perform }: Shell): void {
  program
    .command('start')
    .helpGroup('Operate a rollout:')
    .summary('make a rollout of a plan and enter pre-flight')
    .description(
      'Checks a plan, makes a rollout of it and enters pre-flight. Nobody is exposed before every pre-flight item is given.',
    )
    .argument('[file]', 'a plan, as for validate')
    .option('--rollout <rollout>', 'start a draft that exists, in place of a file')
    .option('--attest-all', 'for try-outs: give every pre-flight item without its evidence; needs --reason')
    .option('--reason <text>', 'why you can attest them: stands with each in the report')
    .option('--override <reason>', 'reason for a plan that would be refused without one')
    .option('--time-scale <factor>', 'factor on every duration, for demos', numberBetween(0.000_000_1, 1))
    .action((file: string | undefined, options: StartOptions, command: Command) => {
      if ((file === undefined) === (options.rollout === undefined))
        command.error('error: give a plan file, or --rollout for a draft that exists');
      if (options.attestAll && !options.reason)
        command.error('error: --attest-all needs --reason: it stands in the report');
      return perform(command, (session) => start(session, file, options));
    });
}

async function start(session: Session, file: string | undefined, options: StartOptions): Promise<Outcome> {
  if (file === undefined) {
    const client = session.client();
    return run(session, client, await findRollout(client, options.rollout), options);
  }
  const loaded = await loadPlan(file, session.io, settingsOf(options));
  if (!loaded.result.ok) return refusedPlan(session, loaded, loaded.result.issues);
  const client = session.client();
  const outcome = await run(session, client, await create(client, loaded, options), options);
  const warnings = renderIssues(loaded.result.warnings, undefined, session.width(), session.paint);
  return warnings === '' ? outcome : { ...outcome, text: `${warnings}\n\n${outcome.text}` };
}

function settingsOf({ override, timeScale }: StartOptions) {
  return { ...(override === undefined ? {} : { override }), ...(timeScale === undefined ? {} : { timeScale }) };
}

function create(client: ApiClient, { text, file, hasPlaces }: LoadedPlan, options: StartOptions): Promise<RolloutView> {
  // The JSON made of a module has other lines than its file.
  return client.createRollout({ text, ...(hasPlaces && file !== '-' ? { file } : {}), ...settingsOf(options) });
}

/** Starts a draft, and gives the items Rampart cannot check itself when asked to. */
async function run(session: Session, client: ApiClient, view: RolloutView, options: StartOptions): Promise<Outcome> {
  let answer = await client.command(view.state.id, { type: 'Start' });
  const events = [...answer.events];
  for (const item of options.attestAll ? openItems(answer.rollout.state) : []) {
    if (!openItems(answer.rollout.state).includes(item)) continue;
    const waived = await waive(client, view.state.id, item, options.reason ?? '');
    answer = waived ?? { rollout: await client.getRollout(view.state.id), events: [] };
    events.push(...answer.events);
  }
  const outcome = told(session, { rollout: answer.rollout, events });
  const warning = nobodyTold(await toldOfAbort(client, view.state.id), session);
  return warning === '' ? outcome : { ...outcome, text: `${outcome.text?.trimEnd()}\n\n${warning}` };
}

/** Gives an item without its evidence; `undefined` where Rampart has given it meanwhile. */
async function waive(client: ApiClient, id: string, item: string, note: string): Promise<CommandAnswer | undefined> {
  try {
    return await client.command(id, { type: 'Approve', item, note, waive: true });
  } catch (error) {
    const isGiven = error instanceof ProblemError && error.code === 'ITEM_ALREADY_GIVEN';
    if (isGiven) return undefined;
    throw error;
  }
}

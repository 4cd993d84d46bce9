import type { ApiClient, RolloutView } from '@rampart/api';
import { type Drill, describeDrill, formatElapsed } from '@rampart/rollout';
import type { Command } from 'commander';
import { findRollout } from '../find-rollout.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';

const LOOK_MS = 200;

/** The command that tries a rollback in the SDKs that are connected. */
export function addDrillCommand(program: Command, { perform }: Shell): void {
  program
    .command('drill')
    .helpGroup('Operate a rollout:')
    .summary('try a rollback in the connected SDKs, and measure it')
    .description(
      'Switches a flag that no code reads on and off, and measures how long the connected SDKs take to follow. Nobody sees anything of it. Exit code 1 when an SDK did not follow.',
    )
    .argument('[rollout]', 'id, or key of the flag (its newest rollout). Default: the only active one')
    .action((name: string | undefined, _options: object, command: Command) =>
      perform(command, (session) => runDrill(session, name)),
    );
}

async function runDrill(session: Session, name: string | undefined): Promise<Outcome> {
  const client = session.client();
  const { state } = await findRollout(client, name);
  const { rollout } = await client.command(state.id, { type: 'Drill' });
  const begun = rollout.state.drills?.at(-1);
  if (begun === undefined) throw new TypeError(`rollout ${state.id} has no drill after one was begun`);
  const { view, drill } = await untilFinished(session, client, rollout, begun);
  const slowest = (drill.off?.slowest ?? []).map(
    ({ instance, ms }) => `  ${oneLine(instance)}: off after ${formatElapsed(ms)}`,
  );
  const mark = drill.passed ? session.paint.green('✔') : session.paint.red('✘');
  return {
    data: { rollout: view.state.id, drill },
    text: [
      `${mark} ${oneLine(describeDrill(drill))}`,
      ...(slowest.length === 0 ? [] : [`${session.paint.bold('Slowest')}\n${slowest.join('\n')}`]),
    ].join('\n\n'),
    ...(drill.passed ? {} : { exitCode: 1 as const }),
  };
}

/** Follows a drill to its end, telling each step on standard error. */
async function untilFinished(
  { io, isJson }: Session,
  client: ApiClient,
  first: RolloutView,
  begun: Drill,
): Promise<{ readonly view: RolloutView; readonly drill: Drill }> {
  const tell = (text: string): void => (isJson ? undefined : io.stderr(`drill ${begun.number}: ${text}\n`));
  tell(`switched on, ${begun.connected} ${begun.connected === 1 ? 'SDK has' : 'SDKs have'} to follow`);
  const stop = io.interrupted();
  let isToldOff = false;
  for (let view = first; ; view = await client.getRollout(first.state.id)) {
    const drill = view.state.drills?.find(({ number }) => number === begun.number) ?? begun;
    if (drill.on !== undefined && !isToldOff) {
      isToldOff = true;
      tell(`on in ${drill.on.confirmed} of ${drill.connected} SDKs; switched off`);
    }
    if (drill.finishedAt !== undefined || stop.aborted) return { view, drill };
    await io.sleep(LOOK_MS, stop);
  }
}

import type { DocumentFormat } from '@rampart/api';
import type { Command } from 'commander';
import { findRollout } from '../find-rollout.ts';
import { renderRollouts } from '../output/rollout-list.ts';
import { renderStatus } from '../output/status-page.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { nobodyTold, toldOfAbort } from '../told-of-abort.ts';
import { lookAt, statusData, watchRollout } from '../watch-rollout.ts';
import { duration } from './arguments.ts';
import { type DocumentOptions, documentOutcome, formatOption } from './document-output.ts';

const GROUP = 'See what happens:';
const ROLLOUT = 'id, or key of the flag (its newest rollout). Default: the only active one';
const EVERY_MS = 2000;

type StatusOptions = { readonly watch?: boolean; readonly every?: number };

/** Commands that only look. */
export function addObserveCommands(program: Command, { perform }: Shell): void {
  program
    .command('list')
    .helpGroup(GROUP)
    .description('list the active rollouts')
    .option('--all', 'those that ended as well')
    .action((options: { all?: boolean }, command: Command) =>
      perform(command, (session) => list(session, options.all === true)),
    );
  program
    .command('status')
    .helpGroup(GROUP)
    .summary('show a rollout: stages, checks, what it waits for')
    .description('Shows a rollout: stages, checks with their evidence, what it waits for, what to type next.')
    .argument('[rollout]', ROLLOUT)
    .option('-w, --watch', 'follow it until it ends: exit code 0 when complete, 1 when aborted or cancelled')
    .option('--every <duration>', 'how often to look. Default: 2s', duration)
    .action((name: string | undefined, { watch, every = EVERY_MS }: StatusOptions, command: Command) =>
      perform(command, (session) => (watch ? watchRollout(session, name, every) : status(session, name))),
    );
  const printed = program.command('report').helpGroup(GROUP).description('print the report of a rollout');
  printed
    .argument('[rollout]', ROLLOUT)
    .addOption(formatOption(printed))
    .option('--out <file>', 'write it to a file')
    .action((name: string | undefined, options: DocumentOptions, command: Command) =>
      perform(command, (session) => report(session, name, options)),
    );
}

async function list(session: Session, all: boolean): Promise<Outcome> {
  const rollouts = await session.client().listRollouts(all ? 'all' : 'active');
  const none = all
    ? `There is no rollout yet. Start one: ${session.io.call} start FILE`
    : `No rollout is active. \`${session.io.call} list --all\` shows those that ended.`;
  return {
    data: { rollouts },
    text: rollouts.length === 0 ? none : renderRollouts(rollouts, session.width(), session.paint),
  };
}

async function status(session: Session, name: string | undefined): Promise<Outcome> {
  const client = session.client();
  const seen = await lookAt(client, name);
  const told = await toldOfAbort(client, seen.view.state.id);
  const page = renderStatus({ ...seen, steps: { call: session.io.call } }, session.width(), session.paint);
  const warning = nobodyTold(told, session);
  return {
    data: { ...statusData(seen), toldOfAbort: told },
    text: warning === '' ? page : `${page.trimEnd()}\n\n${warning}`,
  };
}

async function report(session: Session, name: string | undefined, options: DocumentOptions): Promise<Outcome> {
  const client = session.client();
  const { state } = await findRollout(client, name);
  const read = <F extends DocumentFormat>(format: F) => client.getReport(state.id, format);
  return documentOutcome(session, { id: state.id }, read, options);
}

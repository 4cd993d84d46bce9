import type { ApiClient, BaselinesView, BaselineVersion, CommandAnswer } from '@rampart/api';
import { type Baseline, baselineChanges, baselineRows, type RolloutState } from '@rampart/rollout';
import type { Command } from 'commander';
import { openProgress, type Progress } from '../backtest/progress.ts';
import { CliError } from '../cli-error.ts';
import { findRollout } from '../find-rollout.ts';
import { renderBaseline, renderChanges } from '../output/baseline-page.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { ordinal } from './arguments.ts';
import { told } from './rollout-action.ts';

type Of = { readonly rollout?: string };

const ROLLOUT = '--rollout <rollout>';
const WHICH = 'id, or key of the flag. Default: the only active one';
/** Interval of looks at how far a history is read. */
const LOOK_MS = 1_000;

/** Commands for the frozen numbers that checks compare with. */
export function addBaselineCommands(program: Command, shell: Shell): void {
  const baseline = program
    .command('baseline')
    .helpGroup('See what happens:')
    .description('the frozen numbers that checks compare with: their versions, samples and changes');
  addReading(baseline, shell);
  baseline
    .command('capture')
    .summary('take the baseline anew')
    .description(
      'Takes the baseline anew: of metrics whose source has a history from there, of the others from control of the running stage. Checks use the new lines from then on; exposure stays, and an advance needs a fresh window of evidence.',
    )
    .requiredOption('--reason <text>', 'why: it stands in the report')
    .option(ROLLOUT, WHICH)
    .action(({ rollout, reason }: Of & { readonly reason: string }, command: Command) =>
      shell.perform(command, (session) => capture(session, rollout, reason)),
    );
}

function addReading(baseline: Command, { perform }: Shell): void {
  baseline
    .command('show')
    .description('show the baseline: values, 99 % bounds, sample sizes, where they come from')
    .argument('[version]', 'Default: the one in force', ordinal)
    .option(ROLLOUT, WHICH)
    .action((version: number | undefined, { rollout }: Of, command: Command) =>
      perform(command, (session) => show(session, rollout, version)),
    );
  baseline
    .command('diff')
    .description('compare two versions, or a version with what those who see the old variant show now')
    .argument('[from]', 'a version. Default: the one in force', ordinal)
    .argument('[to]', 'a version. Default: now', ordinal)
    .option(ROLLOUT, WHICH)
    .action((from: number | undefined, to: number | undefined, { rollout }: Of, command: Command) =>
      perform(command, (session) => diff(session, rollout, from, to)),
    );
}

/** A version by its number, the newest without one. */
function versionOf({ id }: RolloutState, { versions }: BaselinesView, version: number | undefined): BaselineVersion {
  const newest = versions.at(-1);
  const found = version === undefined ? newest : versions.find(({ baseline }) => (baseline.version ?? 1) === version);
  if (found !== undefined) return found;
  const has =
    newest === undefined
      ? 'it has none yet'
      : `it has ${versions.map(({ baseline }) => baseline.version ?? 1).join(', ')}`;
  throw new CliError(
    'BASELINE_NOT_FOUND',
    version === undefined ? `${id} has no baseline yet.` : `${id} has no baseline ${version}; ${has}.`,
  );
}

async function show(session: Session, name: string | undefined, version: number | undefined): Promise<Outcome> {
  const client = session.client();
  const { state } = await findRollout(client, name);
  const found = versionOf(state, await client.listBaselines(state.id), version);
  const rows = baselineRows(state.plan, found.baseline);
  return {
    data: { rollout: state.id, ...found, metrics: rows },
    text: renderBaseline({ rollout: state.id, found, rows }, session.width(), session.paint),
  };
}

async function diff(
  session: Session,
  name: string | undefined,
  from: number | undefined,
  to: number | undefined,
): Promise<Outcome> {
  const client = session.client();
  const { state } = await findRollout(client, name);
  const view = await client.listBaselines(state.id, to === undefined);
  const before = versionOf(state, view, from).baseline;
  const after = to === undefined ? currentOf(state, view) : versionOf(state, view, to).baseline;
  const changes = baselineChanges(state.plan, before, after);
  const names = [`version ${before.version ?? 1}`, to === undefined ? 'now' : `version ${to}`] as const;
  return {
    data: { rollout: state.id, before, after, changes },
    text: renderChanges({ names, changes }, session.width(), session.paint),
  };
}

function currentOf({ id }: RolloutState, { current }: BaselinesView): Baseline {
  if (current !== undefined && Object.keys(current.metrics).length > 0) return current;
  throw new CliError(
    'BASELINE_NOT_FOUND',
    `Of ${id} nothing is observed of those who see the old variant now: there is nothing to compare with.`,
  );
}

async function capture(session: Session, name: string | undefined, reason: string): Promise<Outcome> {
  const client = session.client();
  const { state } = await findRollout(client, name);
  const work = client.captureBaseline(state.id, reason);
  await showReading(session, client, state.id, work);
  return told(session, await work);
}

/** Tells how far a history is read until the work has ended, however it did. */
async function showReading(
  session: Session,
  client: ApiClient,
  id: string,
  work: Promise<CommandAnswer>,
): Promise<void> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  const ended = work.then(end, end);
  let progress: Progress | undefined;
  for (;;) {
    await Promise.race([ended, session.io.sleep(LOOK_MS, new AbortController().signal)]);
    if (isDone) break;
    const reading = await client.listBaselines(id).then(
      (view) => view.reading,
      () => undefined,
    );
    if (reading === undefined) continue;
    progress ??= openProgress(session, `history of ${reading.source}`);
    progress.show(reading.share);
  }
  progress?.end();
}

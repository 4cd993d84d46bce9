import { formatElapsed, type RolloutStats, type TimeSpread, type TimeTally } from '@rampart/rollout';
import type { Command } from 'commander';
import { formatCount, formatDate } from '../output/format.ts';
import { oneLine, plural } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { duration } from './arguments.ts';

type StatsOptions = { readonly since?: number };

/** The command that tells how rollouts go. */
export function addStatsCommand(program: Command, { perform }: Shell): void {
  program
    .command('stats')
    .helpGroup('See what happens:')
    .description('how rollouts go: time to GA, aborts, people spared, holds, waiting for people')
    .option('--since <duration>', 'rollouts created that long ago at most: 90d. Default: all', duration)
    .action(({ since }: StatsOptions, command: Command) => perform(command, (session) => stats(session, since)));
}

async function stats({ client, io, paint }: Session, since: number | undefined): Promise<Outcome> {
  const api = client();
  const now = since === undefined ? io.now() : (await api.status()).now;
  const found = await api.getStats(since === undefined ? undefined : Math.max(0, now - since));
  const lines = linesOf(found).map(([what, figure]) => `${paint.dim(what.padEnd(WIDTH))} ${figure}`);
  return { data: found, text: lines.join('\n') };
}

const WIDTH = 28;
type Line = readonly [what: string, figure: string];

/** `12 of 30`: a figure with what it is over. */
const over = (n: number, of: number, what: string) => `${formatCount(n)} of ${formatCount(of)} ${what}`;

function spread({ n, medianMs, p90Ms }: TimeSpread, what: string): string {
  if (medianMs === undefined || p90Ms === undefined) return `not known: over 0 ${what}s`;
  return `median ${formatElapsed(medianMs)}, 90 % within ${formatElapsed(p90Ms)} (over ${plural(n, what)})`;
}

function tally({ n, rollouts, totalMs }: TimeTally): string {
  return `${formatElapsed(totalMs)} in ${plural(n, 'time')}, ${plural(rollouts, 'rollout')}`;
}

const counted = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([what, n]) => `${oneLine(what)} ${n}`)
    .join(', ');

function linesOf(stats: RolloutStats): readonly Line[] {
  const { aborts, breachToOff, retries, spared, exposedToAborted, overrides } = stats;
  const { running, complete, cancelled } = stats.outcomes;
  const since = stats.sinceAt === undefined ? '' : `, created since ${formatDate(stats.sinceAt)}`;
  return [
    [
      'rollouts',
      `${formatCount(stats.rollouts)}${since}: ${running} running, ${complete} complete, ${cancelled} cancelled`,
    ],
    ['time to GA', spread(stats.timeToGa, 'rollout')],
    ...stats.stages.map(({ stage, ...time }): Line => [`  stage ${oneLine(stage)}`, spread(time, 'stage')]),
    ['aborts', `${plural(aborts.n, 'abort')} in ${over(aborts.rollouts, stats.rollouts, 'rollouts')}`],
    ...(aborts.n === 0
      ? []
      : ([
          ['  by cause', counted(aborts.byCause)],
          ['  by stage', counted(aborts.byStage)],
        ] as const)),
    [
      'breach to off',
      `${spread(breachToOff, 'abort')}${breachToOff.unconfirmed > 0 ? `, ${breachToOff.unconfirmed} not confirmed` : ''}`,
    ],
    ['needed a retry', over(retries.needed, retries.n, 'rollouts that were started')],
    [
      'exposed to aborted features',
      `at most ${formatCount(exposedToAborted.people)} people (over ${plural(exposedToAborted.n, 'abort')})`,
    ],
    ['people spared', sparedLine(spared)],
    ...Object.entries(stats.holds).map(([reason, held]): Line => [`held: ${reason}`, tally(held)]),
    ['overrides', `${formatCount(overrides.n)} in ${over(overrides.rollouts, stats.rollouts, 'rollouts')}`],
    ...Object.entries(stats.waits).map(([reason, waited]): Line => [`waited for people: ${reason}`, tally(waited)]),
  ];
}

/** The figure, what it rests on, and how sure it is. */
function sparedLine({ n, unknown, people, low, high }: RolloutStats['spared']): string {
  if (n === 0) return `not known: over 0 aborts with a random split${unknown > 0 ? `, ${unknown} without` : ''}`;
  const without = unknown > 0 ? `; not known of ${plural(unknown, 'abort')} without a split` : '';
  return `${formatCount(people)} people measured without the feature until the abort; the share of the split says ${formatCount(low)} to ${formatCount(high)} (95 %, over ${plural(n, 'abort')})${without}`;
}

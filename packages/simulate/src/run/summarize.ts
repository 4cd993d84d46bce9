import { clopperPearsonLower, clopperPearsonUpper } from '@rampart/stats';
import type { Outcome, SimulatedRun } from './simulated-run.ts';

/** Level of every interval: 95 %, two-sided. */
const HALF_ALPHA = 0.025;

/** A share of runs with its exact (Clopper-Pearson) 95 % interval. */
export type RunShare = {
  readonly count: number;
  readonly of: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
};

/** Quantiles of a measure over the runs that have it; `medianLow` and `medianHigh` bound the median (exact, 95 %). */
export type Spread = {
  readonly n: number;
  readonly mean: number;
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
  readonly most: number;
  readonly medianLow: number;
  readonly medianHigh: number;
};

/** What became of the runs in one stage. */
export type StageSummary = {
  readonly stage: string;
  readonly reached: number;
  readonly passed: number;
  readonly ended: Readonly<Record<Outcome, number>>;
};

/** Aborts with one cause. */
export type CauseSummary = { readonly cause: string; readonly count: number; readonly isFalse: number };

/** What runs waited for that neither completed nor were aborted, by stage. A run may wait for several things. */
export type WaitSummary = {
  readonly stage: string;
  readonly waiting: string;
  readonly count: number;
  /** Median time from the first exposure to the blindness they ended in, of the blind ones. */
  readonly blindAfterMs?: number;
};

/** What a set of runs of one plan in one world says. */
export type Summary = {
  readonly runs: number;
  readonly outcomes: Readonly<Record<Outcome, RunShare>>;
  /** Runs aborted although the new variant did no harm beyond the limit. */
  readonly falseAborts: RunShare;
  /** Runs with a gate that opened, or that completed, although harm was on or beyond the limit. */
  readonly falsePasses: RunShare;
  /** Of the runs in which harm had begun: those aborted after its begin. Absent where no run was harmed. */
  readonly detected?: RunShare;
  readonly detectionMs?: Spread;
  readonly timeToGaMs?: Spread;
  readonly harmed: Spread;
  readonly excessEvents: Spread;
  readonly exposed: Spread;
  readonly stages: readonly StageSummary[];
  readonly causes: readonly CauseSummary[];
  readonly waits: readonly WaitSummary[];
};

function byOutcome<T>(of: (outcome: Outcome) => T): Readonly<Record<Outcome, T>> {
  return {
    completed: of('completed'),
    aborted: of('aborted'),
    undecided: of('undecided'),
    held: of('held'),
    unfinished: of('unfinished'),
  };
}

/** A share with its exact interval; of no runs it is 0 in [0, 1]. */
export function runShare(count: number, of: number): RunShare {
  if (of === 0) return { count, of, share: 0, low: 0, high: 1 };
  return {
    count,
    of,
    share: count / of,
    low: clopperPearsonLower(count, of, HALF_ALPHA),
    high: clopperPearsonUpper(count, of, HALF_ALPHA),
  };
}

/** Number of ranks whose whole interval lies below the median: the order statistic that bounds it. */
function ranksBelowMedian(n: number): number {
  let [from, to] = [0, Math.floor(n / 2)];
  while (from < to) {
    const middle = Math.ceil((from + to) / 2);
    if (clopperPearsonUpper(middle, n, HALF_ALPHA) < 0.5) from = middle;
    else to = middle - 1;
  }
  return from;
}

/** Quantiles of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const at = (share: number) => sorted[Math.min(n - 1, Math.floor(share * n))] ?? 0;
  const below = ranksBelowMedian(n);
  return {
    n,
    mean: sorted.reduce((sum, value) => sum + value, 0) / n,
    p10: at(0.1),
    median: at(0.5),
    p90: at(0.9),
    most: sorted[n - 1] ?? 0,
    medianLow: sorted[below] ?? 0,
    medianHigh: sorted[n - 1 - below] ?? 0,
  };
}

function spreadOfSome(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : spreadOf(known);
}

function countBy<T>(items: readonly T[], is: (item: T) => boolean): number {
  return items.reduce((count, item) => count + (is(item) ? 1 : 0), 0);
}

function stageSummaries(runs: readonly SimulatedRun[], stages: readonly string[]): readonly StageSummary[] {
  return stages.map((stage, index) => ({
    stage,
    reached: countBy(runs, (run) => stages.indexOf(run.stage) >= index && run.afterMs > 0),
    passed: countBy(runs, (run) => run.passed.some((one) => one.stage === stage)),
    ended: byOutcome((outcome) => countBy(runs, (run) => run.outcome === outcome && run.stage === stage)),
  }));
}

function causes(runs: readonly SimulatedRun[]): readonly CauseSummary[] {
  const byReason = new Map<string, { count: number; isFalse: number }>();
  for (const { abort } of runs) {
    if (abort === undefined) continue;
    const known = byReason.get(abort.reason) ?? { count: 0, isFalse: 0 };
    byReason.set(abort.reason, { count: known.count + 1, isFalse: known.isFalse + (abort.isFalse ? 1 : 0) });
  }
  return [...byReason].map(([cause, counts]) => ({ cause, ...counts })).sort((a, b) => b.count - a.count);
}

function waits(runs: readonly SimulatedRun[]): readonly WaitSummary[] {
  const all = runs.flatMap((run) => (run.waiting ?? []).map((waiting) => ({ run, stage: run.stage, waiting })));
  const grouped = Map.groupBy(all, ({ stage, waiting }) => JSON.stringify([stage, waiting]));
  return [...grouped.values()]
    .flatMap((group) => {
      const blind = spreadOfSome(group.map(({ run }) => run.blindAfterMs));
      const more = { count: group.length, ...(blind && { blindAfterMs: blind.median }) };
      return group.slice(0, 1).map(({ stage, waiting }) => ({ stage, waiting, ...more }));
    })
    .sort((a, b) => b.count - a.count);
}

/** Whether a gate opened, or the run completed, although harm was on or beyond the limit. */
export function hasFalsePass(run: SimulatedRun): boolean {
  return run.isFalsePass || run.passed.some((one) => one.isFalse);
}

/** Summary of at least one run. `stages`: names of the plan's stages in order. */
export function summarize(runs: readonly SimulatedRun[], stages: readonly string[]): Summary {
  const n = runs.length;
  if (n === 0) throw new RangeError('received no runs; simulate at least one');
  const harmed = runs.filter((run) => run.isHarmed);
  const detectionMs = spreadOfSome(runs.map((run) => run.detectionMs));
  const timeToGaMs = spreadOfSome(runs.map((run) => run.timeToGaMs));
  return {
    runs: n,
    outcomes: byOutcome((outcome) =>
      runShare(
        countBy(runs, (run) => run.outcome === outcome),
        n,
      ),
    ),
    falseAborts: runShare(
      countBy(runs, (run) => run.abort?.isFalse === true),
      n,
    ),
    falsePasses: runShare(countBy(runs, hasFalsePass), n),
    ...(harmed.length > 0 && {
      detected: runShare(
        countBy(harmed, (run) => run.detectionMs !== undefined),
        harmed.length,
      ),
    }),
    ...(detectionMs && { detectionMs }),
    ...(timeToGaMs && { timeToGaMs }),
    harmed: spreadOf(runs.map((run) => run.harmed)),
    excessEvents: spreadOf(runs.map((run) => run.excessEvents)),
    exposed: spreadOf(runs.map((run) => run.exposed)),
    stages: stageSummaries(runs, stages),
    causes: causes(runs),
    waits: waits(runs),
  };
}

import type { Metric } from '../plan.ts';
import type { RecordedSeries, RecordedStep } from '../replay/history-trial.ts';
import type { RolloutState } from '../state.ts';
import { type Baseline, WEEK_SLOTS } from '../verdict.ts';
import { baselineOf } from './baseline-of.ts';
import { emptyMetricEvidence, type MetricEvidence, NO_EVIDENCE } from './evidence-state.ts';
import { addBins } from './histogram.ts';
import { slotOf } from './rhythm.ts';
import { emptyTally } from './tally.ts';

/** A time in which some saw the new variant, epoch milliseconds. Without an end it lasts. */
export type ExposedTime = { readonly fromAt: number; readonly toAt?: number };

/** A range of recorded history, epoch milliseconds, and the metrics that are taken from it. */
export type RecordedRange = {
  readonly metrics: readonly Metric[];
  readonly fromAt: number;
  readonly toAt: number;
  /** When other rollouts of the flag exposed it. Default: never. */
  readonly exposed?: readonly ExposedTime[];
};

/** A baseline that is being made of what a source recorded. */
export type HistoryBaseline = {
  /** Adds a step; steps come in order, also those in which nothing was counted. */
  readonly feed: (step: RecordedStep) => void;
  /** Metrics without observations are absent. */
  readonly finish: () => Baseline;
};

function emptyPast(): MetricEvidence {
  const past = emptyMetricEvidence();
  const { n, x, seenMs } = past.baseline.week;
  for (const hours of [n, x, seenMs]) hours.push(...emptyTally(WEEK_SLOTS));
  return past;
}

/** Whether a metric is a number of events in a time: the whole of it is wanted, whoever caused it. */
function isOfTime({ kind }: Metric): boolean {
  return kind === 'rate' || kind === 'count';
}

/** Tells steps in which nobody saw the new variant. */
function unexposedIn({ history }: RolloutState, { exposed = [] }: RecordedRange): (step: RecordedStep) => boolean {
  const own = history[0] === undefined ? [] : [{ fromAt: history[0].startedAt }];
  const times: readonly ExposedTime[] = [...own, ...exposed];
  return ({ fromAt, toAt }) => times.every((time) => toAt <= time.fromAt || fromAt >= (time.toAt ?? Infinity));
}

/**
 * Turns recorded history into a baseline, by the same bounds as one of live traffic. Only what the old variant did counts: treatment
 * is left out, and so is everything without an arm since this rollout first exposed anyone, and while others of its flag did. A number
 * of events in a time is that of everyone, so that of it nothing counts then.
 */
export function openHistoryBaseline(state: RolloutState, range: RecordedRange): HistoryBaseline {
  const isUnexposed = unexposedIn(state, range);
  const pasts = new Map(range.metrics.map((metric) => [metric.name, { metric, past: emptyPast() }]));
  const isFromArms = range.metrics.some((metric) => !isOfTime(metric));
  const { timeScale } = state.plan;
  let firstAt: number | undefined;

  const counts = (metric: Metric, { arm }: Pick<RecordedSeries, 'arm'>, step: RecordedStep): boolean => {
    if (arm === undefined || isOfTime(metric)) return isUnexposed(step);
    return arm === 'control';
  };
  /** Time in which the source is known to have been alive: silence is never taken for a low rate. */
  const isAlive = ({ series, occurrences = [], fromAt }: RecordedStep): boolean => {
    if (series.length + occurrences.length > 0) firstAt ??= fromAt;
    return isFromArms ? series.length > 0 : firstAt !== undefined;
  };

  return {
    feed(step) {
      const { fromAt, toAt, series, occurrences = [] } = step;
      const slot = slotOf((fromAt + toAt) / 2 / timeScale);
      const seen = new Set<string>();
      const add = (one: RecordedSeries): void => {
        const own = pasts.get(one.metric);
        if (own === undefined || !counts(own.metric, one, step)) return;
        seen.add(one.metric);
        addSeries(own.past, one, slot);
      };
      for (const one of series) add(one);
      for (const { metric, count } of occurrences) add({ metric, count, sum: 0, sumSquares: 0 });
      const alive = isAlive(step);
      for (const { metric, past } of pasts.values()) {
        const isSeen = isOfTime(metric) ? alive && isUnexposed(step) : seen.has(metric.name);
        if (isSeen) addTime(past, slot, toAt - fromAt, timeScale);
      }
    },
    finish() {
      const entries = [...pasts].map(([name, { past }]) => [name, past] as const);
      const evidence = { ...NO_EVIDENCE, metrics: Object.fromEntries(entries) };
      const frozen = baselineOf(evidence, { ...state, baselineSince: range.fromAt }, range.toAt);
      return { ...frozen, source: 'history' };
    },
  };
}

function addSeries({ baseline }: MetricEvidence, one: RecordedSeries, slot: number): void {
  baseline.n += one.count;
  baseline.x += one.sum;
  baseline.xx += one.sumSquares;
  for (const [bin, count] of one.bins ?? []) addBins(baseline.bins, { bin: [bin], count: [count] });
  baseline.week.n[slot] += one.count;
  baseline.week.x[slot] += one.sum;
}

function addTime({ baseline }: MetricEvidence, slot: number, ms: number, timeScale: number): void {
  baseline.seenMs += ms;
  baseline.week.seenMs[slot] += ms / timeScale;
}

import { clopperPearsonLower, clopperPearsonUpper, designEffect } from '@rampart/stats';
import { silenceMs } from '../decide/cadence.ts';
import type { Metric } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Baseline, BaselineMetric } from '../verdict.ts';
import type { EvidenceState } from './evidence-state.ts';
import { quantileOf } from './histogram.ts';
import { total } from './tally.ts';

/** Level of each one-sided bound of a baseline, and its normal quantile. */
const BOUND_LEVEL = 0.01;
const BOUND_Z = 2.326;

type Sums = EvidenceState['metrics'][string]['baseline'];

function shareBaseline(sums: Sums, effect: number): Omit<BaselineMetric, 'count'> {
  const [x, n] = [sums.x / effect, sums.n / effect];
  return {
    value: sums.x / sums.n,
    low: clopperPearsonLower(x, n, BOUND_LEVEL),
    high: clopperPearsonUpper(x, n, BOUND_LEVEL),
  };
}

function quantileBaseline(sums: Sums, quantile: number): Omit<BaselineMetric, 'count'> | undefined {
  const tail = (1 - quantile) * sums.n;
  const value = quantileOf(sums.bins, quantile);
  const low = quantileOf(sums.bins, 1 - clopperPearsonUpper(tail, sums.n, BOUND_LEVEL));
  const high = quantileOf(sums.bins, 1 - clopperPearsonLower(tail, sums.n, BOUND_LEVEL));
  return value === undefined || low === undefined || high === undefined ? undefined : { value, low, high };
}

function meanBaseline(sums: Sums, effect: number): Omit<BaselineMetric, 'count'> {
  const value = sums.x / sums.n;
  const variance = Math.max(0, sums.xx / sums.n - value ** 2);
  const radius = BOUND_Z * Math.sqrt((variance * effect) / sums.n);
  return { value, low: value - radius, high: value + radius };
}

function rateBaseline(count: number, seconds: number): Omit<BaselineMetric, 'count'> {
  const radius = BOUND_Z * Math.sqrt(count);
  return { value: count / seconds, low: Math.max(0, count - radius) / seconds, high: (count + radius) / seconds };
}

function metricBaseline(metric: Metric, sums: Sums): BaselineMetric | undefined {
  if (sums.n === 0) return undefined;
  const bounded = boundedBaseline(metric, sums);
  // The hours of a quantile would need a histogram each.
  if (bounded === undefined || metric.kind === 'quantile') return bounded;
  const { n, x, seenMs } = sums.week;
  return { ...bounded, week: { n: [...n], x: [...x], seenMs: [...seenMs] } };
}

function boundedBaseline(metric: Metric, sums: Sums): BaselineMetric | undefined {
  const effect = total(sums.nByBucket) > 0 ? designEffect(sums.nByBucket, sums.xByBucket) : metric.designEffect;
  if (metric.kind === 'proportion') return { ...shareBaseline(sums, effect), count: sums.n };
  if (metric.kind === 'rate' || metric.kind === 'count')
    return { ...rateBaseline(sums.n, Math.max(1e-3, sums.seenMs / 1000)), count: sums.n };
  const bounds =
    metric.kind === 'quantile' ? quantileBaseline(sums, metric.quantile ?? 0.99) : meanBaseline(sums, effect);
  return bounds && { ...bounds, count: sums.n };
}

/** The frozen baseline of what was seen before exposure, with one-sided 99 % bounds; metrics never observed are left out. */
export function baselineOf(evidence: EvidenceState, state: RolloutState, now: number): Baseline {
  const fromAt = state.baselineSince ?? now;
  const entries = Object.values(state.plan.metrics).map((metric) => {
    const sums = evidence.metrics[metric.name]?.baseline;
    return [metric.name, sums && metricBaseline(metric, sums)] as const;
  });
  const metrics = Object.fromEntries(
    entries.filter((entry): entry is [string, BaselineMetric] => entry[1] !== undefined),
  );
  return { fromAt, toAt: now, metrics };
}

/** Part of the window of a baseline that must have been seen: what a source reported in its last minutes is no baseline. */
const LEAST_SEEN = 0.5;

/** How much more of its window must be seen before a baseline may be frozen, milliseconds; 0 once it is enough. */
export function baselineUnseenMs(evidence: EvidenceState, { plan }: Pick<RolloutState, 'plan'>): number {
  const seen = Math.max(0, ...Object.values(evidence.metrics).map(({ baseline }) => baseline.seenMs));
  return Math.max(0, LEAST_SEEN * plan.baseline.windowMs - seen);
}

/**
 * Whether the baseline may be frozen now: its window has passed and half of it was seen, to the end, so that a silent
 * source cannot lead to an empty one.
 */
export function baselineDue(evidence: EvidenceState, state: RolloutState, now: number): boolean {
  const { phase, baseline, baselineSince, blindSince } = state;
  const isOpen = phase === 'baseline' && baseline === undefined && blindSince === undefined;
  if (!isOpen || baselineSince === undefined) return false;
  const isFresh = evidence.freshAt !== undefined && now - evidence.freshAt <= silenceMs(state.plan);
  const hasPassed = now - baselineSince >= state.plan.baseline.windowMs;
  return isFresh && hasPassed && baselineUnseenMs(evidence, state) === 0;
}

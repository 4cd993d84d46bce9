import { clopperPearsonLower, clopperPearsonUpper } from '@rampart/stats';
import type { Metric } from '../../plan.ts';

/** How fast the tail above a high quantile thins out, as a power: that of a log-normal with spread 1 near its p99. */
const TAIL_POWER = 3;
const LEAST_SHARE = 1e-9;
/** Level of each one-sided bound of a baseline, and its normal quantile; as the core takes them. */
const BOUND_LEVEL = 0.01;
const BOUND_Z = 2.326;

/** A share kept off 0 and 1, where no test can be built. */
export function insideUnit(share: number): number {
  return Math.min(1 - LEAST_SHARE, Math.max(LEAST_SHARE, share));
}

/** Share of observations beyond a line when the metric's quantile is at `value`, by an assumed tail. */
export function shareBeyond(line: number, value: number, quantile: number): number {
  const room = line / value;
  const share = quantile >= 0.5 ? (1 - quantile) * room ** -TAIL_POWER : 1 - quantile * room ** TAIL_POWER;
  return insideUnit(share);
}

/** Variance of one observation of a mean, which plans do not say: at most that of a score, else as wide as the mean. */
export function assumedVariance(metric: Metric, value: number): number {
  return metric.unit === 'score' ? Math.max(0, value * (1 - value)) : value ** 2;
}

/** What `assumedVariance` takes for granted. */
export function assumedSpread(metric: Metric): string {
  return metric.unit === 'score'
    ? 'assumes the widest spread a score can have'
    : 'assumes values spread as widely as their mean';
}

/** Said of every number that rests on `shareBeyond`. */
export const ASSUMED_TAIL = 'assumes the tail of a log-normal with spread 1';

/** One-sided 99 % bounds of a baseline's value, as the core will take it from `count` observations (effective ones). */
export function baselineBounds(
  metric: Metric,
  value: number,
  count: number | undefined,
): { readonly low: number; readonly high: number } {
  if (count === undefined || count <= 0) return { low: value, high: value };
  const upper = (share: number) => clopperPearsonUpper(share * count, count, BOUND_LEVEL);
  const lower = (share: number) => clopperPearsonLower(share * count, count, BOUND_LEVEL);
  if (metric.kind === 'proportion') return { low: lower(value), high: upper(value) };
  if (metric.kind === 'quantile') {
    const quantile = metric.quantile ?? 0.99;
    const tail = Math.min(quantile, 1 - quantile);
    const [wide, narrow] = [(tail / upper(tail)) ** (1 / TAIL_POWER), (tail / lower(tail)) ** (1 / TAIL_POWER)];
    return quantile >= 0.5 ? { low: value * wide, high: value * narrow } : { low: value / narrow, high: value / wide };
  }
  const isRate = metric.kind === 'rate' || metric.kind === 'count';
  const radius = BOUND_Z * (isRate ? value / Math.sqrt(count) : Math.sqrt(assumedVariance(metric, value) / count));
  return { low: isRate ? Math.max(0, value - radius) : value - radius, high: value + radius };
}

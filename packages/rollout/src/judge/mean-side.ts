import { type Direction, meanInterval, normalAtMost, oneSidedMeanLogE } from '@rampart/stats';
import { USER_BUCKETS } from '../evidence.ts';
import type { Metric } from '../plan.ts';
import type { Side } from './line.ts';
import { type ArmSums, UNKNOWN, WIDTH } from './prepared-batch.ts';
import type { Shown, SideJudge } from './side-judge.ts';
import { addAt, between, type Sums, since, type Tally } from './tally.ts';

/** Layout: observations by user bucket, sums by user bucket, totals of both, sum of all squares. */
const AT = { sum: WIDTH, n: 2 * WIDTH, x: 2 * WIDTH + 1, squares: 2 * WIDTH + 2 } as const;
const SIZE = 2 * WIDTH + 3;
/** Burn-in of the asymptotic method (statistics b1). */
const LEAST_OBSERVATIONS = 50;
const LEAST_BUCKETS = 20;
/** A mean is judged for effects of this share of its limit, and its values are taken to vary by at least a quarter of that. */
const EFFECT_SHARE = 0.2;
const LEAST_VARIATION_SHARE = EFFECT_SHARE / 4;
const INTERVAL_ALPHA = 0.05;

function addArm(into: Tally, arm: ArmSums): void {
  addAt(into, 0, arm.n);
  addAt(into, AT.sum, arm.x);
  into[AT.n] += arm.totals.n;
  into[AT.x] += arm.totals.x;
  into[AT.squares] += arm.totals.xx;
}

function activeBuckets(sums: Sums): number {
  let active = 0;
  for (let b = 0; b < USER_BUCKETS; b += 1) if (sums[b] > 0) active += 1;
  return active;
}

/** Variance that the sum of n values has at least: that of single values times the declared effect, and a part of the line's. */
function leastVariance(n: number, x: number, squares: number, metric: Metric, line: number): number {
  const single = Math.max(0, squares - (x * x) / n) * metric.designEffect;
  return Math.max(single, (LEAST_VARIATION_SHARE * Math.abs(line)) ** 2 * n);
}

/** Standard error of a mean: from the user buckets where users are known, else from single values times the declared effect. */
function meanError(sums: Sums, metric: Metric, line: number): number {
  const [n, x] = [sums[AT.n], sums[AT.x]];
  const least = leastVariance(n, x, sums[AT.squares], metric, line);
  const active = activeBuckets(sums);
  let spread = 0;
  for (let b = 0; b < USER_BUCKETS; b += 1) spread += (sums[AT.sum + b] - (x / n) * sums[b]) ** 2;
  return Math.sqrt(Math.max((active / Math.max(1, active - 1)) * spread, least)) / n;
}

/** Skewness that the mean may have left: beyond it, a sample that has not met its rare large values yet looks too low. */
const MOST_SKEWNESS = 0.5;

/**
 * Observations after which the mean is as good as normal on its low side: a lognormal with the same coefficient of variation
 * c has skewness c^3 + 3c, its mean of n values that over the root of n.
 */
function leastForSkewness(sums: Sums): number {
  const [n, x, squares] = [sums[AT.n], sums[AT.x], sums[AT.squares]];
  if (!(x > 0)) return 0;
  const variation = Math.sqrt(Math.max(0, (squares * n) / (x * x) - 1));
  return ((variation ** 3 + 3 * variation) / MOST_SKEWNESS) ** 2;
}

function lacks(sums: Sums, line: number | undefined, direction: Direction): string | undefined {
  if (line === undefined) return 'a baseline of this metric';
  const n = sums[AT.n];
  const active = activeBuckets(sums);
  if (n > 0 && sums[UNKNOWN] === 0 && active < LEAST_BUCKETS) {
    return `users in ${LEAST_BUCKETS} of 64 buckets (now ${active})`;
  }
  if (n < LEAST_OBSERVATIONS) return `${LEAST_OBSERVATIONS} observations (now ${n})`;
  const least = direction === 'below' ? Math.ceil(leastForSkewness(sums)) : 0;
  return n < least ? `${least} observations of values this uneven (now ${n})` : undefined;
}

/** The estimate that a mean is judged by. */
function estimateOf(sums: Sums, metric: Metric, line: number) {
  const n = sums[AT.n];
  const se = meanError(sums, metric, line);
  // A limit of 0 has no size of its own: the spread of the values stands in.
  const scale = line === 0 ? se * Math.sqrt(n) : Math.abs(line);
  return { delta: sums[AT.x] / n, se, tau: EFFECT_SHARE * Math.max(scale, Number.MIN_VALUE) };
}

/**
 * How much wider values spread if their true mean lies at the line above them: costs and the like spread in proportion to
 * their mean, and a sample that missed the rare large ones has too low a mean and too small a spread at once.
 */
function scaleBelow(mean: number, line: number): number {
  return mean > 0 && line > mean ? line / mean : 1;
}

function shown(sums: Sums, metric: Metric, side: Side, line: number | undefined): Shown {
  const n = sums[AT.n];
  const validity = sums[UNKNOWN] > 0 ? 'assumes independent requests' : 'asymptotic';
  const counts: Shown = { treatmentCount: n, controlCount: 0, validity };
  if (n === 0 || side === 'fail') return counts;
  const value = sums[AT.x] / n;
  if (line === undefined || lacks(sums, line, 'above') !== undefined) return { ...counts, value };
  const { low, high } = meanInterval({ ...estimateOf(sums, metric, line), alpha: INTERVAL_ALPHA });
  return { ...counts, value, interval: [low, high] };
}

/** Exposed units' mean against a line by the one-sided normal mixture (b1), its variance from the user buckets. */
export function meanSide(metric: Metric, side: Side, line: number | undefined): SideJudge {
  const direction = (metric.harm === 'higher') === (side === 'fail') ? 'above' : 'below';
  const logE = (sums: Sums, earlier?: Sums): number => {
    const recent = between(sums, earlier);
    if (line === undefined || lacks(recent, line, direction) !== undefined) return 0;
    const estimate = estimateOf(recent, metric, line);
    const se = estimate.se * (direction === 'below' ? scaleBelow(estimate.delta, line) : 1);
    return oneSidedMeanLogE({ ...estimate, se, nullDelta: line, direction });
  };
  return {
    method: 'one-sided normal mixture (b1) over user buckets',
    stream: {
      key: `${metric.name} mean`,
      size: SIZE,
      add(into, batch) {
        for (const { treatment } of batch.strata) addArm(into, treatment);
        for (const { sums } of batch.targeted) addArm(into, sums);
      },
    },
    lacks: (sums) => lacks(sums, line, direction),
    logE,
    atMost(sums, earlier) {
      const n = since(sums, AT.n, earlier);
      if (line === undefined || n < LEAST_OBSERVATIONS) return 0;
      const x = since(sums, AT.x, earlier);
      const excess = (direction === 'above' ? 1 : -1) * (x - line * n);
      if (excess <= 0) return 0;
      const least = leastVariance(n, x, since(sums, AT.squares, earlier), metric, line);
      return normalAtMost(excess / Math.sqrt(least));
    },
    count: (sums) => sums[AT.n],
    show: (sums) => shown(sums, metric, side, line),
  };
}

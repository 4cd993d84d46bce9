import { designEffect, meanInterval, oneSidedMeanLogE, proportionInterval } from '@rampart/stats';
import type { Metric } from '../plan.ts';
import { type ArmSums, exceedances, exposedSums, UNKNOWN } from './arm-sums.ts';
import { lineOf, type Side } from './line.ts';
import type { Method, MethodContext, SideEvidence } from './method.ts';
import { shareLogE } from './share-log-e.ts';
import { plus, type Tally, total } from './tally.ts';

const WIDTH = UNKNOWN + 1;
/** Burn-in of the asymptotic method (statistics b1). */
const LEAST_OBSERVATIONS = 50;
const LEAST_BUCKETS = 20;
/** A mean is judged for effects of this share of its limit, and its values are taken to vary by at least a quarter of that. */
const EFFECT_SHARE = 0.2;
const LEAST_VARIATION_SHARE = EFFECT_SHARE / 4;
/** Level of displayed intervals. */
const INTERVAL_ALPHA = 0.05;

/** Observations and sums per user bucket, and the sum of squares of all. */
type Sums = { readonly n: readonly number[]; readonly x: readonly number[]; readonly xx: number };
const SIZE = 2 * WIDTH + 1;

function split(tally: Tally): Sums {
  return { n: tally.slice(0, WIDTH), x: tally.slice(WIDTH, 2 * WIDTH), xx: tally[2 * WIDTH] };
}

function isShare(metric: Metric): boolean {
  return metric.kind === 'proportion' || metric.kind === 'quantile';
}

/** Observations and bad events of an arm: as they are, what is beyond the line, or the complement where lower is harm. */
function sumsOf(arm: ArmSums, side: Side, context: MethodContext): Tally {
  const { metric } = context;
  if (metric.kind === 'quantile') {
    const cut = lineOf(context.check, metric, side, context.baseline);
    if (cut === undefined) return [];
    const beyond = exceedances(arm, cut, (side === 'fail') === (metric.harm === 'higher'));
    return [...arm.n, ...beyond, total(beyond)];
  }
  return [...arm.n, ...arm.x, total(arm.xx)];
}

/** Design effect of the users where they are known, else the declared one. */
function effectOf(sums: Sums, metric: Metric): number {
  if (sums.n[UNKNOWN] > 0) return metric.designEffect;
  return designEffect(sums.n.slice(0, UNKNOWN), sums.x.slice(0, UNKNOWN));
}

function validityOf(sums: Sums): SideEvidence['validity'] {
  return sums.n[UNKNOWN] > 0 ? 'assumes independent requests' : 'asymptotic';
}

function shareEvidence(sums: Sums, side: Side, context: MethodContext, line: number): SideEvidence {
  const { metric } = context;
  const [n, sum] = [total(sums.n), total(sums.x)];
  // A quantile counts what lies beyond the line, which is harm or the lack of it as the metric says.
  const limit = metric.kind === 'quantile' ? 1 - (metric.quantile ?? 0.99) : line;
  const effect = effectOf(sums, metric);
  const direction = (metric.harm === 'higher') === (side === 'fail') ? 'above' : 'below';
  const logE = shareLogE(sum / effect, n / effect, limit, direction);
  const counts = { logE, treatmentCount: n, controlCount: 0, validity: validityOf(sums) };
  // Only the pass side is shown, and an interval is the dearest part of a look.
  if (metric.kind === 'quantile' || n === 0 || side === 'fail') return counts;
  const { low, high } = proportionInterval(sum / effect, n / effect, INTERVAL_ALPHA);
  return { ...counts, value: sum / n, interval: [low, high] };
}

/** Standard error of a mean: from the user buckets where users are known, else from single values times the declared effect. */
function meanError(sums: Sums, metric: Metric, line: number): number {
  const { xx } = sums;
  const [n, x] = [total(sums.n), total(sums.x)];
  const least = (LEAST_VARIATION_SHARE * Math.abs(line)) ** 2 * n;
  const single = Math.max(0, xx - (x * x) / n) * metric.designEffect;
  if (sums.n[UNKNOWN] > 0) return Math.sqrt(Math.max(single, least)) / n;
  const active = sums.n.filter((count) => count > 0).length;
  const between = total(sums.n.map((count, index) => (sums.x[index] - (x / n) * count) ** 2));
  return Math.sqrt(Math.max((active / Math.max(1, active - 1)) * between, single, least)) / n;
}

function meanEvidence(sums: Sums, side: Side, context: MethodContext, line: number): SideEvidence {
  const { metric } = context;
  const n = total(sums.n);
  const counts = { logE: 0, treatmentCount: n, controlCount: 0, validity: validityOf(sums) };
  if (n === 0) return counts;
  const value = total(sums.x) / n;
  const active = sums.n.filter((count) => count > 0).length;
  const fewBuckets = sums.n[UNKNOWN] === 0 && active < LEAST_BUCKETS;
  if (n < LEAST_OBSERVATIONS || fewBuckets) {
    const missing = fewBuckets
      ? `users in ${LEAST_BUCKETS} of 64 buckets (now ${active})`
      : `${LEAST_OBSERVATIONS} observations (now ${n})`;
    return { ...counts, value, insufficient: missing };
  }
  const se = meanError(sums, metric, line);
  const tau = EFFECT_SHARE * Math.max(Math.abs(line), Number.MIN_VALUE);
  const above = (metric.harm === 'higher') === (side === 'fail');
  const logE = oneSidedMeanLogE({ delta: value, se, tau, nullDelta: line, direction: above ? 'above' : 'below' });
  const { low, high } = meanInterval({ delta: value, se, tau, alpha: INTERVAL_ALPHA });
  return { ...counts, logE, value, interval: [low, high] };
}

/** Exposed units against a line: shares by the threshold grid on counts divided by the design effect (a3, c1), means by (b1). */
export function sampleMethod(metric: Metric): Method {
  const name = isShare(metric)
    ? metric.kind === 'quantile'
      ? 'exceedance of the limit (c1), threshold grid (a3), design effect of users'
      : 'threshold grid (a3), design effect of users'
    : 'one-sided normal mixture (b1) over user buckets';
  return {
    name,
    increment: (batch, side, context) =>
      exposedSums(batch).reduce<Tally>((sum, arm) => plus(sum, sumsOf(arm, side, context)), []),
    evidence: (tally, side, context) => {
      const line = lineOf(context.check, context.metric, side, context.baseline);
      const sums = split(tally.length === 0 ? new Array<number>(SIZE).fill(0) : tally);
      if (line === undefined) {
        return {
          logE: 0,
          treatmentCount: total(sums.n),
          controlCount: 0,
          validity: 'asymptotic',
          insufficient: 'a baseline of this metric',
        };
      }
      return isShare(metric) ? shareEvidence(sums, side, context, line) : meanEvidence(sums, side, context, line);
    },
  };
}

import {
  bankAtMost,
  bankLogE,
  beyondChance,
  designEffectIn,
  type LinearBank,
  proportionInterval,
  thresholdBank,
} from '@rampart/stats';
import type { Metric } from '../plan.ts';
import { firstBinBeyond } from './histogram.ts';
import type { Side } from './line.ts';
import { type ArmSums, type MetricBatch, UNKNOWN, WIDTH } from './prepared-batch.ts';
import { addBeyond, eachExposed, type Shown, type SideJudge, type Stream } from './side-judge.ts';
import { addAt, between, type Sums, since, type Tally } from './tally.ts';

/** Layout: observations by user bucket, bad ones by user bucket, totals of both; then both by bucket of control; batches added. */
const AT = {
  bad: WIDTH,
  n: 2 * WIDTH,
  x: 2 * WIDTH + 1,
  control: 2 * WIDTH + 2,
  controlBad: 3 * WIDTH + 2,
  batches: 4 * WIDTH + 2,
} as const;
export const SHARE_SIZE = 4 * WIDTH + 3;
/** Buckets with users that a pass needs: fewer users than that may all have been lucky. */
const LEAST_BUCKETS = 20;
/** Level of displayed intervals. */
const INTERVAL_ALPHA = 0.05;

/** Adds observations and bad ones of an arm from two places on, of a quantile those from bin `first` on; gives the number of bad ones. */
function addArm(into: Tally, arm: ArmSums, at: number, badAt: number, first: number | undefined): number {
  if (arm.totals.n === 0) return 0;
  addAt(into, at, arm.n);
  if (first !== undefined) return addBeyond(into, badAt, arm, first);
  if (arm.totals.x !== 0) addAt(into, badAt, arm.x);
  return arm.totals.x;
}

/** Adds a batch to the sums of a share; of a quantile, the values from bin `first` on are the bad ones. */
export function addShares(into: Tally, batch: MetricBatch, first?: number): void {
  eachExposed(batch, (arm) => {
    into[AT.n] += arm.totals.n;
    into[AT.x] += addArm(into, arm, 0, AT.bad, first);
  });
  for (const { control } of batch.strata) addArm(into, control, AT.control, AT.controlBad, first);
  into[AT.batches] += 1;
}

/** Exposed units and the bad ones among them; of a quantile, those beyond the line. */
function streamOf(metric: Metric, side: Side, line: number | undefined): Stream | undefined {
  if (metric.kind !== 'quantile') {
    const key = `${metric.name} share`;
    return { key, size: SHARE_SIZE, add: (into, batch) => addShares(into, batch) };
  }
  if (line === undefined) return undefined;
  const first = firstBinBeyond(line, (side === 'fail') === (metric.harm === 'higher'));
  const key = `${metric.name} beyond ${first}`;
  return {
    key,
    size: SHARE_SIZE,
    fromBin: () => first,
    add: (into, batch) => addShares(into, batch, first),
  };
}

/** What the buckets of known users show: how many have users, and the design effect that either side heeds. */
type Spread = { readonly batches: number; readonly active: number; readonly fail: number; readonly pass: number };

/**
 * The fail side reacts to what chance does not explain; the pass side heeds control too, as a treatment with few bad events
 * shows too little of how users differ.
 */
function measureSpread(sums: Sums): Spread {
  const effect = designEffectIn(sums, 0, AT.bad, UNKNOWN);
  const active = activeFrom(sums, 0);
  const hasControl = activeFrom(sums, AT.control) >= LEAST_BUCKETS;
  return {
    batches: sums[AT.batches],
    active,
    fail: effect === 1 ? 1 : beyondChance(effect, active),
    pass: hasControl ? Math.max(effect, designEffectIn(sums, AT.control, AT.controlBad, UNKNOWN)) : effect,
  };
}

function activeFrom(sums: Sums, from: number): number {
  let active = 0;
  for (let b = from; b < from + UNKNOWN; b += 1) if (sums[b] > 0) active += 1;
  return active;
}

/** Spreads of running sums, which all checks of a stream ask for at each look: as many batches added, the same sums. */
const known = new WeakMap<Sums, Spread>();

function spreadOf(sums: Sums): Spread {
  const last = known.get(sums);
  if (last !== undefined && last.batches === sums[AT.batches]) return last;
  const spread = measureSpread(sums);
  known.set(sums, spread);
  return spread;
}

/** Design effect for a side: what known users show, at least the declared one where some are not known. */
function effectOf(spread: Spread, sums: Sums, metric: Metric, side: Side): number {
  return Math.max(sums[UNKNOWN] > 0 ? metric.designEffect : 1, spread[side]);
}

/** What a side of a share lacks before it may speak. */
export function shareLacks(sums: Sums, side: Side, line: number | undefined): string | undefined {
  if (line === undefined) return 'a baseline of this metric';
  if (side === 'fail' || sums[UNKNOWN] > 0 || sums[AT.n] === 0) return undefined;
  const { active } = spreadOf(sums);
  return active < LEAST_BUCKETS ? `users in ${LEAST_BUCKETS} of ${UNKNOWN} buckets (now ${active})` : undefined;
}

/** What a side of a share shows. */
export function showShare(sums: Sums, metric: Metric, side: Side): Shown {
  const [n, x] = [sums[AT.n], sums[AT.x]];
  const validity = sums[UNKNOWN] > 0 ? 'assumes independent requests' : 'asymptotic';
  const counts: Shown = { treatmentCount: n, controlCount: 0, validity };
  // Only the pass side is shown, and a quantile's interval is read off its histogram.
  if (metric.kind === 'quantile' || n === 0 || side === 'fail') return counts;
  const effect = effectOf(spreadOf(sums), sums, metric, 'pass');
  const { low, high } = proportionInterval(x / effect, n / effect, INTERVAL_ALPHA);
  return { ...counts, value: x / n, interval: [low, high] };
}

/** Design effect that counts are divided by, of running sums or of what came since an earlier instant. */
export function shareEffect(sums: Sums, earlier: Sums | undefined, metric: Metric, side: Side): number {
  const whole = effectOf(spreadOf(sums), sums, metric, side);
  if (earlier === undefined) return whole;
  // One user's burst hardly moves the effect of a long attempt, and may be all there is since a restart.
  const recent = between(sums, earlier);
  return Math.max(whole, effectOf(measureSpread(recent), recent, metric, side));
}

/** Observations of treatment in the sums of a share. */
export const shareCount = (sums: Sums): number => sums[AT.n];

/** The bank of a line, on the rarer of events and non-events: a conversion of 10 % and a success rate of 99 % both have power. */
type Line = { readonly bank: LinearBank; readonly isRare: boolean };

/** The bank of a share's limit; none at 0 and 1, where there is no evidence either way. */
function lineBank(share: number, isAbove: boolean): Line | undefined {
  if (share <= 0 || share >= 1) return undefined;
  const isRare = share <= 0.5;
  return { isRare, bank: thresholdBank(isRare ? share : 1 - share, isRare === isAbove ? 'above' : 'below') };
}

/**
 * Exposed units against a line: shares, and exceedances of a quantile's limit (c1), by the threshold grid (a3) on counts
 * divided by the users' design effect.
 */
export function shareSide(metric: Metric, side: Side, line: number | undefined): SideJudge {
  const isQuantile = metric.kind === 'quantile';
  // A quantile counts what lies beyond the line, which is harm or the lack of it as the metric says.
  const share = isQuantile ? 1 - (metric.quantile ?? 0.99) : line;
  const isAbove = (metric.harm === 'higher') === (side === 'fail');
  const own = line === undefined || share === undefined ? undefined : lineBank(share, isAbove);
  const stream = streamOf(metric, side, line);
  return {
    method: `${isQuantile ? 'exceedance of the limit (c1), ' : ''}threshold grid (a3), design effect of users`,
    ...(stream && { stream }),
    lacks: (sums) => shareLacks(sums, side, line),
    atMost(sums, earlier) {
      if (own === undefined) return 0;
      const x = since(sums, AT.x, earlier);
      const rest = since(sums, AT.n, earlier) - x;
      return own.isRare ? bankAtMost(own.bank, x, rest) : bankAtMost(own.bank, rest, x);
    },
    logE(sums, earlier) {
      if (own === undefined || shareLacks(sums, side, line) !== undefined) return 0;
      const effect = shareEffect(sums, earlier, metric, side);
      const x = since(sums, AT.x, earlier) / effect;
      const rest = since(sums, AT.n, earlier) / effect - x;
      return own.isRare ? bankLogE(own.bank, x, rest) : bankLogE(own.bank, rest, x);
    },
    count: shareCount,
    show: (sums) => showShare(sums, metric, side),
  };
}

import {
  bankAtLeast,
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
import { type AddedRatios, addBeyond, type Shown, type SideJudge, type Stream } from './side-judge.ts';
import { addAt, between, emptyTally, type Sums, since, type Tally } from './tally.ts';

/** Layout: observations by user bucket, bad ones by user bucket, then the same of control; totals of all four; batches added. */
const AT = {
  bad: WIDTH,
  control: 2 * WIDTH,
  controlBad: 3 * WIDTH,
  n: 4 * WIDTH,
  x: 4 * WIDTH + 1,
  controlN: 4 * WIDTH + 2,
  controlX: 4 * WIDTH + 3,
  batches: 4 * WIDTH + 4,
} as const;
export const SHARE_SIZE = 4 * WIDTH + 5;
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

/** Adds a batch's exposed units to the sums of a share; of a quantile, the values from bin `first` on are the bad ones. */
function addExposed(into: Tally, batch: MetricBatch, first?: number): void {
  for (const { treatment } of batch.strata) {
    into[AT.n] += treatment.totals.n;
    into[AT.x] += addArm(into, treatment, 0, AT.bad, first);
  }
  for (const { sums } of batch.targeted) {
    into[AT.n] += sums.totals.n;
    into[AT.x] += addArm(into, sums, 0, AT.bad, first);
  }
  into[AT.batches] += 1;
}

/** As `addExposed`, and control's, by which the pass side knows how users differ. */
export function addShares(into: Tally, batch: MetricBatch, first?: number): void {
  addExposed(into, batch, first);
  for (const { control } of batch.strata) {
    into[AT.controlN] += control.totals.n;
    into[AT.controlX] += addArm(into, control, AT.control, AT.controlBad, first);
  }
}

/** Exposed units and the bad ones among them; of a quantile, those beyond the line. */
function streamOf(metric: Metric, side: Side, line: number | undefined): Stream | undefined {
  if (metric.kind !== 'quantile') {
    const key = `${metric.name} share`;
    return {
      key,
      size: SHARE_SIZE,
      add: (into, batch) => addShares(into, batch),
      addToAttempt: (into, batch) => addExposed(into, batch),
    };
  }
  if (line === undefined) return undefined;
  const first = firstBinBeyond(line, (side === 'fail') === (metric.harm === 'higher'));
  const key = `${metric.name} beyond ${first}`;
  return {
    key,
    size: SHARE_SIZE,
    fromBin: () => first,
    add: (into, batch) => addShares(into, batch, first),
    addToAttempt: (into, batch) => addExposed(into, batch, first),
  };
}

/** What the buckets of known users show: how many have users, and the design effect that either side heeds. */
type Spread = {
  readonly batches: number;
  readonly active: number;
  readonly fail: number;
  readonly pass: number;
  /** Of each arm when it was measured; of control only once it has users in enough buckets to say something. */
  readonly treatment: ArmSpread;
  readonly control?: ArmSpread;
};

/** An arm's observations, bad ones, and their design effect. */
type ArmSpread = { readonly n: number; readonly x: number; readonly effect: number };

/**
 * The fail side reacts to what chance does not explain; the pass side heeds control too, as a treatment with few bad events
 * shows too little of how users differ.
 */
function measureSpread(sums: Sums): Spread {
  const effect = designEffectIn(sums, 0, AT.bad, UNKNOWN);
  const active = activeFrom(sums, 0);
  const hasControl = activeFrom(sums, AT.control) >= LEAST_BUCKETS;
  const ofControl = hasControl ? designEffectIn(sums, AT.control, AT.controlBad, UNKNOWN) : 1;
  return {
    batches: sums[AT.batches],
    active,
    fail: effect === 1 ? 1 : beyondChance(effect, active),
    pass: Math.max(effect, ofControl),
    treatment: { n: sums[AT.n], x: sums[AT.x], effect },
    ...(hasControl && { control: { n: sums[AT.controlN], x: sums[AT.controlX], effect: ofControl } }),
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

/** Variance of a number of independent bad events. */
const variance = (n: number, x: number) => (n > 0 ? x * (1 - x / n) : 0);

/** How much a design effect is corrected for the number of buckets, at most: there are enough of them. */
const MOST_CORRECTION = LEAST_BUCKETS / (LEAST_BUCKETS - 1);
/** Rounding may not make a bound of something larger lie below it. */
const ROUNDING = 1 + 1e-9;

/**
 * Most that an arm's design effect can have become since it was measured. What the buckets differ by is a distance, which more
 * observations lengthen by at most their own: their number times the share, and the bad ones; and as much again as the share moves.
 */
function effectAtMost(before: ArmSpread, n: number, x: number): number {
  const own = x - before.x + (before.x / before.n) * (n - before.n);
  const distance = Math.sqrt(before.effect * variance(before.n, before.x)) + 2 * Math.sqrt(MOST_CORRECTION) * own;
  const now = variance(n, x);
  return now > 0 ? Math.max(1, (ROUNDING * distance ** 2) / now) : 1;
}

/** Most that the pass side's design effect can be now, by what was measured last; infinite where that says nothing. */
function passEffectAtMost(sums: Sums): number {
  const last = known.get(sums);
  const [nC, xC] = [sums[AT.controlN], sums[AT.controlX]];
  if (last === undefined || last.active < LEAST_BUCKETS || sums[UNKNOWN] > 0) return Number.POSITIVE_INFINITY;
  if (last.control === undefined && nC > 0) return Number.POSITIVE_INFINITY;
  const ofTreatment = effectAtMost(last.treatment, sums[AT.n], sums[AT.x]);
  return last.control === undefined ? ofTreatment : Math.max(ofTreatment, effectAtMost(last.control, nC, xC));
}

/** Design effect for a side: what known users show, at least the declared one where some are not known. */
function effectOf(spread: Spread, sums: Sums, metric: Metric, side: Side): number {
  return Math.max(sums[UNKNOWN] > 0 ? metric.designEffect : 1, spread[side]);
}

/** What a side of a share lacks before it may speak. */
export function shareLacks(sums: Sums, side: Side, line: number | undefined): string | undefined {
  if (line === undefined) return 'a baseline of this metric';
  if (side === 'fail' || sums[UNKNOWN] > 0 || sums[AT.n] === 0) return undefined;
  // Buckets never lose their users.
  const before = known.get(sums)?.active ?? 0;
  const active = before >= LEAST_BUCKETS ? before : activeFrom(sums, 0);
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

/** The likelihood ratios of a line, which are sums over batches as long as no design effect divides them. */
function ratiosOf({ bank: { first, second }, isRare }: Line): AddedRatios {
  const ratios = emptyTally(first.length);
  return {
    size: ratios.length,
    power: () => 1,
    of(sums) {
      const bad = sums[AT.x];
      const good = sums[AT.n] - bad;
      const [a, b] = isRare ? [bad, good] : [good, bad];
      for (let g = 0; g < ratios.length; g += 1) ratios[g] = first[g] * a + second[g] * b;
      return ratios;
    },
  };
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
    ...(own && { ratios: ratiosOf(own) }),
    lacks: (sums) => shareLacks(sums, side, line),
    atMost(sums, earlier) {
      if (own === undefined) return 0;
      const x = since(sums, AT.x, earlier);
      const rest = since(sums, AT.n, earlier) - x;
      return own.isRare ? bankAtMost(own.bank, x, rest) : bankAtMost(own.bank, rest, x);
    },
    atLeast(sums) {
      const effect = passEffectAtMost(sums);
      if (own === undefined || effect === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
      const x = sums[AT.x] / effect;
      const rest = sums[AT.n] / effect - x;
      return own.isRare ? bankAtLeast(own.bank, x, rest) : bankAtLeast(own.bank, rest, x);
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

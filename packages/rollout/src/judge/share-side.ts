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
import { type ArmSums, UNKNOWN, WIDTH } from './prepared-batch.ts';
import { eachExposed, type Shown, type SideJudge, type Stream } from './side-judge.ts';
import { addAt, type Sums, since, type Tally, total } from './tally.ts';

/** Layout: observations by user bucket, bad ones by user bucket, and both totals. */
const AT = { bad: WIDTH, n: 2 * WIDTH, x: 2 * WIDTH + 1 } as const;
const SIZE = 2 * WIDTH + 2;
/** Level of displayed intervals. */
const INTERVAL_ALPHA = 0.05;

function addArm(into: Tally, arm: ArmSums): void {
  addAt(into, 0, arm.n);
  addAt(into, AT.bad, arm.x);
  into[AT.n] += total(arm.n);
  into[AT.x] += total(arm.x);
}

function addBeyond(into: Tally, arm: ArmSums, first: number): void {
  addAt(into, 0, arm.n);
  into[AT.n] += total(arm.n);
  if (arm.bins === undefined) return;
  const { bucket, bin, count } = arm.bins;
  for (let index = 0; index < bin.length; index += 1) {
    if (bin[index] < first) continue;
    into[AT.bad + bucket[index]] += count[index];
    into[AT.x] += count[index];
  }
}

/** Exposed units and the bad ones among them; of a quantile, those beyond the line. */
function streamOf(metric: Metric, side: Side, line: number | undefined): Stream | undefined {
  if (metric.kind !== 'quantile') {
    const key = `${metric.name} share`;
    return { key, size: SIZE, keepFrom: AT.n, add: (into, batch) => eachExposed(batch, (arm) => addArm(into, arm)) };
  }
  if (line === undefined) return undefined;
  const first = firstBinBeyond(line, (side === 'fail') === (metric.harm === 'higher'));
  const key = `${metric.name} beyond ${first}`;
  return {
    key,
    size: SIZE,
    keepFrom: AT.n,
    fromBin: () => first,
    add: (into, batch) => eachExposed(batch, (arm) => addBeyond(into, arm, first)),
  };
}

/** Design effect of the users where they are known, else the declared one. The fail side reacts to what chance does not explain. */
function effectOf(sums: Sums, metric: Metric, side: Side): number {
  if (sums[UNKNOWN] > 0) return metric.designEffect;
  const effect = designEffectIn(sums, 0, AT.bad, UNKNOWN);
  return side === 'pass' || effect === 1 ? effect : beyondChance(effect, activeIn(sums));
}

function activeIn(sums: Sums): number {
  let active = 0;
  for (let b = 0; b < UNKNOWN; b += 1) if (sums[b] > 0) active += 1;
  return active;
}

function shown(sums: Sums, metric: Metric, side: Side): Shown {
  const [n, x] = [sums[AT.n], sums[AT.x]];
  const validity = sums[UNKNOWN] > 0 ? 'assumes independent requests' : 'asymptotic';
  const counts: Shown = { treatmentCount: n, controlCount: 0, validity };
  // Only the pass side is shown, and a quantile's interval is read off its histogram.
  if (metric.kind === 'quantile' || n === 0 || side === 'fail') return counts;
  const effect = effectOf(sums, metric, 'pass');
  const { low, high } = proportionInterval(x / effect, n / effect, INTERVAL_ALPHA);
  return { ...counts, value: x / n, interval: [low, high] };
}

/** The bank of a line, on the rarer of events and non-events: a conversion of 10 % and a success rate of 99 % both have power. */
type Line = { readonly bank: LinearBank; readonly isRare: boolean };

function lineBank(share: number, isAbove: boolean): Line | undefined {
  // At 0 and 1 there is no evidence either way.
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
  const counted = (sums: Sums, earlier: Sums | undefined): readonly [number, number] => {
    const [n, x] = [since(sums, AT.n, earlier, AT.n), since(sums, AT.x, earlier, AT.n)];
    return own?.isRare === false ? [n - x, x] : [x, n - x];
  };
  const stream = streamOf(metric, side, line);
  return {
    method: `${isQuantile ? 'exceedance of the limit (c1), ' : ''}threshold grid (a3), design effect of users`,
    ...(stream && { stream }),
    lacks: () => (line === undefined ? 'a baseline of this metric' : undefined),
    atMost(sums, earlier) {
      const [a, b] = counted(sums, earlier);
      return own === undefined ? 0 : bankAtMost(own.bank, a, b);
    },
    logE(sums, earlier) {
      if (own === undefined) return 0;
      const [a, b] = counted(sums, earlier);
      const effect = effectOf(sums, metric, side);
      return bankLogE(own.bank, a / effect, b / effect);
    },
    count: (sums) => sums[AT.n],
    show: (sums) => shown(sums, metric, side),
  };
}

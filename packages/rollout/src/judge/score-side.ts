import {
  bankAtMost,
  bankLogE,
  bucketScoreEstimateIn,
  designEffectIn,
  type LinearBank,
  meanInterval,
  normalAtMost,
  oneSidedMeanLogE,
  scoreEstimateLogE,
  stratifiedMeanEstimate,
  thresholdBank,
  updateStratifiedMean,
  weightedAverageLogE,
} from '@rampart/stats';
import { USER_BUCKETS } from '../evidence.ts';
import type { Metric } from '../plan.ts';
import { firstBinBeyond } from './histogram.ts';
import type { Side } from './line.ts';
import { type ArmSums, type StratumSums, UNKNOWN, WIDTH } from './prepared-batch.ts';
import { addBeyond, type FoldContext, type Shown, type SideJudge } from './side-judge.ts';
import { between, emptyTally, type Sums, since, type Tally } from './tally.ts';

const K = USER_BUCKETS;
/** Burn-in (statistics b, f2): observations per arm, buckets per arm, and bad events expected or seen in treatment. */
const LEAST_OBSERVATIONS = 50;
const LEAST_BUCKETS = 20;
const LEAST_EVENTS = 10;
const INTERVAL_ALPHA = 0.05;

/** Line of a control-relative limit: harm is treatment beyond `ratio * control + offset`. */
export type RelativeLine = { readonly ratio: number; readonly offset: number };

/** Layout of the tally: bucket score, stratified mean, observations per bucket of both arms, sums of treatment per bucket, totals. */
const AT = { strata: 2 * K + 3, active: 2 * K + 7, sums: 4 * K + 7, totals: 5 * K + 7 } as const;
const SIZE = 5 * K + 12;

/** An arm's values: observations and sums by user bucket, and what of all is summed. */
type Values = Pick<ArmSums, 'n' | 'x' | 'totals'>;

/** Vectors of one stratum at a time. */
const VECTORS = { moved: emptyTally(WIDTH), treated: emptyTally(WIDTH), controlled: emptyTally(WIDTH) } as const;

/** Values moved to the line, x → ratio·x + offset, so that "no worse than control" is the null of every limit. */
function moved(arm: ArmSums, { ratio, offset }: RelativeLine): Values {
  if (ratio === 1 && offset === 0) return arm;
  const { n, totals } = arm;
  const x = VECTORS.moved;
  for (let b = 0; b < WIDTH; b += 1) x[b] = ratio * arm.x[b] + offset * n[b];
  const squares = ratio ** 2 * totals.xx + 2 * ratio * offset * totals.x + offset ** 2 * totals.n;
  return { n, x, totals: { n: totals.n, x: ratio * totals.x + offset * totals.n, xx: squares } };
}

/** Exceedances of a cut as values of 0 and 1. */
function beyond(arm: ArmSums, first: number, x: Tally): Values {
  x.fill(0);
  const sum = addBeyond(x, 0, arm, first);
  return { n: arm.n, x, totals: { n: arm.totals.n, x: sum, xx: sum } };
}

/** Both arms of a stratum. Quantiles become exceedances of matched cuts: control's own quantile before this batch (c2). */
function pairOf(stratum: StratumSums, metric: Metric, side: Side, line: RelativeLine, { cut }: FoldContext) {
  const { treatment, control } = stratum;
  if (metric.kind !== 'quantile') return { treated: treatment, controlled: moved(control, line) };
  if (cut === undefined) return undefined;
  const isCertain = (side === 'fail') === (metric.harm === 'higher');
  return {
    treated: beyond(treatment, firstBinBeyond(line.ratio * cut + line.offset, isCertain), VECTORS.treated),
    controlled: beyond(control, firstBinBeyond(cut, true), VECTORS.controlled),
  };
}

function strataOf(sums: Sums) {
  return {
    score: sums[AT.strata],
    weight: sums[AT.strata + 1],
    armVariance: sums[AT.strata + 2],
    pooledVariance: sums[AT.strata + 3],
  };
}

/** Adds one stratum to the bucket score in place: the sums of `updateBucketScore` (f2), without a copy per batch. */
function addScore(into: Tally, treated: Values, controlled: Values): void {
  const [nT, xT, nC, xC] = [treated.n, treated.x, controlled.n, controlled.x];
  // The score is one of known users, in known buckets: a user of the 65th is in none.
  const [allT, allC] = [treated.totals.n - nT[UNKNOWN], controlled.totals.n - nC[UNKNOWN]];
  if (!(allT > 0 && allC > 0)) return;
  const all = allT + allC;
  const share = allT / all;
  const mean = (treated.totals.x - xT[UNKNOWN] + controlled.totals.x - xC[UNKNOWN]) / all;
  for (let b = 0; b < K; b += 1) {
    into[b] += (1 - share) * (xT[b] - mean * nT[b]);
    into[K + b] -= share * (xC[b] - mean * nC[b]);
  }
  into[2 * K] += (allT * allC) / all;
  into[2 * K + 1] += (1 - share) ** 2 * allT;
  into[2 * K + 2] += share ** 2 * allC;
}

function addPair(into: Tally, treated: Values, controlled: Values): void {
  addScore(into, treated, controlled);
  const [ofT, ofC] = [treated.totals, controlled.totals];
  const batch = { nT: ofT.n, sumT: ofT.x, sumSquaresT: ofT.xx, nC: ofC.n, sumC: ofC.x, sumSquaresC: ofC.xx };
  const strata = updateStratifiedMean(strataOf(into), batch);
  into[AT.strata] = strata.score;
  into[AT.strata + 1] = strata.weight;
  into[AT.strata + 2] = strata.armVariance;
  into[AT.strata + 3] = strata.pooledVariance;
  for (let b = 0; b < K; b += 1) {
    into[AT.active + b] += treated.n[b];
    into[AT.active + K + b] += controlled.n[b];
    into[AT.sums + b] += treated.x[b];
  }
  into[AT.totals] += ofT.n;
  into[AT.totals + 1] += ofT.x;
  into[AT.totals + 2] += ofC.n;
  into[AT.totals + 3] += ofC.x;
  into[AT.totals + 4] += treated.n[UNKNOWN] + controlled.n[UNKNOWN];
}

/** Buckets of one arm in which there were users. */
function activeBuckets(sums: Sums, from: number): number {
  let active = 0;
  for (let b = from; b < from + K; b += 1) if (sums[b] > 0) active += 1;
  return active;
}

type Totals = {
  readonly nT: number;
  readonly xT: number;
  readonly nC: number;
  readonly xC: number;
  readonly unknown: number;
};

function totalsOf(sums: Sums): Totals {
  const at = AT.totals;
  return { nT: sums[at], xT: sums[at + 1], nC: sums[at + 2], xC: sums[at + 3], unknown: sums[at + 4] };
}

/** What the burn-in still lacks. */
function lacking(sums: Sums, metric: Metric, side: Side): string | undefined {
  const { nT, xT, nC, xC, unknown } = totalsOf(sums);
  if (Math.min(nT, nC) < LEAST_OBSERVATIONS) {
    return `${LEAST_OBSERVATIONS} observations in each arm (now ${nT} and ${nC})`;
  }
  if (unknown === 0) {
    const [ofT, ofC] = [activeBuckets(sums, AT.active), activeBuckets(sums, AT.active + K)];
    if (ofT < LEAST_BUCKETS || ofC < LEAST_BUCKETS) {
      return `users in ${LEAST_BUCKETS} of ${K} buckets in each arm (now ${ofT} and ${ofC})`;
    }
  }
  if (metric.kind !== 'proportion' && metric.kind !== 'quantile') return undefined;
  // Where harm is a lack of events, their number in control is what tells: none at all in treatment is the worst case.
  const events = side === 'fail' && metric.harm === 'higher' ? xT : Math.max(xT, (xC / nC) * nT);
  return events < LEAST_EVENTS ? `${LEAST_EVENTS} events in treatment (now ${Math.floor(events)})` : undefined;
}

/** Size of effect worth finding: half of what control gives, or the limit's own offset where that is more. */
function tauOf(sums: Sums, { offset }: RelativeLine): number {
  const { nC, xC } = totalsOf(sums);
  return Math.max(0.5 * Math.abs(xC / nC), Math.abs(offset), Number.MIN_VALUE);
}

/** The comparison of known users; where some are not known, that of all, with the wider of both errors. */
function estimateOf(sums: Sums, metric: Metric): { readonly delta: number; readonly se: number } | undefined {
  const known = bucketScoreEstimateIn(sums, K);
  if (totalsOf(sums).unknown === 0) return known;
  const all = stratifiedMeanEstimate(strataOf(sums));
  return all && { delta: all.delta, se: Math.max(all.se * Math.sqrt(metric.designEffect), known?.se ?? 0) };
}

/**
 * `control + δ` also passes when treatment alone is confidently within δ, as control's share cannot be negative (semantics
 * §2): the bank of δ, where that applies.
 */
function aloneBank(metric: Metric, side: Side, { ratio, offset }: RelativeLine): LinearBank | undefined {
  const isShare = metric.kind === 'proportion' && metric.harm === 'higher';
  if (side === 'fail' || !isShare || ratio < 0 || offset <= 0 || offset >= 1) return undefined;
  return thresholdBank(offset, 'below');
}

function aloneLogE(sums: Sums, metric: Metric, bank: LinearBank): number {
  const { nT, xT, unknown } = totalsOf(sums);
  const effect = Math.max(unknown > 0 ? metric.designEffect : 1, designEffectIn(sums, AT.active, AT.sums, K));
  return bankLogE(bank, xT / effect, (nT - xT) / effect);
}

/** Log e-value of the comparison; 0 until its burn-in is over. */
function comparedLogE(sums: Sums, metric: Metric, side: Side, line: RelativeLine): number {
  if (lacking(sums, metric, side) !== undefined) return 0;
  const tau = tauOf(sums, line);
  const direction = (metric.harm === 'higher') === (side === 'fail') ? 'above' : 'below';
  if (totalsOf(sums).unknown > 0) {
    const estimate = estimateOf(sums, metric);
    return estimate === undefined ? 0 : oneSidedMeanLogE({ ...estimate, tau, direction });
  }
  const known = bucketScoreEstimateIn(sums, K);
  return known === undefined ? 0 : scoreEstimateLogE(known, { tau, direction });
}

const NOTHING: Sums = emptyTally(SIZE);

/** A bound of `comparedLogE`: the score in standard errors of its buckets, before the correction for their number. */
function comparedAtMost(sums: Sums, isUp: boolean, earlier: Sums = NOTHING): number {
  // Without users both scores are the stratified mean's; with them they differ by what rounding leaves.
  const score = sums[AT.strata] - earlier[AT.strata];
  if (isUp ? score <= 0 : score >= 0) return 0;
  // Where some users are not known two errors are compared, and no part of that is cheap.
  if (sums[AT.totals + 4] > 0) return Number.POSITIVE_INFINITY;
  let [ofT, ofC, squares] = [0, 0, 0];
  for (let b = 0; b < K; b += 1) {
    const t = sums[b] - earlier[b];
    const c = sums[K + b] - earlier[K + b];
    ofT += t;
    ofC += c;
    squares += t * t + c * c;
  }
  const variance = (K / (K - 1)) * (squares - (ofT * ofT + ofC * ofC) / K);
  return variance > 0 ? normalAtMost(Math.abs(ofT + ofC) / Math.sqrt(variance)) : Number.POSITIVE_INFINITY;
}

function shown(sums: Sums, metric: Metric, side: Side, line: RelativeLine): Shown {
  const { nT, nC, xC, unknown } = totalsOf(sums);
  const validity = unknown > 0 ? 'assumes independent requests' : 'asymptotic';
  const counts: Shown = { treatmentCount: nT, controlCount: nC, validity };
  const estimate = side === 'pass' && lacking(sums, metric, side) === undefined ? estimateOf(sums, metric) : undefined;
  if (estimate === undefined) return counts;
  const { low, high } = meanInterval({ ...estimate, tau: tauOf(sums, line), alpha: INTERVAL_ALPHA });
  return { ...counts, interval: [low + xC / nC, high + xC / nC] };
}

/**
 * Treatment's average against concurrent control's, within each batch and stratum: the score over 64 user buckets (f2);
 * where users are unknown, stratified means (b1). For means, and for limits that add to control.
 */
export function scoreSide(metric: Metric, side: Side, line: RelativeLine): SideJudge {
  const bank = aloneBank(metric, side, line);
  const isUp = (metric.harm === 'higher') === (side === 'fail');
  return {
    method: `${metric.kind === 'quantile' ? 'matched-cut exceedance (c2), ' : ''}score over user buckets (f2)`,
    stream: {
      key: `${metric.name} ${metric.kind === 'quantile' ? side : 'both'} ${line.ratio}x control + ${line.offset}`,
      size: SIZE,
      hasCuts: metric.kind === 'quantile',
      add(into, batch, context) {
        for (const stratum of batch.strata) {
          const pair = pairOf(stratum, metric, side, line, context);
          if (pair) addPair(into, pair.treated, pair.controlled);
        }
      },
    },
    lacks: (sums) => lacking(sums, metric, side),
    logE(sums, earlier) {
      const recent = between(sums, earlier);
      const compared = comparedLogE(recent, metric, side, line);
      if (bank === undefined) return compared;
      return weightedAverageLogE([0.5, 0.5], [compared, aloneLogE(recent, metric, bank)]);
    },
    atMost(sums, earlier) {
      const compared = comparedAtMost(sums, isUp, earlier);
      if (bank === undefined) return compared;
      const [n, x] = [since(sums, AT.totals, earlier), since(sums, AT.totals + 1, earlier)];
      return Math.max(compared, bankAtMost(bank, x, n - x));
    },
    count: (sums) => sums[AT.totals],
    show: (sums) => shown(sums, metric, side, line),
  };
}

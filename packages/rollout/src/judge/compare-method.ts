import {
  type BucketScore,
  bucketScoreEstimate,
  bucketScoreLogE,
  designEffect,
  EQUAL_WEIGHTS,
  emptyBucketScore,
  emptyStratifiedMean,
  meanInterval,
  mixtureLogE,
  oneSidedMeanLogE,
  passGrid,
  RATIO_GRID,
  stratifiedMeanEstimate,
  thresholdPassLogE,
  updateBucketScore,
  updateRateRatio,
  updateStratifiedMean,
  weightedAverageLogE,
} from '@rampart/stats';
import { USER_BUCKETS } from '../evidence.ts';
import type { Limit, Metric } from '../plan.ts';
import { type ArmSums, exceedances, quantileEdgeOf, type StratumSums, UNKNOWN } from './arm-sums.ts';
import { limitOf, type Side } from './line.ts';
import type { Method, MethodContext, SideEvidence } from './method.ts';
import { plus, type Tally, total } from './tally.ts';

const K = USER_BUCKETS;
/** Burn-in (statistics b, f2): observations per arm, buckets per arm, and bad events expected or seen in treatment. */
const LEAST_OBSERVATIONS = 50;
const LEAST_BUCKETS = 20;
const LEAST_EVENTS = 10;
const INTERVAL_ALPHA = 0.05;

/** Line of a control-relative limit: harm is treatment beyond `ratio * control + offset`. */
type RelativeLine = { readonly ratio: number; readonly offset: number };

/** Values of both arms with control moved to the line, so that "no worse than control" is the null of every limit. */
type Pair = {
  readonly nT: readonly number[];
  readonly xT: readonly number[];
  readonly xxT: readonly number[];
  readonly nC: readonly number[];
  readonly xC: readonly number[];
  readonly xxC: readonly number[];
};

function relativeLine(limit: Limit): RelativeLine {
  return limit.kind === 'relative' ? { ratio: limit.ratio, offset: limit.offset } : { ratio: 1, offset: 0 };
}

/** Control's values moved to the line: x → ratio·x + offset. */
function moved(arm: ArmSums, line: RelativeLine): Pick<Pair, 'nC' | 'xC' | 'xxC'> {
  const { ratio, offset } = line;
  return {
    nC: arm.n,
    xC: arm.x.map((x, b) => ratio * x + offset * arm.n[b]),
    xxC: arm.xx.map((xx, b) => ratio ** 2 * xx + 2 * ratio * offset * arm.x[b] + offset ** 2 * arm.n[b]),
  };
}

/** Both arms of a stratum. Quantiles become exceedances of matched cuts: control's own quantile before this batch (c2). */
function pairOf(stratum: StratumSums, side: Side, context: MethodContext): Pair | undefined {
  const line = relativeLine(limitOf(context.check, side));
  const { treatment, control } = stratum;
  if (context.metric.kind !== 'quantile') {
    return { nT: treatment.n, xT: treatment.x, xxT: treatment.xx, ...moved(control, line) };
  }
  const cut = quantileEdgeOf(context.controlBefore, context.metric.quantile ?? 0.99);
  if (cut === undefined) return undefined;
  const isCertain = (side === 'fail') === (context.metric.harm === 'higher');
  const xT = exceedances(treatment, line.ratio * cut + line.offset, isCertain);
  const xC = exceedances(control, cut, true);
  return { nT: treatment.n, xT, xxT: xT, nC: control.n, xC, xxC: xC };
}

function flat(score: BucketScore): readonly number[] {
  return [...score.uT, ...score.uC, score.H, score.cT, score.cC];
}

/** Layout of the tally: bucket score, stratified mean, rate-ratio bank, observations per bucket, events of treatment per bucket, totals. */
const AT = {
  score: 0,
  strata: 2 * K + 3,
  bank: 2 * K + 7,
  active: 2 * K + 13,
  events: 4 * K + 13,
  totals: 5 * K + 13,
} as const;
const SIZE = 5 * K + 18;

function bankOf(context: MethodContext, side: Side) {
  const { ratio } = relativeLine(limitOf(context.check, side));
  return side === 'fail'
    ? { nullRatio: ratio, ratios: RATIO_GRID, weights: EQUAL_WEIGHTS }
    : { nullRatio: ratio, ...passGrid(ratio) };
}

function increment(stratum: StratumSums, side: Side, context: MethodContext): Tally {
  const pair = pairOf(stratum, side, context);
  if (pair === undefined) return [];
  const known = (values: readonly number[]) => values.slice(0, K);
  const score = updateBucketScore(emptyBucketScore(K), {
    nT: known(pair.nT),
    xT: known(pair.xT),
    nC: known(pair.nC),
    xC: known(pair.xC),
  });
  const [nT, xT, nC, xC] = [total(pair.nT), total(pair.xT), total(pair.nC), total(pair.xC)];
  const strata = updateStratifiedMean(emptyStratifiedMean(), {
    nT,
    sumT: xT,
    sumSquaresT: total(pair.xxT),
    nC,
    sumC: xC,
    sumSquaresC: total(pair.xxC),
  });
  const { nullRatio, ratios } = bankOf(context, side);
  const { designEffect } = context.metric;
  const counts = {
    xT: xT / designEffect,
    nT: nT / designEffect,
    xC: total(stratum.control.x) / designEffect,
    nC: nC / designEffect,
  };
  const isRare = context.metric.kind === 'proportion' && context.metric.harm === 'higher';
  const bank = isRare ? updateRateRatio([], counts, nullRatio, ratios) : [];
  return [
    ...flat(score),
    strata.score,
    strata.weight,
    strata.armVariance,
    strata.pooledVariance,
    ...RATIO_GRID.map((_, index) => bank[index] ?? 0),
    ...known(pair.nT),
    ...known(pair.nC),
    ...known(pair.xT),
    nT,
    xT,
    nC,
    xC,
    pair.nT[UNKNOWN] + pair.nC[UNKNOWN],
  ];
}

/** What the burn-in still lacks. */
function lacking(tally: Tally, metric: Metric, side: Side): string | undefined {
  const [nT, xT, nC, xC, unknown] = tally.slice(AT.totals);
  if (Math.min(nT, nC) < LEAST_OBSERVATIONS)
    return `${LEAST_OBSERVATIONS} observations in each arm (now ${nT} and ${nC})`;
  if (unknown === 0) {
    const active = [tally.slice(AT.active, AT.active + K), tally.slice(AT.active + K, AT.events)].map(
      (arm) => arm.filter((count) => count > 0).length,
    );
    if (Math.min(...active) < LEAST_BUCKETS)
      return `users in ${LEAST_BUCKETS} of ${K} buckets in each arm (now ${active.join(' and ')})`;
  }
  if (metric.kind !== 'proportion' && metric.kind !== 'quantile') return undefined;
  // Where harm is a lack of events, their number in control is what tells: none at all in treatment is the worst case.
  const events = side === 'fail' && metric.harm === 'higher' ? xT : Math.max(xT, (xC / nC) * nT);
  return events < LEAST_EVENTS ? `${LEAST_EVENTS} events in treatment (now ${Math.floor(events)})` : undefined;
}

/** Size of effect worth finding: half of what control gives, or the limit's own offset where that is more. */
function tauOf(tally: Tally, limit: Limit): number {
  const [, , nC, xC] = tally.slice(AT.totals);
  return Math.max(0.5 * Math.abs(xC / nC), Math.abs(relativeLine(limit).offset), Number.MIN_VALUE);
}

function scoreOf(tally: Tally): BucketScore {
  return {
    uT: tally.slice(0, K),
    uC: tally.slice(K, 2 * K),
    H: tally[2 * K],
    cT: tally[2 * K + 1],
    cC: tally[2 * K + 2],
  };
}

function estimateOf(tally: Tally): { readonly delta: number; readonly se: number } | undefined {
  const unknown = tally[AT.totals + 4];
  if (unknown === 0) return bucketScoreEstimate(scoreOf(tally));
  const [score, weight, armVariance, pooledVariance] = tally.slice(AT.strata, AT.bank);
  return stratifiedMeanEstimate({ score, weight, armVariance, pooledVariance });
}

/**
 * `control + δ` also passes when treatment alone is confidently within δ, as control's share cannot be negative (semantics
 * §2): the log e-value of that, where it applies.
 */
function aloneLogE(tally: Tally, side: Side, context: MethodContext): number | undefined {
  const { metric, check } = context;
  const { ratio, offset } = relativeLine(limitOf(check, side));
  const isShare = metric.kind === 'proportion' && metric.harm === 'higher';
  if (side === 'fail' || !isShare || ratio < 0 || offset <= 0 || offset >= 1) return undefined;
  const [nT, xT, , , unknown] = tally.slice(AT.totals);
  const [count, events] = [tally.slice(AT.active, AT.active + K), tally.slice(AT.events, AT.totals)];
  const effect = unknown > 0 ? metric.designEffect : designEffect(count, events);
  return thresholdPassLogE(xT / effect, nT / effect, offset);
}

/** What the comparison says: its log e-value and the interval of treatment's value. */
function compared(
  tally: Tally,
  side: Side,
  context: MethodContext,
  isGrid: boolean,
): Pick<SideEvidence, 'logE' | 'interval'> {
  const { metric, check } = context;
  const estimate = estimateOf(tally);
  if (estimate === undefined) return { logE: 0 };
  const [, , nC, xC, unknown] = tally.slice(AT.totals);
  const tau = tauOf(tally, limitOf(check, side));
  const { low, high } = meanInterval({ ...estimate, tau, alpha: INTERVAL_ALPHA });
  const interval = [low + xC / nC, high + xC / nC] as const;
  const direction = (metric.harm === 'higher') === (side === 'fail') ? 'above' : 'below';
  if (isGrid) {
    const bank = bankOf(context, side);
    return { interval, logE: mixtureLogE(tally.slice(AT.bank, AT.bank + bank.ratios.length), bank.weights) };
  }
  if (unknown > 0) return { interval, logE: oneSidedMeanLogE({ ...estimate, tau, direction }) };
  return { interval, logE: bucketScoreLogE(scoreOf(tally), { tau, direction }) };
}

function evidence(tally: Tally, side: Side, context: MethodContext): SideEvidence {
  const { metric, check } = context;
  const [nT, , nC, , unknown] = tally.slice(AT.totals);
  const isRare = metric.kind === 'proportion' && metric.harm === 'higher';
  const isGrid = unknown > 0 && isRare && relativeLine(limitOf(check, side)).offset === 0;
  const insufficient = isGrid ? undefined : lacking(tally, metric, side);
  const comparison = insufficient === undefined ? compared(tally, side, context, isGrid) : { logE: 0 };
  const alone = aloneLogE(tally, side, context);
  return {
    treatmentCount: nT,
    controlCount: nC,
    validity: unknown > 0 ? 'assumes independent requests' : 'asymptotic',
    ...comparison,
    ...(alone !== undefined && { logE: weightedAverageLogE([0.5, 0.5], [comparison.logE, alone]) }),
    ...(insufficient !== undefined && { insufficient }),
  };
}

/**
 * Treatment against concurrent control within each batch and stratum: the score over 64 user buckets (f2); without users
 * the rate-ratio grid (a1) for rare bad events and stratified means (b1) for the rest.
 */
export function compareMethod(metric: Metric): Method {
  return {
    name:
      metric.kind === 'quantile'
        ? 'matched-cut exceedance (c2), score over user buckets (f2)'
        : 'score over user buckets (f2)',
    increment: (batch, side, context) =>
      batch.strata.reduce<Tally>((sum, stratum) => plus(sum, increment(stratum, side, context)), []),
    evidence: (tally, side, context) =>
      evidence(tally.length === 0 ? new Array<number>(SIZE).fill(0) : tally, side, context),
  };
}

import {
  type BucketScore,
  bucketScoreEstimate,
  bucketScoreLogE,
  designEffect,
  meanInterval,
  oneSidedMeanLogE,
  stratifiedMeanEstimate,
  thresholdPassLogE,
  updateBucketScore,
  updateStratifiedMean,
  weightedAverageLogE,
} from '@rampart/stats';
import { USER_BUCKETS } from '../evidence.ts';
import type { Metric } from '../plan.ts';
import { firstBinBeyond, quantileEdgeOf } from './histogram.ts';
import type { Side } from './line.ts';
import { type ArmSums, type StratumSums, UNKNOWN, WIDTH } from './prepared-batch.ts';
import type { FoldContext, Shown, SideJudge } from './side-judge.ts';
import { addAt, between, emptyTally, type Sums, type Tally, total } from './tally.ts';

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

/** An arm's values moved to the line: x → ratio·x + offset, so that "no worse than control" is the null of every limit. */
type Values = { readonly n: Sums; readonly x: Sums; readonly xx: Sums };

function moved({ n, x, xx }: ArmSums, { ratio, offset }: RelativeLine): Values {
  return {
    n,
    x: x.map((value, b) => ratio * value + offset * n[b]),
    xx: xx.map((value, b) => ratio ** 2 * value + 2 * ratio * offset * x[b] + offset ** 2 * n[b]),
  };
}

/** Exceedances of a cut as values of 0 and 1. */
function beyond(arm: ArmSums, first: number): Values {
  const x = emptyTally(WIDTH);
  const { bins } = arm;
  for (let index = 0; bins !== undefined && index < bins.bin.length; index += 1) {
    if (bins.bin[index] >= first) x[bins.bucket[index]] += bins.count[index];
  }
  return { n: arm.n, x, xx: x };
}

/** Both arms of a stratum. Quantiles become exceedances of matched cuts: control's own quantile before this batch (c2). */
function pairOf(stratum: StratumSums, metric: Metric, side: Side, line: RelativeLine, context: FoldContext) {
  const { treatment, control } = stratum;
  if (metric.kind !== 'quantile') return { treated: treatment, controlled: moved(control, line) };
  const cut = quantileEdgeOf(context.controlBefore, metric.quantile ?? 0.99);
  if (cut === undefined) return undefined;
  const isCertain = (side === 'fail') === (metric.harm === 'higher');
  return {
    treated: beyond(treatment, firstBinBeyond(line.ratio * cut + line.offset, isCertain)),
    controlled: beyond(control, firstBinBeyond(cut, true)),
  };
}

function scoreOf(sums: Sums): BucketScore {
  return {
    uT: sums.slice(0, K),
    uC: sums.slice(K, 2 * K),
    H: sums[2 * K],
    cT: sums[2 * K + 1],
    cC: sums[2 * K + 2],
  };
}

function strataOf(sums: Sums) {
  const [score, weight, armVariance, pooledVariance] = sums.slice(AT.strata, AT.active);
  return { score, weight, armVariance, pooledVariance };
}

function addPair(into: Tally, treated: Values, controlled: Values): void {
  const [nT, xT, nC, xC] = [treated.n, treated.x, controlled.n, controlled.x];
  const known = (values: Sums) => values.slice(0, K);
  const score = updateBucketScore(scoreOf(into), { nT: known(nT), xT: known(xT), nC: known(nC), xC: known(xC) });
  const strata = updateStratifiedMean(strataOf(into), {
    nT: total(nT),
    sumT: total(xT),
    sumSquaresT: total(treated.xx),
    nC: total(nC),
    sumC: total(xC),
    sumSquaresC: total(controlled.xx),
  });
  const next = [...score.uT, ...score.uC, score.H, score.cT, score.cC];
  next.push(strata.score, strata.weight, strata.armVariance, strata.pooledVariance);
  for (let index = 0; index < next.length; index += 1) into[index] = next[index];
  addAt(into, AT.active, known(nT));
  addAt(into, AT.active + K, known(nC));
  addAt(into, AT.sums, known(xT));
  addAt(into, AT.totals, [total(nT), total(xT), total(nC), total(xC), nT[UNKNOWN] + nC[UNKNOWN]]);
}

/** What the burn-in still lacks. */
function lacking(sums: Sums, metric: Metric, side: Side): string | undefined {
  const [nT, xT, nC, xC, unknown] = sums.slice(AT.totals);
  if (Math.min(nT, nC) < LEAST_OBSERVATIONS) {
    return `${LEAST_OBSERVATIONS} observations in each arm (now ${nT} and ${nC})`;
  }
  if (unknown === 0) {
    const active = [sums.slice(AT.active, AT.active + K), sums.slice(AT.active + K, AT.sums)].map(
      (arm) => arm.filter((count) => count > 0).length,
    );
    if (Math.min(...active) < LEAST_BUCKETS) {
      return `users in ${LEAST_BUCKETS} of ${K} buckets in each arm (now ${active.join(' and ')})`;
    }
  }
  if (metric.kind !== 'proportion' && metric.kind !== 'quantile') return undefined;
  // Where harm is a lack of events, their number in control is what tells: none at all in treatment is the worst case.
  const events = side === 'fail' && metric.harm === 'higher' ? xT : Math.max(xT, (xC / nC) * nT);
  return events < LEAST_EVENTS ? `${LEAST_EVENTS} events in treatment (now ${Math.floor(events)})` : undefined;
}

/** Size of effect worth finding: half of what control gives, or the limit's own offset where that is more. */
function tauOf(sums: Sums, { offset }: RelativeLine): number {
  const [, , nC, xC] = sums.slice(AT.totals);
  return Math.max(0.5 * Math.abs(xC / nC), Math.abs(offset), Number.MIN_VALUE);
}

function estimateOf(sums: Sums): { readonly delta: number; readonly se: number } | undefined {
  const isKnown = sums[AT.totals + 4] === 0;
  return isKnown ? bucketScoreEstimate(scoreOf(sums)) : stratifiedMeanEstimate(strataOf(sums));
}

/**
 * `control + δ` also passes when treatment alone is confidently within δ, as control's share cannot be negative (semantics
 * §2): the log e-value of that, where it applies.
 */
function aloneLogE(sums: Sums, metric: Metric, side: Side, { ratio, offset }: RelativeLine): number | undefined {
  const isShare = metric.kind === 'proportion' && metric.harm === 'higher';
  if (side === 'fail' || !isShare || ratio < 0 || offset <= 0 || offset >= 1) return undefined;
  const [nT, xT, , , unknown] = sums.slice(AT.totals);
  const effect =
    unknown > 0
      ? metric.designEffect
      : designEffect(sums.slice(AT.active, AT.active + K), sums.slice(AT.sums, AT.totals));
  return thresholdPassLogE(xT / effect, nT / effect, offset);
}

/** Log e-value of the comparison; 0 until its burn-in is over. */
function comparedLogE(sums: Sums, metric: Metric, side: Side, line: RelativeLine): number {
  const estimate = lacking(sums, metric, side) === undefined ? estimateOf(sums) : undefined;
  if (estimate === undefined) return 0;
  const tau = tauOf(sums, line);
  const direction = (metric.harm === 'higher') === (side === 'fail') ? 'above' : 'below';
  if (sums[AT.totals + 4] > 0) return oneSidedMeanLogE({ ...estimate, tau, direction });
  return bucketScoreLogE(scoreOf(sums), { tau, direction });
}

function shown(sums: Sums, metric: Metric, side: Side, line: RelativeLine): Shown {
  const [nT, , nC, xC, unknown] = sums.slice(AT.totals);
  const validity = unknown > 0 ? 'assumes independent requests' : 'asymptotic';
  const counts: Shown = { treatmentCount: nT, controlCount: nC, validity };
  const estimate = side === 'pass' && lacking(sums, metric, side) === undefined ? estimateOf(sums) : undefined;
  if (estimate === undefined) return counts;
  const { low, high } = meanInterval({ ...estimate, tau: tauOf(sums, line), alpha: INTERVAL_ALPHA });
  return { ...counts, interval: [low + xC / nC, high + xC / nC] };
}

/**
 * Treatment's average against concurrent control's, within each batch and stratum: the score over 64 user buckets (f2);
 * where users are unknown, stratified means (b1). For means, and for limits that add to control.
 */
export function scoreSide(metric: Metric, side: Side, line: RelativeLine): SideJudge {
  const logE = (sums: Sums, earlier?: Sums): number => {
    const recent = between(sums, earlier);
    const compared = comparedLogE(recent, metric, side, line);
    const alone = aloneLogE(recent, metric, side, line);
    return alone === undefined ? compared : weightedAverageLogE([0.5, 0.5], [compared, alone]);
  };
  return {
    method: `${metric.kind === 'quantile' ? 'matched-cut exceedance (c2), ' : ''}score over user buckets (f2)`,
    stream: {
      key: `${metric.name} ${metric.kind === 'quantile' ? side : 'both'} ${line.ratio}x control + ${line.offset}`,
      size: SIZE,
      add(into, batch, context) {
        for (const stratum of batch.strata) {
          const pair = pairOf(stratum, metric, side, line, context);
          if (pair) addPair(into, pair.treated, pair.controlled);
        }
      },
    },
    lacks: (sums) => lacking(sums, metric, side),
    logE,
    atMost: logE,
    show: (sums) => shown(sums, metric, side, line),
  };
}

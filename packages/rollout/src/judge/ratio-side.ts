import {
  beyondChance,
  FAIL_LOG_WEIGHTS,
  PASS_LOG_WEIGHTS,
  passGrid,
  proportionInterval,
  RATIO_GRID,
  scoreDesignEffect,
} from '@rampart/stats';
import { USER_BUCKETS } from '../evidence.ts';
import type { Metric } from '../plan.ts';
import { firstBinBeyond } from './histogram.ts';
import type { Side } from './line.ts';
import { type StratumSums, UNKNOWN, WIDTH } from './prepared-batch.ts';
import {
  type AddedRatios,
  addBeyond,
  type FoldContext,
  type Shown,
  type SideJudge,
  type Stream,
} from './side-judge.ts';
import { between, emptyTally, type Sums, since, type Tally } from './tally.ts';

const K = USER_BUCKETS;
/** Layout: residuals by bucket of both arms, their variances if independent, totals, observations of unknown users, log likelihood ratios. */
const AT = {
  control: K,
  independentT: 2 * K,
  independentC: 2 * K + 1,
  nT: 2 * K + 2,
  xT: 2 * K + 3,
  nC: 2 * K + 4,
  xC: 2 * K + 5,
  unknown: 2 * K + 6,
  bank: 2 * K + 7,
} as const;
const INTERVAL_ALPHA = 0.05;
/** Buckets with users that each arm needs before their spread says anything (statistics f2). */
const LEAST_BUCKETS = 20;
/** A limit of `0x control` is judged as this. */
const LEAST_RATIO = 1e-9;

/** What a side bets against, and on: on worse than the limit where it looks for harm, on better where it looks for safety. */
type Bets = {
  /** Ratio of the rates of bad events at the limit; of a quantile it lies between its two cuts. */
  readonly nullRatio: number;
  readonly cutRatio: number;
  readonly ratios: readonly number[];
  readonly logRatios: readonly number[];
  readonly logWeights: Sums;
};

function betsOf(metric: Metric, side: Side, ratio: number): Bets {
  const isUp = metric.harm === 'higher';
  const nullRatio = metric.kind === 'quantile' ? 1 : Math.max(ratio, LEAST_RATIO);
  const of = (ratios: readonly number[], logWeights: Sums) => {
    return { nullRatio, cutRatio: ratio, ratios, logRatios: ratios.map(Math.log), logWeights };
  };
  // A quantile's margin lies between its two cuts, so that safety shows as any lower rate, like harm as any higher one.
  if (side === 'fail' || metric.kind === 'quantile') {
    const isAbove = isUp === (side === 'fail');
    return of(isAbove ? RATIO_GRID : RATIO_GRID.map((ratio) => 1 / ratio), FAIL_LOG_WEIGHTS);
  }
  const margin = isUp ? Math.max(nullRatio, 1 / nullRatio) : Math.min(nullRatio, 1 / nullRatio);
  return of(passGrid(margin).ratios, PASS_LOG_WEIGHTS);
}

/** Bad events of one stratum at a time, by user bucket and in all: of a quantile, the values beyond matched cuts. */
const BAD = { treated: emptyTally(WIDTH), controlled: emptyTally(WIDTH) } as const;

/** Adds the values beyond matched cuts of one stratum; nothing while control has no quantile to cut at. */
function addBeyondCuts(into: Tally, arms: StratumSums, metric: Metric, side: Side, of: Bets, { cut }: FoldContext) {
  if (cut === undefined) return;
  const isCertain = (side === 'fail') === (metric.harm === 'higher');
  const { treated, controlled } = BAD;
  treated.fill(0);
  controlled.fill(0);
  const xT = addBeyond(treated, 0, arms.treatment, firstBinBeyond(of.cutRatio * cut, isCertain));
  const xC = addBeyond(controlled, 0, arms.control, firstBinBeyond(cut, true));
  addStratum(into, arms, treated, xT, controlled, xC, of);
}

/** Adds one stratum: compared within itself, so that ramps and drift do not matter. */
function addStratum(
  into: Tally,
  arms: StratumSums,
  treated: Sums,
  xT: number,
  controlled: Sums,
  xC: number,
  { nullRatio, ratios, logRatios }: Bets,
) {
  const nT = arms.treatment.totals.n;
  const nC = arms.control.totals.n;
  if (!(nT > 0 && nC > 0)) return;
  // Under the null a bad event is treatment's with this chance (Lindon & Malek 2022).
  const share = (nullRatio * nT) / (nullRatio * nT + nC);
  const perControl = (xT + xC) / (nullRatio * nT + nC);
  const perTreatment = nullRatio * perControl;
  // Of known users only, as the residuals are.
  into[AT.independentT] += (1 - share) ** 2 * (xT - treated[UNKNOWN]);
  into[AT.independentC] += share ** 2 * (xC - controlled[UNKNOWN]);
  into[AT.nT] += nT;
  into[AT.xT] += xT;
  into[AT.nC] += nC;
  into[AT.xC] += xC;
  into[AT.unknown] += arms.treatment.n[UNKNOWN] + arms.control.n[UNKNOWN];
  if (xT + xC === 0) return;
  const ofT = arms.treatment.n;
  const ofC = arms.control.n;
  for (let b = 0; b < K; b += 1) {
    into[b] += (1 - share) * (treated[b] - perTreatment * ofT[b]);
    into[AT.control + b] -= share * (controlled[b] - perControl * ofC[b]);
  }
  for (let g = 0; g < ratios.length; g += 1) {
    into[AT.bank + g] += xT * logRatios[g] - (xT + xC) * Math.log1p(share * (ratios[g] - 1));
  }
}

/** Share of observations that are bad in either arm: events that are not rare vary less than Poisson's. */
function commonOf(sums: Sums): number {
  const n = sums[AT.nT] + sums[AT.nC];
  return n > 0 ? Math.min(0.99, (sums[AT.xT] + sums[AT.xC]) / n) : 0;
}

/**
 * What log likelihood ratios are divided by: the design effect that known users show, and at least the declared one where some
 * are not known.
 */
function temperOf(sums: Sums, metric: Metric, side: Side): number {
  const declared = sums[AT.unknown] > 0 ? metric.designEffect : 0;
  const effect = scoreDesignEffect({
    values: sums,
    treatmentAt: 0,
    controlAt: AT.control,
    buckets: K,
    independentTreatment: sums[AT.independentT],
    independentControl: sums[AT.independentC],
  });
  const rare = 1 - commonOf(sums);
  const relative = (side === 'fail' ? effect.both : Math.max(effect.both, effect.control)) / rare;
  return Math.max(declared, rare * Math.max(1, side === 'fail' ? beyondChance(relative, K) : relative));
}

/** Buckets of one arm in which there were users: every one has a residual once there was a bad event. */
function activeBuckets(sums: Sums, from: number): number {
  let active = 0;
  for (let b = from; b < from + K; b += 1) if (sums[b] !== 0) active += 1;
  return active;
}

function lacks(sums: Sums): string | undefined {
  if (!(sums[AT.nT] > 0 && sums[AT.nC] > 0)) return 'observations in both arms of a random split';
  if (sums[AT.unknown] > 0 || sums[AT.xT] + sums[AT.xC] === 0) return undefined;
  const [ofT, ofC] = [activeBuckets(sums, 0), activeBuckets(sums, AT.control)];
  if (ofT >= LEAST_BUCKETS && ofC >= LEAST_BUCKETS) return undefined;
  return `users in ${LEAST_BUCKETS} of ${K} buckets in each arm (now ${ofT} and ${ofC})`;
}

function mixtureOf(sums: Sums, { logWeights }: Bets, temper: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let g = 0; g < logWeights.length; g += 1) most = Math.max(most, logWeights[g] + sums[AT.bank + g] / temper);
  let sum = 0;
  for (let g = 0; g < logWeights.length; g += 1) sum += Math.exp(logWeights[g] + sums[AT.bank + g] / temper - most);
  return most + Math.log(sum);
}

function atMost(sums: Sums, earlier: Sums | undefined, { ratios }: Bets): number {
  let most = 0;
  for (let g = 0; g < ratios.length; g += 1) most = Math.max(most, since(sums, AT.bank + g, earlier));
  return most / (1 - commonOf(sums));
}

function addedRatios({ ratios }: Bets): AddedRatios {
  const own = emptyTally(ratios.length);
  return {
    size: own.length,
    power: (sums) => 1 / (1 - commonOf(sums)),
    of(sums) {
      for (let g = 0; g < own.length; g += 1) own[g] = sums[AT.bank + g];
      return own;
    },
  };
}

function shown(sums: Sums, metric: Metric, side: Side): Shown {
  const [n, x] = [sums[AT.nT], sums[AT.xT]];
  const validity = sums[AT.unknown] > 0 ? 'assumes independent requests' : 'asymptotic';
  const counts: Shown = { treatmentCount: n, controlCount: sums[AT.nC], validity };
  if (metric.kind === 'quantile' || n === 0 || side === 'fail') return counts;
  const temper = Math.max(1, temperOf(sums, metric, 'pass'));
  const { low, high } = proportionInterval(x / temper, n / temper, INTERVAL_ALPHA);
  return { ...counts, value: x / n, interval: [low, high] };
}

/**
 * Treatment against `nullRatio` times concurrent control: the conditional-Poisson grid of rate ratios (a1) within each
 * batch and stratum, tempered by the users' design effect. Of a quantile, exceedances of matched cuts (c2): control's own
 * quantile before the batch, and the limit's ratio times it for treatment.
 */
export function ratioSide(metric: Metric, side: Side, ratio: number): SideJudge {
  const isQuantile = metric.kind === 'quantile';
  const bets = betsOf(metric, side, ratio);
  const stream: Stream = {
    key: `${metric.name} ${side} ${ratio}x control`,
    size: AT.bank + bets.ratios.length,
    hasCuts: isQuantile,
    ...(isQuantile && { fromBin: ({ cut }: FoldContext) => firstBinBeyond((cut ?? 0) * Math.min(1, ratio), false) }),
    add(into, batch, context) {
      for (const arms of batch.strata) {
        const { treatment, control } = arms;
        if (isQuantile) addBeyondCuts(into, arms, metric, side, bets, context);
        else addStratum(into, arms, treatment.x, treatment.totals.x, control.x, control.totals.x, bets);
      }
    },
  };
  return {
    method: `${isQuantile ? 'matched-cut exceedance (c2), ' : ''}rate-ratio grid (a1), design effect of users`,
    stream,
    lacks,
    atMost: (sums, earlier) => atMost(sums, earlier, bets),
    ratios: addedRatios(bets),
    logE(sums, earlier) {
      const recent = between(sums, earlier);
      if (lacks(recent) !== undefined) return 0;
      const temper = temperOf(sums, metric, side);
      // One user's burst hardly moves the effect of a long attempt, and may be all there is since a restart.
      return mixtureOf(recent, bets, earlier === undefined ? temper : Math.max(temper, temperOf(recent, metric, side)));
    },
    count: (sums) => sums[AT.nT],
    show: (sums) => shown(sums, metric, side),
  };
}

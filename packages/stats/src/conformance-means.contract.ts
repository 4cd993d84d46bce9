import { type Check, type Clock, check, pair } from './conformance.contract.ts';
import * as stats from './index.ts';
import { growthbookOneSidedRadius } from './published-boundaries.contract.ts';

/** A normal mixture in the clock of the confseq library: s is a sum with variance v; rho = 1 / tau^2. */
function clock(i: { s?: number; v: number; v_opt: number; alpha_opt: number }, sides: 1 | 2) {
  const tau = stats.bestTau({ se: 1 / Math.sqrt(i.v_opt), alpha: sides === 1 ? 2 * i.alpha_opt : i.alpha_opt });
  return { delta: (i.s ?? 0) / i.v, se: 1 / Math.sqrt(i.v), tau };
}

type Sample = { sumA: number; sumsqA?: number; nA: number; sumB: number; sumsqB?: number; nB: number };
/** Difference of means, B less A, or the relative lift by the delta method. */
function lift(i: Sample & { relative?: boolean }) {
  const [a, b] = [i.sumA / i.nA, i.sumB / i.nB];
  const varianceOf = (sum: number, n: number, squares?: number) =>
    (squares === undefined ? (sum / n) * (1 - sum / n) : (squares - sum ** 2 / n) / (n - 1)) / n;
  const [ofA, ofB] = [varianceOf(i.sumA, i.nA, i.sumsqA), varianceOf(i.sumB, i.nB, i.sumsqB)];
  if (i.relative === false) return { delta: b - a, se: Math.sqrt(ofA + ofB) };
  return { delta: (b - a) / a, se: Math.sqrt(ofB / a ** 2 + (ofA * b ** 2) / a ** 4) };
}

/** GrowthBook's two-sided sequential interval, tuned for a number of observations. */
function growthbookTwoSided(i: Sample & { tuning: number; alpha: number }) {
  const { delta, se } = lift(i);
  const tau = stats.bestTau({ se: se * Math.sqrt((i.nA + i.nB) / i.tuning), alpha: i.alpha });
  return [delta, se, ...pair(stats.meanInterval({ delta, se, tau, alpha: i.alpha }))];
}

/** Lower end of GrowthBook's "greater" test and upper end of its "lesser" one; the vectors lead with the estimate or not. */
function growthbookOneSided(i: Sample & { tuning: number; alpha: number; relative: boolean }) {
  const { delta, se } = lift(i);
  const radius = growthbookOneSidedRadius({ se, n: i.nA + i.nB, tuning: i.tuning, alpha: i.alpha });
  const ends = [delta - radius, delta + radius];
  return i.relative ? ends : [delta, se, ...ends];
}

/** Means, asymptotic, and a competitor's intervals of the same kind. */
export const means: readonly Check[] = [
  check(/^mean\.asym_one_sided/, (i: { delta_hat: number; se: number; tau: number; delta0: number }) =>
    stats.oneSidedMeanLogE({ delta: i.delta_hat, se: i.se, tau: i.tau, nullDelta: i.delta0 }),
  ),
  check(/^mean\.asym_critical/, stats.criticalDelta),
  check(/^confseq\.normal\.best_rho/, (i: Clock) => 1 / clock({ ...i, v: i.v_opt }, 2).tau ** 2),
  check(/^confseq\.normal\.log_mixture_two/, (i: Clock) => stats.twoSidedMeanLogE(clock(i, 2))),
  check(/^confseq\.normal\.bound_two/, (i: Clock) => i.v * stats.meanInterval({ ...clock(i, 2), alpha: i.alpha }).high),
  check(/^confseq\.normal\.log_mixture_one/, (i: Clock) => stats.oneSidedMeanLogE(clock(i, 1))),
  check(/^confseq\.normal\.bound_one/, (i: Clock) => i.v * stats.criticalDelta({ ...clock(i, 1), alpha: i.alpha })),
  check(/^gbstats\.seq_two_sided/, growthbookTwoSided),
  check(/^cluster\.bucket_score/, (i: { batches: stats.BucketBatch[]; K: number; tau: number }) => {
    const state = i.batches.reduce(stats.updateBucketScore, stats.emptyBucketScore(i.K));
    const { S, H, delta, se, VT, VC, nu, t, z } = stats.bucketScoreEstimate(state)!;
    const logE = stats.bucketScoreLogE(state, { tau: i.tau });
    return { S, H, delta_hat: delta, VT, VC, nu, t, z_wallace: z, v: (i.tau / se) ** 2, logE };
  }),
  check(/^gbstats\.seq_one_sided/, growthbookOneSided),
];

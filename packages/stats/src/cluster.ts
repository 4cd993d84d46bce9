import { betweenBuckets } from './design-effect.ts';
import { type Direction, halfNormalMixtureLogE } from './mean.ts';
import { wallaceZ } from './normal.ts';

/**
 * Score of treatment against control per hash bucket of users, summed over time before it is squared: that is what catches
 * one user's requests moving together. Plain arrays, one entry per bucket; constant memory.
 */
export type BucketScore = {
  readonly uT: readonly number[];
  readonly uC: readonly number[];
  /** Weight of the difference of rates. */
  readonly H: number;
  /** Weights of the two arms' variances under exchangeable arms. */
  readonly cT: number;
  readonly cC: number;
};

/** One batch per bucket: requests (n) and sums of the metric (x; bad events for a rate) of treatment (T) and control (C). */
export type BucketBatch = {
  readonly nT: readonly number[];
  readonly xT: readonly number[];
  readonly nC: readonly number[];
  readonly xC: readonly number[];
};

/** What a bucket score says: `delta` is the difference of the two ratios, `z` its distance from 0 as a normal deviate. */
export type BucketScoreEstimate = {
  readonly S: number;
  readonly H: number;
  readonly delta: number;
  readonly se: number;
  readonly VT: number;
  readonly VC: number;
  readonly nu: number;
  readonly t: number;
  readonly z: number;
};

/** The score before the first batch. @param K number of buckets, >= 2; 64 loses hardly any power, 16 does. */
export function emptyBucketScore(K: number): BucketScore {
  const zeros = new Array<number>(K).fill(0);
  return { uT: zeros, uC: zeros, H: 0, cT: 0, cC: 0 };
}

/**
 * The score after one more batch; a batch with an empty arm changes nothing. Each batch is compared within itself, so
 * ramps and drift do not matter.
 *
 * @param batch four arrays of the score's length.
 */
export function updateBucketScore(state: BucketScore, batch: BucketBatch): BucketScore {
  const NT = total(batch.nT);
  const NC = total(batch.nC);
  if (!(NT > 0 && NC > 0)) return state;
  const N = NT + NC;
  const pi = NT / N;
  const mean = (total(batch.xT) + total(batch.xC)) / N;
  return {
    uT: state.uT.map((u, b) => u + (1 - pi) * (batch.xT[b] - mean * batch.nT[b])),
    uC: state.uC.map((u, b) => u - pi * (batch.xC[b] - mean * batch.nC[b])),
    H: state.H + (NT * NC) / N,
    cT: state.cT + (1 - pi) ** 2 * NT,
    cC: state.cC + pi ** 2 * NC,
  };
}

/** The estimate so far; undefined until there is a comparison with some variation in it. */
export function bucketScoreEstimate({ uT, uC, H, cT, cC }: BucketScore): BucketScoreEstimate | undefined {
  return bucketScoreEstimateIn([...uT, ...uC, H, cT, cC], uT.length);
}

/**
 * As `bucketScoreEstimate`, of a score that stands in one vector: for a look that comes often and may not copy.
 *
 * @param values the `K` entries of `uT`, those of `uC`, then `H`, `cT` and `cC`; what follows is not read.
 */
export function bucketScoreEstimateIn(values: readonly number[], K: number): BucketScoreEstimate | undefined {
  const VT = betweenBuckets(values, 0, K);
  const VC = betweenBuckets(values, K, 2 * K);
  if (!(VT + VC > 0)) return undefined;
  const [H, cT, cC] = [values[2 * K], values[2 * K + 1], values[2 * K + 2]];
  const S = total(values, 0, K) + total(values, K, 2 * K);
  const variance = Math.max(VT + VC, VC * (1 + cT / cC));
  const nu = ((VT + VC) ** 2 * (K - 1)) / (VT ** 2 + VC ** 2);
  const t = S / Math.sqrt(variance);
  return { S, H, delta: S / H, se: Math.sqrt(variance) / H, VT, VC, nu, t, z: wallaceZ(t, nu) };
}

/**
 * Log e-value against H0 "treatment's ratio exceeds control's by at most `nullDelta`" (by at least, with direction
 * `below`), robust to users who send many requests. Asymptotic in the number of active buckets; start it after a burn-in.
 *
 * @param options.tau the difference worth finding, > 0, in the units of the metric. @param options.nullDelta defaults to
 *   0. @param options.direction defaults to `above`.
 * @returns 0, no evidence, while there is no estimate.
 */
export function bucketScoreLogE(state: BucketScore, options: ScoreTest): number {
  const estimate = bucketScoreEstimate(state);
  return estimate === undefined ? 0 : scoreEstimateLogE(estimate, options);
}

/** What a bucket score is tested for: see `bucketScoreLogE`. */
export type ScoreTest = { readonly tau: number; readonly nullDelta?: number; readonly direction?: Direction };

/** As `bucketScoreLogE`, of the estimate of a score. */
export function scoreEstimateLogE(estimate: BucketScoreEstimate, options: ScoreTest): number {
  const { tau, nullDelta = 0, direction = 'above' } = options;
  const z = wallaceZ((estimate.delta - nullDelta) / estimate.se, estimate.nu);
  return halfNormalMixtureLogE(direction === 'above' ? z : -z, (tau / estimate.se) ** 2);
}

function total(values: readonly number[], from = 0, to = values.length): number {
  let sum = 0;
  for (let b = from; b < to; b += 1) sum += values[b];
  return sum;
}

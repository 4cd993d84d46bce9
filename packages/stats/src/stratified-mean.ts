/** Observations, their sum and their sum of squares in each arm of one batch. */
export type TwoArmMoments = {
  readonly nT: number;
  readonly sumT: number;
  readonly sumSquaresT: number;
  readonly nC: number;
  readonly sumC: number;
  readonly sumSquaresC: number;
};

/** Difference of means accumulated within batches, never across them: immune to ramps and to drift of the common mean. */
export type StratifiedMean = {
  /** Sum of weight times difference of means. */
  readonly score: number;
  /** Sum of the weights. */
  readonly weight: number;
  /** Variance of `score` from the two arms' own variances. */
  readonly armVariance: number;
  /** Variance of `score` under exchangeable arms. */
  readonly pooledVariance: number;
};

/** The accumulator before the first batch. */
export function emptyStratifiedMean(): StratifiedMean {
  return { score: 0, weight: 0, armVariance: 0, pooledVariance: 0 };
}

/** The accumulator after one more batch; a batch with an empty arm changes nothing. */
export function updateStratifiedMean(state: StratifiedMean, batch: TwoArmMoments): StratifiedMean {
  const { nT, sumT, sumSquaresT, nC, sumC, sumSquaresC } = batch;
  if (!(nT > 0 && nC > 0)) return state;
  const h = (nT * nC) / (nT + nC);
  const pooled = variance(nT + nC, sumT + sumC, sumSquaresT + sumSquaresC);
  // One observation shows no variance of its own: the pooled one stands in.
  const ofT = nT > 1 ? variance(nT, sumT, sumSquaresT) : pooled;
  const ofC = nC > 1 ? variance(nC, sumC, sumSquaresC) : pooled;
  return {
    score: state.score + h * (sumT / nT - sumC / nC),
    weight: state.weight + h,
    armVariance: state.armVariance + h * h * (ofT / nT + ofC / nC),
    pooledVariance: state.pooledVariance + h * pooled,
  };
}

/**
 * Difference of means (treatment minus control) with a standard error that takes the larger of two variances: with a small
 * arm and skewed data the arms' own one raises false alarms on the low side.
 *
 * @returns undefined until a batch had both arms; `se` is 0 while every observation was the same.
 */
export function stratifiedMeanEstimate(
  state: StratifiedMean,
): { readonly delta: number; readonly se: number } | undefined {
  if (state.weight === 0) return undefined;
  const se = Math.sqrt(Math.max(state.armVariance, state.pooledVariance)) / state.weight;
  return { delta: state.score / state.weight, se };
}

function variance(n: number, sum: number, sumSquares: number): number {
  return Math.max(0, sumSquares - (sum * sum) / n) / (n - 1);
}

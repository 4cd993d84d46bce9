/**
 * How many times more a share varies because one user's requests move together: divide both the events and the
 * observations by it before a test that assumes independent requests.
 *
 * @param countPerBucket observations per hash bucket of users. @param sumPerBucket events per bucket, same order.
 * @returns >= 1: the variance between buckets over the binomial variance. 1 where no observation or every one was an
 *   event; the number of observations where all fell into one bucket, as they may be one user's.
 */
export function designEffect(countPerBucket: readonly number[], sumPerBucket: readonly number[]): number {
  return designEffectIn([...countPerBucket, ...sumPerBucket], 0, countPerBucket.length, countPerBucket.length);
}

/**
 * As `designEffect`, of observations and events that stand in one vector: for a look that comes often and may not copy.
 *
 * @param countAt place of the first bucket's observations. @param sumAt place of the first bucket's events.
 */
export function designEffectIn(values: readonly number[], countAt: number, sumAt: number, buckets: number): number {
  let n = 0;
  let events = 0;
  let active = 0;
  for (let b = 0; b < buckets; b += 1) {
    n += values[countAt + b];
    events += values[sumAt + b];
    if (values[countAt + b] > 0) active += 1;
  }
  const share = events / n;
  if (!(share > 0 && share < 1)) return 1;
  if (active < 2) return Math.max(1, n);
  let between = 0;
  for (let b = 0; b < buckets; b += 1) between += (values[sumAt + b] - share * values[countAt + b]) ** 2;
  return Math.max(1, ((active / (active - 1)) * between) / (n * share * (1 - share)));
}

/**
 * A design effect where the buckets show one beyond chance, else 1. Independent requests in K buckets make an estimate
 * with a standard error of `sqrt(2 / (K - 1))`; one within two of them is no sign of clustering, and tempering by it
 * would only cost power.
 *
 * @param effect an estimate, relative to independence. @param buckets number of buckets it comes from, >= 2.
 */
export function beyondChance(effect: number, buckets: number): number {
  return effect > 1 + 2 * Math.sqrt(2 / Math.max(1, buckets - 1)) ? effect : 1;
}

/**
 * Residuals of a comparison's score per hash bucket of users, and the variances they would have if requests were independent.
 * The residuals of both arms stand in one vector, so that a look that comes often need not copy.
 */
export type ScoreResiduals = {
  readonly values: readonly number[];
  /** Places of the first bucket of either arm. */
  readonly treatmentAt: number;
  readonly controlAt: number;
  readonly buckets: number;
  readonly independentTreatment: number;
  readonly independentControl: number;
};

/**
 * Design effect of a comparison: the variance of its score between buckets over that of independent requests. Dividing
 * the log likelihood ratios by it keeps their mixture an e-value in the Gaussian limit: the score's true variance takes
 * the place of the Poisson one.
 *
 * @returns `both`: of the two arms together; `control`: of control alone, which the pass side must not fall below, as a
 *   treatment with few events shows too little of how its users differ. 1 before any event.
 */
export function scoreDesignEffect(of: ScoreResiduals): { readonly both: number; readonly control: number } {
  const ofTreatment = betweenBuckets(of.values, of.treatmentAt, of.treatmentAt + of.buckets);
  const ofControl = betweenBuckets(of.values, of.controlAt, of.controlAt + of.buckets);
  const independent = of.independentTreatment + of.independentControl;
  return {
    both: independent > 0 ? (ofTreatment + ofControl) / independent : 1,
    control: of.independentControl > 0 ? ofControl / of.independentControl : 1,
  };
}

/** Variance of the sum of K bucket sums, which stand in `values` from `from` to before `to`. */
export function betweenBuckets(values: readonly number[], from = 0, to = values.length): number {
  const buckets = to - from;
  let mean = 0;
  for (let b = from; b < to; b += 1) mean += values[b];
  mean /= buckets;
  let squares = 0;
  for (let b = from; b < to; b += 1) squares += (values[b] - mean) ** 2;
  return (buckets / (buckets - 1)) * squares;
}

/**
 * Error rates of a test: `alpha`, and `beta`, the chance of never finding a true effect; without `beta` the test has power
 * 1 (Wald's lower bound on the expected sample size in both cases).
 */
export type ErrorRates = { readonly alpha: number; readonly beta?: number };

/** Evidence (in nats) any test with these error rates needs on average (Wald 1945). */
function evidenceNeeded({ alpha, beta = 0 }: ErrorRates): number {
  if (beta === 0) return Math.log(1 / alpha);
  return (1 - beta) * Math.log((1 - beta) / alpha) + beta * Math.log(beta / (1 - alpha));
}

/** Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), both in (0, 1). */
function bernoulliDivergence(p: number, q: number): number {
  return p * Math.log(p / q) + (1 - p) * (Math.log1p(-p) - Math.log1p(-q));
}

/** Fewest observations, on average, that any test needs to tell a share p1 from a limit p0, both in (0, 1). */
export function thresholdExposureLimit(input: ErrorRates & { readonly p0: number; readonly p1: number }): number {
  return evidenceNeeded(input) / bernoulliDivergence(input.p1, input.p0);
}

/**
 * Fewest treatment observations, on average, that any test needs to see treatment's rate at `ratio` times control's when
 * control's is not known beforehand.
 *
 * @param input.p control's rate, > 0. @param input.ratio true ratio, > 0, not 1. @param input.controlPerTreatment control
 *   observations for each one in treatment, > 0.
 */
export function concurrentExposureLimit(
  input: ErrorRates & { readonly p: number; readonly ratio: number; readonly controlPerTreatment: number },
): number {
  const { p, ratio, controlPerTreatment } = input;
  const divergence = bernoulliDivergence(ratio / (ratio + controlPerTreatment), 1 / (1 + controlPerTreatment));
  return evidenceNeeded(input) / (p * (ratio + controlPerTreatment) * divergence);
}

/**
 * Fewest excess bad events, on average, before any test can see a rate at `ratio` times a known one. It depends on neither
 * traffic nor share.
 *
 * @param input.ratio > 0, not 1.
 */
export function harmLimit(input: ErrorRates & { readonly ratio: number }): number {
  const { ratio } = input;
  return (evidenceNeeded(input) * (ratio - 1)) / (ratio * Math.log(ratio) - ratio + 1);
}

/** Fewest treatment observations, on average, that any test needs to see a difference of means `delta` (not 0). */
export function gaussianLimit(
  input: ErrorRates & {
    readonly delta: number;
    readonly varianceTreatment: number;
    readonly varianceControl: number;
    readonly controlPerTreatment: number;
  },
): number {
  const variance = input.varianceTreatment + input.varianceControl / input.controlPerTreatment;
  return (2 * evidenceNeeded(input) * variance) / input.delta ** 2;
}

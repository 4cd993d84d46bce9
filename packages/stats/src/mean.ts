import { bisect } from './bisect.ts';
import { logScaledNormalCdf } from './normal.ts';

/**
 * An approximately normal estimate: `delta` with standard error `se` (>= 0), and `tau` (> 0), the size of effect worth
 * finding, all in the units of the metric.
 */
export type NormalEstimate = { readonly delta: number; readonly se: number; readonly tau: number };

/** Which alternative gathers evidence: the true value is above the null, or below it. */
export type Direction = 'above' | 'below';

/**
 * Log e-value against H0 "the true value is at most `nullDelta`", or at least with direction `below`: the one-sided normal
 * mixture of Howard, Ramdas, McAuliffe & Sekhon (AoS 2021). Asymptotic: start it after a burn-in only.
 * A standard error of 0 (no variation seen) gives 0, no evidence.
 *
 * @param estimate.nullDelta defaults to 0. @param estimate.direction defaults to `above`.
 */
export function oneSidedMeanLogE(
  estimate: NormalEstimate & { readonly nullDelta?: number; readonly direction?: Direction },
): number {
  const { delta, se, tau, nullDelta = 0, direction = 'above' } = estimate;
  if (se === 0) return 0;
  const z = (delta - nullDelta) / se;
  return halfNormalMixtureLogE(direction === 'above' ? z : -z, (tau / se) ** 2);
}

/**
 * Log e-value of a z-score against a half-normal prior on the effect.
 *
 * @param z distance from the null in standard errors, positive towards the alternative.
 * @param v squared ratio of the effect worth finding to the standard error, >= 0.
 */
export function halfNormalMixtureLogE(z: number, v: number): number {
  return 0.5 * Math.log(4 / (1 + v)) + logScaledNormalCdf(z * Math.sqrt(v / (1 + v)));
}

/**
 * A bound of `oneSidedMeanLogE` from above that needs no logarithm, whatever `tau`: for a look that only has to know that a
 * threshold is not reached. 0 on the side of the null: there the mixture is at most 1.
 *
 * @param z distance from the null in standard errors, positive towards the alternative.
 */
export function normalAtMost(z: number): number {
  return z > 0 ? Math.LN2 + (z * z) / 2 : 0;
}

/** Log e-value against H0 "the true value is 0", both sides at once (Robbins 1970). A standard error of 0 gives 0. */
export function twoSidedMeanLogE({ delta, se, tau }: NormalEstimate): number {
  if (se === 0) return 0;
  const v = (tau / se) ** 2;
  return -0.5 * Math.log1p(v) + ((delta / se) ** 2 * v) / (2 * (1 + v));
}

/** Confidence sequence of the true value at level 1 - alpha (Robbins 1970): what `twoSidedMeanLogE` does not refute. */
export function meanInterval(estimate: NormalEstimate & { readonly alpha: number }): {
  readonly low: number;
  readonly high: number;
} {
  const { delta, se, tau, alpha } = estimate;
  const v = (tau / se) ** 2;
  const radius = se === 0 ? 0 : se * Math.sqrt((1 + 1 / v) * (Math.log1p(v) + 2 * Math.log(1 / alpha)));
  return { low: delta - radius, high: delta + radius };
}

/** The smallest estimate that refutes H0 "the true value is at most 0" at level alpha, for a standard error > 0. */
export function criticalDelta({
  se,
  tau,
  alpha,
}: {
  readonly se: number;
  readonly tau: number;
  readonly alpha: number;
}) {
  const threshold = Math.log(1 / alpha);
  const { high } = meanInterval({ delta: 0, se, tau, alpha: alpha / 2 });
  return bisect((delta) => oneSidedMeanLogE({ delta, se, tau }) < threshold, 0, high);
}

/**
 * The `tau` that makes the two-sided interval narrowest at a planned standard error (Howard et al. 2021, section 3.5);
 * give 2 alpha for the one-sided test.
 */
export function bestTau({ se, alpha }: { readonly se: number; readonly alpha: number }): number {
  const doubled = 2 * Math.log(1 / alpha);
  return se * Math.sqrt(doubled + Math.log1p(doubled));
}

import { bisect } from './bisect.ts';
import { logUpperIncompleteBeta } from './incomplete-beta.ts';
import { bankLogE, thresholdBank } from './linear-bank.ts';
import { logBeta } from './special.ts';

/** Ends of a confidence sequence for a share, in [0, 1]. */
export type ShareInterval = { readonly low: number; readonly high: number };

/**
 * Log e-value against H0 "the true share is at most p0" (grid of Bernoulli likelihood ratios). For a share that must not
 * fall below p0, count the opposite: `thresholdLogE(n - x, n, 1 - p0)`.
 *
 * @param x events, 0 <= x <= n. @param n observations. Neither need be whole (tempered counts). @param p0 in [0, 1].
 */
export function thresholdLogE(x: number, n: number, p0: number): number {
  return bankLogE(thresholdBank(p0, 'above'), x, n - x);
}

/**
 * Log e-value against H0 "the true share is at least p0": evidence that it lies below. Parameters as in `thresholdLogE`.
 * It grows only while the true share is below about 0.9 p0, the nearest alternative of its grid.
 */
export function thresholdPassLogE(x: number, n: number, p0: number): number {
  return bankLogE(thresholdBank(p0, 'below'), x, n - x);
}

/**
 * Log e-value against H0 "the true share is at most p0" with a Beta(a, b) prior cut off below p0 in place of the grid.
 *
 * @param p0 in (0, 1). @param a @param b shape of the prior, > 0.
 */
export function truncatedBetaLogE(x: number, n: number, p0: number, a: number, b: number): number {
  const posterior = logUpperIncompleteBeta(a + x, b + n - x, p0);
  return posterior - logUpperIncompleteBeta(a, b, p0) - x * Math.log(p0) - (n - x) * Math.log1p(-p0);
}

/**
 * Confidence sequence of a share: the shares a Beta(a, b) mixture does not refute (Robbins 1970). It covers the true share
 * at all times at once with probability 1 - alpha.
 *
 * @param x events, 0 <= x <= n, not necessarily whole. @param n observations; 0 gives [0, 1].
 * @param a @param b shape of the mixture, > 0; a = 1/2, b = 1/(2 p) suits a share around p.
 */
export function proportionInterval(x: number, n: number, alpha: number, a = 0.5, b = 0.5): ShareInterval {
  const evidence = logBeta(a + x, b + n - x) - logBeta(a, b) - Math.log(1 / alpha);
  const refuted = (p: number) => evidence >= x * Math.log(p) + (n - x) * Math.log1p(-p);
  return {
    low: x > 0 ? bisect(refuted, 0, x / n) : 0,
    high: x < n ? bisect((p) => !refuted(p), x / n, 1) : 1,
  };
}

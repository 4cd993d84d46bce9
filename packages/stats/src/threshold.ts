import { bisect } from './bisect.ts';
import { logUpperIncompleteBeta } from './incomplete-beta.ts';
import { EQUAL_WEIGHTS, mixtureLogE, RATIO_GRID } from './rate-ratio.ts';
import { logBeta } from './special.ts';

const PASS_RATIOS = [1.25, 1.5, 2, 4];
const PASS_WEIGHTS = [0.25, 0.25, 0.25, 0.25];
/** Limits of 0 % and 100 % are tested as this far inside, which keeps every result finite. */
const SMALLEST_SHARE = 1e-12;

/** Ends of a confidence sequence for a share, in [0, 1]. */
export type ShareInterval = { readonly low: number; readonly high: number };

/**
 * Log e-value against H0 "the true share is at most p0" (grid of Bernoulli likelihood ratios). For a share that must not
 * fall below p0, count the opposite: `thresholdLogE(n - x, n, 1 - p0)`.
 *
 * @param x events, 0 <= x <= n. @param n observations. Neither need be whole (tempered counts). @param p0 in [0, 1].
 */
export function thresholdLogE(x: number, n: number, p0: number): number {
  const limit = insideUnit(p0);
  const gains = RATIO_GRID.map((ratio) => bernoulliGain(x, n, limit, Math.min(limit * ratio, (1 + limit) / 2)));
  return mixtureLogE(gains, EQUAL_WEIGHTS);
}

/**
 * Log e-value against H0 "the true share is at least p0": evidence that it lies below. Parameters as in `thresholdLogE`.
 * It grows only while the true share is below about 0.9 p0, the nearest alternative of its grid.
 */
export function thresholdPassLogE(x: number, n: number, p0: number): number {
  const limit = insideUnit(p0);
  const gains = PASS_RATIOS.map((ratio) => bernoulliGain(x, n, limit, limit / ratio));
  return mixtureLogE(gains, PASS_WEIGHTS);
}

function insideUnit(share: number): number {
  return Math.min(Math.max(share, SMALLEST_SHARE), 1 - SMALLEST_SHARE);
}

/** Log likelihood ratio of share p1 to share p0. */
function bernoulliGain(x: number, n: number, p0: number, p1: number): number {
  return x * Math.log(p1 / p0) + (n - x) * (Math.log1p(-p1) - Math.log1p(-p0));
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

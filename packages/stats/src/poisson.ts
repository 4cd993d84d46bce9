import { bankLogE, poissonBank } from './linear-bank.ts';
import { logUpperIncompleteGamma } from './special.ts';

/** Which side of the limit is harm: more events than allowed, or fewer. */
export type HarmSide = 'higher' | 'lower';

/**
 * Log e-value against H0 "the rate is within its limit" (grid of Poisson likelihood ratios). Exact for Poisson counts,
 * conservative for sums of independent yes/no events.
 *
 * @param x events seen, >= 0. @param mu0 events expected at the limit: rate limit times exposure, >= 0.
 * @param harm `higher`: H0 is rate <= limit; `lower`: H0 is rate >= limit.
 */
export function poissonLogE(x: number, mu0: number, harm: HarmSide): number {
  return bankLogE(poissonBank(harm === 'higher' ? 'above' : 'below'), x, mu0);
}

/** Log e-value against H0 "the rate is at its limit or beyond, on the harmful side". Parameters as in `poissonLogE`. */
export function poissonPassLogE(x: number, mu0: number, harm: HarmSide): number {
  return poissonLogE(x, mu0, harm === 'higher' ? 'lower' : 'higher');
}

/**
 * Log e-value against H0 "rate <= limit" with a Gamma prior on the ratio of rate to limit, cut off below 1, in place of
 * the grid.
 *
 * @param a shape of the prior, > 0. @param b rate of the prior, > 0.
 */
export function truncatedGammaLogE(x: number, mu0: number, a: number, b: number): number {
  return mu0 + logTailIntegral(a + x, b + mu0) - logTailIntegral(a, b);
}

/** Log of the integral of `r^(shape-1) e^(-rate r)` over r > 1. */
function logTailIntegral(shape: number, rate: number): number {
  return logUpperIncompleteGamma(shape, rate) - shape * Math.log(rate);
}

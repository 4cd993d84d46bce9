import { bestTau } from './mean.ts';
import { truncatedBetaLogE } from './threshold.ts';

/** What a beta-binomial mixture is tuned for: `planned` observations and a test at level `alpha` (0.05 by default). */
export type BetaBinomialTuning = { readonly planned: number; readonly alpha?: number };

/**
 * Log e-value against H0 "the true share is at most p0": the one-sided beta-binomial mixture (Howard, Ramdas, McAuliffe &
 * Sekhon, AoS 2021, proposition 7). Best around the planned number of observations, valid at any.
 *
 * @param x events, 0 <= x <= n. @param n observations. @param p0 in (0, 1).
 */
export function betaBinomialLogE(x: number, n: number, p0: number, tuning: BetaBinomialTuning): number {
  const variance = p0 * (1 - p0);
  const se = 1 / Math.sqrt(variance * tuning.planned);
  const precision = 1 / bestTau({ se, alpha: 2 * (tuning.alpha ?? 0.05) }) ** 2;
  const r = Math.max(precision - variance, 1e-3 * variance);
  return truncatedBetaLogE(x, n, p0, r / (1 - p0), r / p0);
}

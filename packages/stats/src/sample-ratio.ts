import { mixtureLogE, updateRateRatio } from './rate-ratio.ts';
import { logGamma } from './special.ts';

const DEFICIT_RATIOS = [1 / 2, 1 / 1.25, 1 / 1.1, 1 / 1.05, 1 / 1.02];
const BOTH_RATIOS = [...DEFICIT_RATIOS, 1.02, 1.05, 1.1, 1.25, 2];
const DEFICIT_WEIGHTS = DEFICIT_RATIOS.map(() => 1 / DEFICIT_RATIOS.length);
const BOTH_WEIGHTS = BOTH_RATIOS.map(() => 1 / BOTH_RATIOS.length);

/** Users newly counted in each arm, and the share of them that should be treatment, in (0, 1); it may change per batch. */
export type ArmCounts = { readonly treatment: number; readonly control: number; readonly treatmentShare: number };

/**
 * Log likelihood ratios of a sample ratio mismatch, either way, after one more batch. Count each user once.
 *
 * @param llr `[]` before the first batch. @param batch one with a share of 0 or 1 changes nothing.
 */
export function updateSampleRatio(llr: readonly number[], batch: ArmCounts): readonly number[] {
  return updateRateRatio(llr, asRates(batch), 1, BOTH_RATIOS);
}

/** Log e-value against H0 "users fall into the arms as designed", from `updateSampleRatio`. */
export function sampleRatioLogE(llr: readonly number[]): number {
  return mixtureLogE(llr, BOTH_WEIGHTS);
}

/** Like `updateSampleRatio`, looking only for users missing from treatment. */
export function updateDeficit(llr: readonly number[], batch: ArmCounts): readonly number[] {
  return updateRateRatio(llr, asRates(batch), 1, DEFICIT_RATIOS);
}

/** Log e-value against H0 "treatment has at least its designed share of users", from `updateDeficit`. */
export function deficitLogE(llr: readonly number[]): number {
  return mixtureLogE(llr, DEFICIT_WEIGHTS);
}

function asRates({ treatment, control, treatmentShare }: ArmCounts) {
  return { xT: treatment, nT: treatmentShare, xC: control, nC: 1 - treatmentShare };
}

/**
 * Log marginal likelihood of assignments in their order under a Dirichlet prior over the arms' shares.
 *
 * @param counts users per arm. @param concentration parameter of the prior per arm, > 0.
 */
export function dirichletLogMarginal(counts: readonly number[], concentration: readonly number[]): number {
  const gains = counts.map((count, arm) => logGamma(concentration[arm] + count) - logGamma(concentration[arm]));
  const prior = sum(concentration);
  return sum(gains) + logGamma(prior) - logGamma(prior + sum(counts));
}

/**
 * Log e-value against H0 "users fall into any number of arms with shares theta0" (Lindon & Malek, NeurIPS 2022).
 *
 * @param counts users per arm so far. @param theta0 designed shares, > 0, adding up to 1, fixed from the start.
 * @param k strength of the prior around theta0, > 0; 1000 is a good default.
 */
export function dirichletMultinomialLogE(counts: readonly number[], theta0: readonly number[], k = 1000): number {
  const marginal = dirichletLogMarginal(
    counts,
    theta0.map((share) => k * share),
  );
  return marginal - sum(counts.map((count, arm) => count * Math.log(theta0[arm])));
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

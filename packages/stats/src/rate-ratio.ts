import { logSumExp } from './special.ts';

/** Ratios (treatment's rate over the null's) that the fail side bets on, all with the same weight. */
export const RATIO_GRID: readonly number[] = [1.25, 1.5, 2, 3, 5, 10];

/** One weight per ratio of `RATIO_GRID`. */
export const EQUAL_WEIGHTS: readonly number[] = RATIO_GRID.map(() => 1 / RATIO_GRID.length);

/**
 * Events (x) and exposures (n) of treatment (T) and control (C) in one batch of time. Both arms come from the same
 * traffic; numbers are >= 0 and need not be whole, so that counts tempered by a design effect fit.
 */
export type TwoArmCounts = { readonly xT: number; readonly nT: number; readonly xC: number; readonly nC: number };

/** Ratios and how much each counts; the weights add up to 1. */
export type WeightedRatios = { readonly ratios: readonly number[]; readonly weights: readonly number[] };

/**
 * What the pass side bets on: that the truth lies well on the good side of the margin, half of it on "no effect".
 * Use it with `nullRatio = margin`.
 *
 * @param margin the worst acceptable ratio of rates, > 0: above 1 where more is worse (1.5 = at most 1.5x control),
 *   below 1 where less is worse (0.95 = at least 0.95x control).
 */
export function passGrid(margin: number): WeightedRatios {
  const size = Math.max(margin, 1 / margin);
  const ratios = [1 / Math.sqrt(size), 1 / size, 1 / (1.5 * size), 1 / (3 * size)];
  return { ratios: margin < 1 ? ratios.map((ratio) => 1 / ratio) : ratios, weights: [0.2, 0.5, 0.2, 0.1] };
}

/**
 * Log likelihood ratios after one more batch: the conditional-Poisson test of two rates (Lindon & Malek 2022, arXiv
 * 2011.03567). Valid for any batch length, allocation and drift of the common rate, as long as batches are disjoint.
 *
 * @param llr one number per ratio; `[]` before the first batch.
 * @param batch a batch with an empty arm changes nothing.
 * @param nullRatio ratio of treatment's rate to control's under H0, > 0.
 * @param ratios all > 1 tests H0 "ratio <= nullRatio"; all < 1 tests H0 "ratio >= nullRatio".
 */
export function updateRateRatio(
  llr: readonly number[],
  batch: TwoArmCounts,
  nullRatio: number,
  ratios: readonly number[],
): readonly number[] {
  if (!hasBothArms(batch)) return llr;
  const share = (nullRatio * batch.nT) / (nullRatio * batch.nT + batch.nC);
  return ratios.map((ratio, g) => {
    const gain = batch.xT * Math.log(ratio) - (batch.xT + batch.xC) * Math.log1p(share * (ratio - 1));
    return (llr[g] ?? 0) + gain;
  });
}

/** Whether a batch can compare: exposures in both arms. */
export function hasBothArms(batch: TwoArmCounts): boolean {
  return batch.nT > 0 && batch.nC > 0;
}

/**
 * Log of the e-value of a weighted bank of likelihood ratios: H0 is refuted at level alpha once it reaches ln(1/alpha).
 *
 * @param llr one number per weight; `[]` (no data yet) gives 0.
 */
export function mixtureLogE(llr: readonly number[], weights: readonly number[]): number {
  return logSumExp(weights.map((weight, g) => Math.log(weight) + (llr[g] ?? 0)));
}

import { EQUAL_WEIGHTS, passGrid, RATIO_GRID } from './rate-ratio.ts';

/**
 * A bank of likelihood ratios that are linear in two sums: ratio g is `exp(first[g] * a + second[g] * b)`. The weights add up
 * to 1, so the mixture is an e-value wherever every ratio is one. Laid out once per limit; a look costs a few products.
 */
export type LinearBank = {
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly logWeights: readonly number[];
};

const logs = (weights: readonly number[]) => weights.map(Math.log);
const PASS_RATIOS = [1.25, 1.5, 2, 4];
/** Limits of 0 % and 100 % are tested as this far inside, which keeps every result finite. */
const SMALLEST_SHARE = 1e-12;

/**
 * The threshold grid (a3) as a bank over (events, observations without one).
 *
 * @param p0 limit of the share, in [0, 1]. @param side `above`: H0 is "share <= p0"; `below`: H0 is "share >= p0".
 */
export function thresholdBank(p0: number, side: 'above' | 'below'): LinearBank {
  const limit = Math.min(Math.max(p0, SMALLEST_SHARE), 1 - SMALLEST_SHARE);
  const shares =
    side === 'above'
      ? RATIO_GRID.map((ratio) => Math.min(limit * ratio, (1 + limit) / 2))
      : PASS_RATIOS.map((ratio) => limit / ratio);
  return {
    first: shares.map((share) => Math.log(share / limit)),
    second: shares.map((share) => Math.log1p(-share) - Math.log1p(-limit)),
    logWeights: logs(shares.map(() => 1 / shares.length)),
  };
}

/** The Poisson grid (d1) as a bank over (events, events expected at the limit). @param side as in `thresholdBank`. */
export function poissonBank(side: 'above' | 'below'): LinearBank {
  const ratios = RATIO_GRID.map((ratio) => (side === 'above' ? ratio : 1 / ratio));
  return {
    first: ratios.map(Math.log),
    second: ratios.map((ratio) => 1 - ratio),
    logWeights: logs(EQUAL_WEIGHTS),
  };
}

/** Log e-value of a bank for its two sums, each >= 0. */
export function bankLogE({ first, second, logWeights }: LinearBank, a: number, b: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let g = 0; g < first.length; g += 1) most = Math.max(most, logWeights[g] + first[g] * a + second[g] * b);
  let sum = 0;
  for (let g = 0; g < first.length; g += 1) sum += Math.exp(logWeights[g] + first[g] * a + second[g] * b - most);
  return most + Math.log(sum);
}

/**
 * A bound of `bankLogE` without logarithms, for a look that only has to know that a threshold is not reached. It holds
 * for the sums themselves and for both divided by any number >= 1; never below 0.
 */
export function bankAtMost({ first, second }: LinearBank, a: number, b: number): number {
  let most = 0;
  for (let g = 0; g < first.length; g += 1) most = Math.max(most, first[g] * a + second[g] * b);
  return most;
}

/**
 * A bound of `bankLogE` from below without logarithms: the mixture is at least its largest term. Where it is not below 0, it
 * holds as well for both sums divided by any smaller number.
 */
export function bankAtLeast({ first, second, logWeights }: LinearBank, a: number, b: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let g = 0; g < first.length; g += 1) most = Math.max(most, logWeights[g] + first[g] * a + second[g] * b);
  return most;
}

/** Log weights of the fail side's grid of ratios, and of the pass side's grid for a margin (see `passGrid`). */
export const FAIL_LOG_WEIGHTS: readonly number[] = logs(EQUAL_WEIGHTS);
/** As `FAIL_LOG_WEIGHTS`, for any margin. */
export const PASS_LOG_WEIGHTS: readonly number[] = logs(passGrid(1.5).weights);

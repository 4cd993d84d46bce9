import { clopperPearsonLower, clopperPearsonUpper } from './incomplete-beta.ts';
import type { Direction } from './mean.ts';
import { thresholdLogE, thresholdPassLogE } from './threshold.ts';

/** Events and observations of treatment so far and of a baseline sampled before it, and what is tested about them. */
export type BaselineShare = {
  readonly x: number;
  readonly n: number;
  readonly baselineX: number;
  readonly baselineN: number;
  readonly nullRatio: number;
  readonly direction: Direction;
  readonly level?: number;
};

/**
 * Log e-value of a share against `nullRatio` times that of a finite baseline: a confidence bound of the baseline's share
 * (Clopper & Pearson) takes `level` of the error rate, so refute at `ln(1/(alpha - level))`. Slower than `updateReplay`,
 * but it lasts for as long as the rollout, and totals are enough. It assumes independent observations without a pattern
 * over the week, and no drift.
 *
 * @param input.direction `above` tests H0 "the share is at most `nullRatio` times the baseline's", `below` H0 "at least".
 * @param input.level chance that the bound is wrong, 0.01 by default; below alpha.
 */
export function baselineShareLogE(input: BaselineShare): number {
  const { x, n, baselineX, baselineN, nullRatio, direction, level = 0.01 } = input;
  if (direction === 'above') {
    return thresholdLogE(x, n, nullRatio * clopperPearsonUpper(baselineX, baselineN, level));
  }
  return thresholdPassLogE(x, n, nullRatio * clopperPearsonLower(baselineX, baselineN, level));
}

import { logSumExp } from './special.ts';

/**
 * What one check's log e-value must reach so that all checks together stay at level alpha (weighted Bonferroni).
 *
 * @param weight the check's part of alpha, in (0, 1]; the weights of a family add up to 1 at most.
 */
export function bonferroniThreshold(weight: number, alpha: number): number {
  return Math.log(1 / (weight * alpha));
}

/**
 * Log of the weighted average of e-values, itself a log e-value whatever their dependence (Vovk & Wang, AoS 2021). Use
 * values of the same moment, never running maxima.
 *
 * @param weights fixed beforehand, adding up to 1. @param logEs in the same order.
 */
export function weightedAverageLogE(weights: readonly number[], logEs: readonly number[]): number {
  return logSumExp(logEs.map((logE, j) => Math.log(weights[j]) + logE));
}

/**
 * Which checks are guilty, with at most alpha chance of blaming an innocent one: those for which every group of checks
 * they belong to has an average e-value of 1/alpha or more (closed testing, Vovk & Wang, AoS 2021).
 *
 * @returns one answer per check, in the order given.
 */
export function closedTestingBlame(logEs: readonly number[], alpha: number): readonly boolean[] {
  const threshold = Math.log(1 / alpha);
  return logEs.map((own, j) => {
    const others = logEs.filter((_, other) => other !== j).sort((a, b) => a - b);
    // The hardest group of each size is the one with the smallest others.
    return [0, ...others.map((_, k) => k + 1)].every((size) => {
      const group = [own, ...others.slice(0, size)];
      return logSumExp(group) - Math.log(group.length) >= threshold;
    });
  });
}

import type { TwoArmCounts } from './rate-ratio.ts';
import { proportionInterval } from './threshold.ts';

/** An exposure cap and what it rests on: bounds of the two arms' shares, each in [0, 1]. */
export type HarmCap = {
  readonly treatmentUpper: number;
  readonly controlLower: number;
  /** Largest excess share of bad events that is still plausible. */
  readonly excessUpper: number;
  /** Total treatment exposures that keep expected excess events within the budget; Infinity where no excess is plausible. */
  readonly exposures: number;
};

/**
 * How many exposures treatment may have in total so that its excess bad events stay within a budget, at all times with
 * probability 1 - 2 level, if the true excess is constant. Before any data it equals the budget.
 *
 * @param counts totals so far. @param budget excess bad events one is ready to accept, > 0.
 * @param level chance for each arm's bound to be wrong; 0.025 by default.
 */
export function harmCap(counts: TwoArmCounts, budget: number, level = 0.025): HarmCap {
  const treatmentUpper = proportionInterval(counts.xT, counts.nT, level).high;
  const controlLower = proportionInterval(counts.xC, counts.nC, level).low;
  const excessUpper = treatmentUpper - controlLower;
  const exposures = excessUpper > 0 ? Math.floor(budget / excessUpper) : Number.POSITIVE_INFINITY;
  return { treatmentUpper, controlLower, excessUpper, exposures };
}

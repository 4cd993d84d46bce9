/** What the conformance vectors share: a computation per kind of vector, by name. */
import * as stats from './index.ts';

/** Rows of events and exposures, treatment's then control's. */
export type Batches = readonly (readonly number[])[];
/** Computes the vectors whose name matches. */
export type Check = { readonly names: RegExp; readonly compute: (inputs: unknown) => unknown };

/** A computation with the type of its inputs. */
export function check<Inputs>(names: RegExp, compute: (inputs: Inputs) => unknown): Check {
  return { names, compute: (inputs) => compute(inputs as Inputs) };
}

/** One batch of a vector: events and exposures of treatment and control. */
export const counts = ([xT, nT, xC, nC]: readonly number[]) => ({ xT: xT!, nT: nT!, xC: xC!, nC: nC! });
/** Ends of an interval as a list. */
export const pair = ({ low, high }: { readonly low: number; readonly high: number }) => [low, high];

/** Evidence of two rates after all batches. */
export function rateRatioLogE(batches: Batches, r0 = 1, ratios = stats.RATIO_GRID, weights = stats.EQUAL_WEIGHTS) {
  const llr = batches.reduce<readonly number[]>((sum, b) => stats.updateRateRatio(sum, counts(b), r0, ratios), []);
  return stats.mixtureLogE(llr, weights);
}
/** A sum s with variance v, and what a mixture is tuned for, in the clock of the confseq library. */
export type Clock = { s: number; v: number; alpha: number; v_opt: number; alpha_opt: number; c: number; g: number };

import { mixtureLogE, passGrid, updateRateRatio } from './rate-ratio.ts';
import { thresholdPassLogE } from './threshold.ts';

/**
 * Treatment observations after which a share is expected to pass an absolute limit: where the evidence of
 * `thresholdPassLogE` on the expected path reaches ln(1/beta).
 *
 * @param input.p true share, in [0, 1]. @param input.limit in (0, 1).
 * @returns a whole number; Infinity where p is so near the limit, or beyond, that it never passes.
 */
export function passExposures(input: { readonly p: number; readonly limit: number; readonly beta: number }): number {
  const { p, limit, beta } = input;
  return firstReaching(Math.log(1 / beta), (n) => thresholdPassLogE(p * n, n, limit));
}

/**
 * Treatment observations after which a rate is expected to pass against a concurrent control.
 *
 * @param input.p control's rate, > 0. @param input.ratio true ratio of treatment's rate to control's; 1 by default.
 * @param input.margin see `passGrid`. @param input.controlPerTreatment control observations for each one in treatment.
 * @returns a whole number; Infinity where it never passes.
 */
export function concurrentPassExposures(input: {
  readonly p: number;
  readonly ratio?: number;
  readonly margin: number;
  readonly controlPerTreatment: number;
  readonly beta: number;
}): number {
  const { p, ratio = 1, margin, controlPerTreatment, beta } = input;
  const { ratios, weights } = passGrid(margin);
  return firstReaching(Math.log(1 / beta), (n) => {
    const nC = n * controlPerTreatment;
    const batch = { xT: n * p * ratio, nT: n, xC: nC * p, nC };
    return mixtureLogE(updateRateRatio([], batch, margin, ratios), weights);
  });
}

/** Far beyond any traffic, and whole numbers are still exact. */
const MOST_EXPOSURES = 2 ** 52;

/**
 * Smallest whole n at which the evidence reaches the threshold. On an expected path it is convex in n and 0 at n = 0, so
 * it crosses once or never.
 */
function firstReaching(threshold: number, evidence: (n: number) => number): number {
  if (evidence(MOST_EXPOSURES) < threshold) return Number.POSITIVE_INFINITY;
  let below = 0;
  let reached = MOST_EXPOSURES;
  while (reached - below > 1) {
    const middle = Math.floor((below + reached) / 2);
    if (evidence(middle) >= threshold) reached = middle;
    else below = middle;
  }
  return reached;
}

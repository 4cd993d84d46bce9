import { betaBinomialLogE } from './beta-binomial.ts';

/** Histogram edges that differ by less than this share are the same edge, computed in two ways. */
const SAME_EDGE = 1e-12;

/**
 * Values of one arm: `counts[i]` of them lie in (edges[i-1], edges[i]], the first from -Infinity on; one more entry of
 * `counts` than of `edges` holds those above the last. `planned` is the number of values the test is tuned for, fixed
 * beforehand: about 2000 for treatment, and in proportion for a larger control.
 */
export type QuantileArm = {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly planned: number;
};

/** Values at or below each of a row of rising cuts, the number of all values, and what the test is tuned for. */
export type CumulativeArm = { readonly atMost: readonly number[]; readonly n: number; readonly planned: number };

/**
 * Log e-value against H0 "the p-quantile of `higher` is at most `ratio` times that of `lower`", for any distribution
 * (the one-sided form of the test of Howard & Ramdas, Bernoulli 2022, section 5). Coarse or different buckets only cost
 * power. Both arms must be independent samples, each from one distribution throughout: drift breaks it, where counting
 * exceedances of a cut known beforehand (`updateRateRatio`) does not mind.
 *
 * Fail side of "p99 at most 1.5x control": `quantileRatioLogE(treatment, control, 0.99, 1.5)`; pass side: swap the arms,
 * `quantileRatioLogE(control, treatment, 0.99, 1 / 1.5)`.
 *
 * @param p in (0, 1). @param ratio > 0, for values >= 0.
 */
export function quantileRatioLogE(higher: QuantileArm, lower: QuantileArm, p: number, ratio: number): number {
  const totals = running(higher.counts);
  // A bucket that begins below the cut may lie below it as a whole: all of it counts against the evidence.
  const atMost = lower.edges.map((edge) => {
    const cut = ratio * edge - Math.abs(ratio * edge) * SAME_EDGE;
    return totals[higher.edges.filter((start) => start < cut).length];
  });
  return quantileLogE(
    { atMost, n: totals[totals.length - 1], planned: higher.planned },
    { atMost: running(lower.counts).slice(0, lower.edges.length), n: total(lower.counts), planned: lower.planned },
    p,
  );
}

/**
 * Log e-value against H0 "the p-quantile of `higher` is at most that of `lower`", both cumulated at the same cuts.
 *
 * Were x the quantile of `lower`, fewer than p of its values would lie below x and at most 1 - p of `higher` above it. The
 * evidence against both at once is taken at the x where it is weakest, and between two cuts by what it is at least.
 */
export function quantileLogE(higher: CumulativeArm, lower: CumulativeArm, p: number): number {
  const above = [...higher.atMost, higher.n].map((atMost) =>
    betaBinomialLogE(higher.n - atMost, higher.n, 1 - p, higher),
  );
  const below = [0, ...lower.atMost].map((atMost) => betaBinomialLogE(atMost, lower.n, p, lower));
  return above.reduce((least, logE, i) => Math.min(least, logE + below[i]), Number.POSITIVE_INFINITY);
}

function running(counts: readonly number[]): readonly number[] {
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum;
  });
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

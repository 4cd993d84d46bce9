import { bisect } from './bisect.ts';
import { EQUAL_WEIGHTS, hasBothArms, mixtureLogE, RATIO_GRID, type TwoArmCounts } from './rate-ratio.ts';

/** Natural log of the widest ratio looked at; beyond it no pair of real arms differs. */
const WIDEST_LOG_RATIO = 100;

/**
 * Ratio of treatment's rate to control's. `ratio` is the most likely value (0 without events in treatment, Infinity
 * without events in control, undefined without any); `low` and `high` are the ends of a confidence sequence, 0 and
 * Infinity where the data do not bound it.
 */
export type RateRatioInterval = { readonly ratio: number | undefined; readonly low: number; readonly high: number };

/**
 * Estimate and confidence sequence of the ratio of rates from all batches: the ratios that neither side of the grid test
 * refutes at alpha/2. It covers the true ratio at all times at once with probability 1 - alpha.
 *
 * @param batches disjoint increments; one with an empty arm is left out. Time and memory grow with their number: see
 *   `updateLattice` for constant memory.
 */
export function rateRatioInterval(batches: readonly TwoArmCounts[], alpha: number): RateRatioInterval {
  const usable = batches.filter(hasBothArms);
  const xT = usable.reduce((sum, batch) => sum + batch.xT, 0);
  const xC = usable.reduce((sum, batch) => sum + batch.xC, 0);
  const threshold = Math.log(2 / alpha);
  const logE = (logNull: number, sign: 1 | -1) => mixtureLogE(gridGains(usable, logNull, sign), EQUAL_WEIGHTS);
  const ends = [-WIDEST_LOG_RATIO, WIDEST_LOG_RATIO] as const;
  return {
    ratio: mostLikelyRatio(usable, xT, xC),
    low: boundable(xT, threshold) ? Math.exp(bisect((u) => logE(u, 1) >= threshold, ...ends)) : 0,
    high: boundable(xC, threshold)
      ? Math.exp(bisect((u) => logE(u, -1) < threshold, ...ends))
      : Number.POSITIVE_INFINITY,
  };
}

/** Whether this many events in one arm refute a ratio that goes to the extreme. */
function boundable(events: number, threshold: number): boolean {
  const gains = RATIO_GRID.map((ratio) => events * Math.log(ratio));
  return mixtureLogE(gains, EQUAL_WEIGHTS) >= threshold;
}

/** Log likelihood gained by moving from the null by each ratio of the grid, up (1) or down (-1). */
function gridGains(batches: readonly TwoArmCounts[], logNull: number, sign: 1 | -1): readonly number[] {
  const from = logLikelihoodOf(batches, logNull);
  return RATIO_GRID.map((ratio) => logLikelihoodOf(batches, logNull + sign * Math.log(ratio)) - from);
}

function logLikelihoodOf(batches: readonly TwoArmCounts[], logRatio: number): number {
  return batches.reduce((sum, batch) => sum + batchLogLikelihood(batch, logRatio), 0);
}

/**
 * Log likelihood of one batch, given its number of events, at a ratio of rates (natural log). Concave in the log ratio.
 *
 * @param batch with exposures in both arms.
 */
export function batchLogLikelihood(batch: TwoArmCounts, logRatio: number): number {
  const logOdds = logRatio + Math.log(batch.nT / batch.nC);
  return -batch.xT * softplus(-logOdds) - batch.xC * softplus(logOdds);
}

/** ln(1 + e^x). */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function mostLikelyRatio(batches: readonly TwoArmCounts[], xT: number, xC: number): number | undefined {
  if (xT + xC === 0) return undefined;
  if (xT === 0) return 0;
  if (xC === 0) return Number.POSITIVE_INFINITY;
  const expected = (ratio: number, { xT: t, nT, xC: c, nC }: TwoArmCounts) =>
    ((t + c) * ratio * nT) / (ratio * nT + nC);
  const tooLow = (u: number) => batches.reduce((sum, batch) => sum + expected(Math.exp(u), batch), 0) < xT;
  return Math.exp(bisect(tooLow, -WIDEST_LOG_RATIO, WIDEST_LOG_RATIO));
}

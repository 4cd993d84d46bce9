import type { Direction } from './mean.ts';
import { EQUAL_WEIGHTS, hasBothArms, mixtureLogE, RATIO_GRID, type TwoArmCounts } from './rate-ratio.ts';

/** A guess never comes nearer to 0 or 1 than this, which keeps every gain finite. */
const SMALLEST_SHARE = 1e-12;

/** What is kept between batches: a log likelihood ratio per bet, and events (x) and exposures (n) of both arms so far. */
export type Safe2x2 = { readonly llr: readonly number[]; readonly x: number; readonly n: number };

/** The test before the first batch. */
export function emptySafe2x2(): Safe2x2 {
  return { llr: [], x: 0, n: 0 };
}

/**
 * The test of two shares side by side after one more batch (Turner, Ly & Grünwald 2021, arXiv 2106.02693). It guesses
 * control's share from the batches before, bets on odds 1.25 to 10 times as high (as low) in treatment, and stays exact
 * for any share, batch length, split and drift. Meant for shares above 5 %, where `updateRateRatio` loses power.
 *
 * @param batch whole yes/no observations; a batch with an empty arm changes nothing. @param direction `above` tests H0
 *   "treatment's share is at most control's"; `below` tests H0 "at least". There is no form with a margin: see
 *   `updateScoreBet`. Keep to one direction.
 */
export function updateSafe2x2(state: Safe2x2, batch: TwoArmCounts, direction: Direction): Safe2x2 {
  if (!hasBothArms(batch)) return state;
  const guess = insideUnit((state.x + 0.5) / (state.n + 1));
  const llr = RATIO_GRID.map((ratio, g) => {
    const odds = ((direction === 'above' ? ratio : 1 / ratio) * guess) / (1 - guess);
    return (state.llr[g] ?? 0) + safe2x2Gain(batch, odds / (1 + odds), guess);
  });
  return { llr, x: state.x + batch.xT + batch.xC, n: state.n + batch.nT + batch.nC };
}

/** Log e-value of the null chosen in `updateSafe2x2`; 0 before the first batch. */
export function safe2x2LogE(state: Safe2x2): number {
  return mixtureLogE(state.llr, EQUAL_WEIGHTS);
}

/**
 * Log e-value of one batch against "both shares are equal", and against every pair of shares whose order is opposite to
 * that of the bet.
 *
 * @param thetaT @param thetaC shares bet on, in (0, 1), chosen before the batch was seen.
 */
export function safe2x2Gain({ xT, nT, xC, nC }: TwoArmCounts, thetaT: number, thetaC: number): number {
  const shared = (nT * thetaT + nC * thetaC) / (nT + nC);
  const rest = (nT * (1 - thetaT) + nC * (1 - thetaC)) / (nT + nC);
  const events = xT * Math.log(thetaT / shared) + xC * Math.log(thetaC / shared);
  return events + (nT - xT) * Math.log((1 - thetaT) / rest) + (nC - xC) * Math.log((1 - thetaC) / rest);
}

function insideUnit(share: number): number {
  return Math.min(Math.max(share, SMALLEST_SHARE), 1 - SMALLEST_SHARE);
}

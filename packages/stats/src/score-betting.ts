import type { Direction } from './mean.ts';
import { BET_FRACTIONS, BET_WEIGHTS } from './mean-betting.ts';
import { mixtureLogE, type TwoArmCounts } from './rate-ratio.ts';

const PRIOR_SUM = 2.5;
const PRIOR_COUNT = 5;

/** What is kept between units: log wealth per bet, and the sum of values and the number of units of both arms so far. */
export type ScoreBet = { readonly wealth: readonly number[]; readonly sum: number; readonly n: number };

/** One randomised unit: its arm, the chance in (0, 1) it had to be treated, and its outcome in [0, 1]. */
export type ScoreUnit = { readonly treated: boolean; readonly treatmentShare: number; readonly value: number };

/**
 * What is tested: with `above`, H0 "treatment's mean exceeds control's by at most `nullDelta`"; with `below`, H0 "by at
 * least `nullDelta`". `nullDelta` lies in (-1, 1) and is 0 by default.
 */
export type ScoreNull = { readonly direction: Direction; readonly nullDelta?: number };

/** The bet before the first unit. */
export function emptyScoreBet(): ScoreBet {
  return { wealth: [], sum: 0, n: 0 };
}

/**
 * Log wealth of bets on a difference of bounded means after one more unit. The score `(A - share) (value - guess)`, with
 * A = 1 for treatment, has mean `share (1 - share) (muT - muC)`, so less `share (1 - share) nullDelta` it is no gain on
 * average under the null: exact under drift, ramps and any distribution on [0, 1], without a variance. "Not worse than
 * control by 2 %" where less is worse: fail is `below` -0.02, pass is `above` -0.02.
 *
 * It needs one outcome per randomised unit, and a number per arm that is left to chance: requests of the same user, or
 * units dropped in one arm, break it.
 *
 * @param unit its value is cut off at 0 and 1; with a share of 0 or 1 it changes nothing, as nothing is compared.
 */
export function updateScoreBet(state: ScoreBet, unit: ScoreUnit, hypothesis: ScoreNull): ScoreBet {
  const value = Math.min(Math.max(unit.value, 0), 1);
  const { treated, treatmentShare } = unit;
  const gain = scoreGain(state, treatmentShare, hypothesis);
  if (gain === undefined) return state;
  return after(state, value, 1, (fraction) => gain(fraction, treated, value));
}

/**
 * The same for a batch of units, all guessed for as before it: exact for yes/no outcomes; for sums of values in [0, 1] it
 * treats each as a 0 or a 1 of the same mean, which only loses evidence.
 *
 * @param batch number of units (n) and sum of their outcomes (x) per arm, with the one share all of them had.
 */
export function updateScoreBetCounts(
  state: ScoreBet,
  batch: TwoArmCounts & { readonly treatmentShare: number },
  hypothesis: ScoreNull,
): ScoreBet {
  const { xT, nT, xC, nC, treatmentShare } = batch;
  const gain = scoreGain(state, treatmentShare, hypothesis);
  if (gain === undefined) return state;
  return after(state, xT + xC, nT + nC, (fraction) => {
    const ofT = xT * gain(fraction, true, 1) + (nT - xT) * gain(fraction, true, 0);
    return ofT + xC * gain(fraction, false, 1) + (nC - xC) * gain(fraction, false, 0);
  });
}

/** Log e-value of the null chosen in `updateScoreBet`; 0 before the first unit. */
export function scoreBetLogE(state: ScoreBet): number {
  return mixtureLogE(state.wealth, BET_WEIGHTS);
}

/** Log gain of a bet on one unit, from what was known before it. */
function scoreGain(state: ScoreBet, share: number, { direction, nullDelta = 0 }: ScoreNull) {
  if (!(share > 0 && share < 1)) return undefined;
  const sign = direction === 'above' ? 1 : -1;
  const guess = (state.sum + PRIOR_SUM) / (state.n + PRIOR_COUNT);
  const shift = sign * share * (1 - share) * nullDelta;
  // The most a stake of 1 can lose: (A - share)(value - guess) is lowest for a treated 0 or a control 1, or the opposite.
  const towards = sign === 1 ? guess : 1 - guess;
  const worst = Math.max((1 - share) * towards, share * (1 - towards)) + shift;
  return (fraction: number, treated: boolean, value: number) => {
    const score = ((treated ? 1 : 0) - share) * (value - guess);
    return Math.log1p((fraction * (sign * score - shift)) / worst);
  };
}

function after(state: ScoreBet, sum: number, n: number, gain: (fraction: number) => number): ScoreBet {
  const wealth = BET_FRACTIONS.map((fraction, g) => (state.wealth[g] ?? 0) + gain(fraction));
  return { wealth, sum: state.sum + sum, n: state.n + n };
}

import type { Direction } from './mean.ts';
import { mixtureLogE } from './rate-ratio.ts';

const BETS = 12;
const SMALLEST_BET = 0.005;
const LARGEST_BET = 0.95;
/** Limits of 0 and 1 are tested as this far inside, which keeps every result finite. */
const SMALLEST_LIMIT = 1e-12;

/** Parts of the largest allowed stake that the bets on a bounded mean hold: 12 numbers from 0.005 to 0.95, evenly in logs. */
export const BET_FRACTIONS: readonly number[] = Array.from(
  { length: BETS },
  (_, g) => SMALLEST_BET * (LARGEST_BET / SMALLEST_BET) ** (g / (BETS - 1)),
);

/** One weight per bet of `BET_FRACTIONS`. */
export const BET_WEIGHTS: readonly number[] = BET_FRACTIONS.map(() => 1 / BETS);

/** A value in [0, 1], how often it occurred (1 by default), and the limit and direction it is a bet on. */
export type MeanBet = {
  readonly value: number;
  readonly count?: number;
  readonly limit: number;
  readonly direction: Direction;
};

/**
 * Log wealth of constant bets on a bounded mean after one more value (Waudby-Smith & Ramdas, JRSS-B 2024). Exact for any
 * distribution on [0, 1], from the first value on, without a variance: what must hold is that each value's mean, given
 * those before, keeps to the null.
 *
 * Where only sums are known, `thresholdLogE(sum, n, limit)` is valid for values in [0, 1] too: a bet's logarithm is
 * concave, so replacing each value by a 0 or a 1 of the same mean only loses evidence.
 *
 * @param wealth one number per bet; `[]` before the first value.
 * @param bet.value cut off at 0 and 1 where outside: the test is about the mean of the values so cut.
 * @param bet.direction `above` tests H0 "the mean is at most `limit`"; `below` tests H0 "the mean is at least `limit`".
 */
export function updateMeanBet(wealth: readonly number[], bet: MeanBet): readonly number[] {
  const { count = 1, direction } = bet;
  const value = Math.min(Math.max(bet.value, 0), 1);
  const limit = Math.min(Math.max(bet.limit, SMALLEST_LIMIT), 1 - SMALLEST_LIMIT);
  const stake = direction === 'above' ? (value - limit) / limit : (limit - value) / (1 - limit);
  return BET_FRACTIONS.map((fraction, g) => (wealth[g] ?? 0) + count * Math.log1p(fraction * stake));
}

/** Log e-value of the null chosen in `updateMeanBet`; 0 before the first value. */
export function meanBetLogE(wealth: readonly number[]): number {
  return mixtureLogE(wealth, BET_WEIGHTS);
}

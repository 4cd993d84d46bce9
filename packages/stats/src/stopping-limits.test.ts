import { describe, expect, it } from 'vitest';
import { betaBinomialLogE } from './beta-binomial.ts';
import { binomial, type Chance, play, poisson } from './enumeration.contract.ts';
import { ALPHA, expectValid, SLACK } from './expect-valid.contract.ts';
import type { Direction } from './mean.ts';
import { meanBetLogE, updateMeanBet } from './mean-betting.ts';
import { type HarmSide, poissonLogE, poissonPassLogE } from './poisson.ts';
import { thresholdLogE, thresholdPassLogE } from './threshold.ts';

describe('under the null, no stopping rule gains and the chance of ever refuting is at most alpha:', () => {
  it.each([0.01, 0.1, 0.5])('a share at a limit of %d, fail and pass', (p0) => {
    const game = (logE: (x: number, n: number, p: number) => number, p: number) => ({
      start: { x: 0, n: 0 },
      looks: 6,
      outcomes: () => binomial(3, p),
      update: ({ x, n }: { x: number; n: number }, events: number) => ({ x: x + events, n: n + 3 }),
      logE: ({ x, n }: { x: number; n: number }) => logE(x, n, p0),
    });
    expectValid(game(thresholdLogE, p0));
    expectValid(game(thresholdLogE, 0.8 * p0));
    expectValid(game((x, n) => betaBinomialLogE(x, n, p0, { planned: 10 }), p0));
    // Too few looks to pass a limit of 1 %: there, only that no rule gains.
    if (p0 === 0.5) expectValid(game(thresholdPassLogE, p0));
    expect(play(game(thresholdPassLogE, p0), ALPHA).bestStop).toBeLessThanOrEqual(1 + SLACK);
    expect(play(game(thresholdPassLogE, Math.min(1, 1.2 * p0)), ALPHA).bestStop).toBeLessThanOrEqual(1 + SLACK);
  });

  it.each<[Direction, number]>([
    ['above', 0.48],
    ['below', 0.48],
    ['above', 0.6],
    ['below', 0.42],
  ])('bets on a bounded mean, %s, for two-point values with a mean within the null', (direction, limit) => {
    // 0.2 or 0.9, with a mean of 0.48.
    const values: readonly Chance<number>[] = [
      [0.6, 0.2],
      [0.4, 0.9],
    ];
    expectValid({
      start: [] as readonly number[],
      looks: 11,
      outcomes: () => values,
      update: (wealth, value) => updateMeanBet(wealth, { value, limit, direction }),
      logE: meanBetLogE,
    });
  });

  it.each<[HarmSide, number]>([
    ['higher', 1],
    ['higher', 0.8],
    ['lower', 1],
    ['lower', 1.2],
  ])('counts against a limit, %s is harm, at %d times the limit; and the pass side opposite', (harm, ratio) => {
    const game = (logE: typeof poissonLogE, side: HarmSide) => ({
      start: { x: 0, mu0: 0 },
      looks: 3,
      outcomes: () => poisson(1.5 * ratio, 40),
      update: ({ x, mu0 }: { x: number; mu0: number }, events: number) => ({ x: x + events, mu0: mu0 + 1.5 }),
      logE: ({ x, mu0 }: { x: number; mu0: number }) => logE(x, mu0, side),
    });
    expectValid(game(poissonLogE, harm));
    expectValid(game(poissonPassLogE, harm === 'higher' ? 'lower' : 'higher'));
  });
});

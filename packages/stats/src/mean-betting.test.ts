import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Chance } from './enumeration.contract.ts';
import { expectation } from './enumeration.contract.ts';
import type { Direction } from './mean.ts';
import { BET_FRACTIONS, BET_WEIGHTS, meanBetLogE, updateMeanBet } from './mean-betting.ts';
import { thresholdLogE } from './threshold.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const after = (values: readonly number[], limit: number, direction: Direction) =>
  meanBetLogE(
    values.reduce<readonly number[]>((wealth, value) => updateMeanBet(wealth, { value, limit, direction }), []),
  );

describe('bets on a bounded mean', () => {
  it('hold twelve stakes from 0.005 to 0.95 in equal parts', () => {
    expect(BET_FRACTIONS).toHaveLength(12);
    expect(BET_FRACTIONS[0]).toBe(0.005);
    expect(BET_FRACTIONS[11]).toBeCloseTo(0.95, 14);
    expect(BET_WEIGHTS.reduce((a, b) => a + b)).toBeCloseTo(1, 14);
  });

  it('have an expected e-value of at most 1 for any two values whose mean keeps to the null', () => {
    const inside = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, inside, (a, b, q, slack) => {
        const mean = q * a + (1 - q) * b;
        const values: readonly Chance<number>[] = [
          [q, a],
          [1 - q, b],
        ];
        const game = (limit: number, direction: Direction) =>
          expectation(values, (value) => Math.exp(after([value], limit, direction)));
        expect(game(mean + (1 - mean) * slack, 'above')).toBeLessThanOrEqual(1 + 1e-9);
        expect(game(mean * slack, 'below')).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it('do not depend on the order of values, and take repeated ones at once', () => {
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 20 }), (values) => {
        const forward = after(values, 0.7, 'below');
        expect(after(values.toReversed(), 0.7, 'below')).toBeCloseTo(forward, 9);
      }),
    );
    const thrice = updateMeanBet([], { value: 0.3, count: 3, limit: 0.7, direction: 'below' });
    expect(meanBetLogE(thrice)).toBeCloseTo(after([0.3, 0.3, 0.3], 0.7, 'below'), 12);
  });

  it('find a mean beyond the limit on the side they look at', () => {
    const values = Array.from({ length: 200 }, (_, k) => 0.6 + 0.2 * (k % 2));
    expect(after(values, 0.85, 'below')).toBeGreaterThan(Math.log(20));
    expect(after(values, 0.55, 'above')).toBeGreaterThan(Math.log(20));
    expect(after(values, 0.85, 'above')).toBeLessThan(0);
  });

  it('cut values off at 0 and 1', () => {
    expect(after([7, -2], 0.5, 'above')).toBe(after([1, 0], 0.5, 'above'));
  });

  it('lose evidence when only the sum of values is known, and stay valid', () => {
    const values = Array.from({ length: 300 }, (_, k) => 0.3 + 0.1 * (k % 3));
    const sum = values.reduce((a, b) => a + b);
    expect(thresholdLogE(sum, values.length, 0.3)).toBeGreaterThan(Math.log(20));
    expect(thresholdLogE(sum, values.length, 0.3)).toBeLessThan(after(values, 0.3, 'above'));
  });

  it('stay finite for no values, only extreme ones, limits of 0 and 1 and huge counts', () => {
    expect(meanBetLogE([])).toBeCloseTo(0, 14);
    for (const limit of [0, 1e-9, 0.5, 1]) {
      for (const direction of ['above', 'below'] as const) {
        for (const value of [0, limit, 1]) {
          const wealth = updateMeanBet([], { value, count: 1e12, limit, direction });
          expect(Number.isFinite(meanBetLogE(wealth))).toBe(true);
        }
      }
    }
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logGamma } from './special.ts';
import { proportionInterval, thresholdLogE, thresholdPassLogE, truncatedBetaLogE } from './threshold.ts';

function expectation(logE: (x: number) => number, n: number, p: number) {
  let sum = 0;
  for (let x = 0; x <= n; x += 1) {
    const ways = logGamma(n + 1) - logGamma(x + 1) - logGamma(n - x + 1);
    sum += Math.exp(ways + logE(x)) * p ** x * (1 - p) ** (n - x);
  }
  return sum;
}

const size = fc.integer({ min: 0, max: 30 });
const limit = fc.double({ min: 0.001, max: 0.95, noNaN: true });
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

describe('the share against a limit', () => {
  it('has an expected e-value of at most 1 whenever the share is within the limit', () => {
    fc.assert(
      fc.property(size, limit, fraction, (n, p0, f) => {
        expect(expectation((x) => thresholdLogE(x, n, p0), n, p0 * f)).toBeLessThanOrEqual(1 + 1e-11);
        expect(expectation((x) => truncatedBetaLogE(x, n, p0, 0.5, 2), n, p0 * f)).toBeLessThanOrEqual(1 + 1e-11);
      }),
    );
  });

  it('has an expected e-value of exactly 1 at the limit', () => {
    expect(expectation((x) => thresholdLogE(x, 25, 0.1), 25, 0.1)).toBeCloseTo(1, 11);
    expect(expectation((x) => thresholdPassLogE(x, 25, 0.1), 25, 0.1)).toBeCloseTo(1, 11);
    expect(expectation((x) => truncatedBetaLogE(x, 25, 0.1, 2, 5), 25, 0.1)).toBeCloseTo(1, 11);
  });

  it('has an expected pass e-value of at most 1 whenever the share is at the limit or beyond', () => {
    fc.assert(
      fc.property(size, limit, fraction, (n, p0, f) => {
        const p = p0 + (1 - p0) * f;
        expect(expectation((x) => thresholdPassLogE(x, n, p0), n, p)).toBeLessThanOrEqual(1 + 1e-11);
      }),
    );
  });

  it('bets on 1/1.25, 1/1.5, 1/2 and 1/4 of the limit to pass', () => {
    const bets = [0.8, 1 / 1.5, 0.5, 0.25].map((f) => f ** 2 * ((1 - 0.01 * f) / 0.99) ** 498);
    expect(Math.exp(thresholdPassLogE(2, 500, 0.01))).toBeCloseTo(bets.reduce((a, b) => a + b) / 4, 10);
  });

  it('stays finite for no events, all events, no observations, and limits of 0 % and 100 %', () => {
    for (const p0 of [0, 1e-9, 0.3, 1]) {
      for (const [x, n] of [
        [0, 0],
        [0, 1e9],
        [1e9, 1e9],
      ] as const) {
        expect(Number.isFinite(thresholdLogE(x, n, p0))).toBe(true);
        expect(Number.isFinite(thresholdPassLogE(x, n, p0))).toBe(true);
      }
    }
    for (const [x, n] of [
      [0, 0],
      [0, 1e6],
      [1e6, 1e6],
    ] as const) {
      expect(Number.isFinite(truncatedBetaLogE(x, n, 0.01, 0.5, 50))).toBe(true);
    }
    expect(thresholdLogE(0, 0, 0.01)).toBeCloseTo(0, 14);
  });

  it('refutes a limit of 0 % after a few events and one of 100 % never', () => {
    expect(thresholdLogE(5, 100, 0)).toBeGreaterThan(Math.log(20));
    expect(thresholdLogE(100, 100, 1)).toBeLessThan(1e-9);
  });

  it('takes tempered counts: dividing them all by a factor divides each log ratio by it', () => {
    const full = thresholdLogE(30, 1000, 0.01);
    const tempered = thresholdLogE(30 / 2.5, 1000 / 2.5, 0.01);
    expect(tempered).toBeGreaterThan(0);
    expect(tempered).toBeLessThan(full);
    expect(thresholdLogE(7.5, 250, 0.01)).toBeGreaterThan(thresholdLogE(7, 250, 0.01));
    expect(thresholdLogE(7.5, 250, 0.01)).toBeLessThan(thresholdLogE(8, 250, 0.01));
  });
});

describe('proportionInterval', () => {
  it('holds the observed share, and is open where the data are at an end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fraction, (n, f) => {
        const x = Math.round(n * f);
        const { low, high } = proportionInterval(x, n, 0.05);
        expect(low).toBeLessThanOrEqual(x / n);
        expect(high).toBeGreaterThanOrEqual(x / n);
        expect(low === 0).toBe(x === 0);
        expect(high === 1).toBe(x === n);
      }),
    );
  });

  it('knows nothing without observations and narrows with them', () => {
    expect(proportionInterval(0, 0, 0.05)).toEqual({ low: 0, high: 1 });
    const few = proportionInterval(5, 50, 0.05);
    const many = proportionInterval(500, 5000, 0.05);
    expect(many.low).toBeGreaterThan(few.low);
    expect(many.high).toBeLessThan(few.high);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poissonLogE, poissonPassLogE, truncatedGammaLogE } from './poisson.ts';
import { logGamma } from './special.ts';

/** Expectation under a Poisson count; the alternatives reach 10 times the mean, hence the long sum. */
function expectation(logE: (x: number) => number, mean: number) {
  let sum = 0;
  for (let x = 0; x <= 400 + 20 * mean; x += 1) sum += Math.exp(x * Math.log(mean) - mean - logGamma(x + 1) + logE(x));
  return sum;
}

const limit = fc.double({ min: 0.01, max: 30, noNaN: true });
const fraction = fc.double({ min: 0.01, max: 1, noNaN: true });

describe('the count against a limit', () => {
  it('has an expected e-value of at most 1 whenever the rate is within the limit', () => {
    fc.assert(
      fc.property(limit, fraction, (mu0, f) => {
        expect(expectation((x) => poissonLogE(x, mu0, 'higher'), mu0 * f)).toBeLessThanOrEqual(1 + 1e-10);
        expect(expectation((x) => poissonLogE(x, mu0, 'lower'), mu0 / f ** 0.5)).toBeLessThanOrEqual(1 + 1e-10);
      }),
      { numRuns: 40 },
    );
  });

  it('has an expected pass e-value of at most 1 at the limit or beyond it', () => {
    expect(expectation((x) => poissonPassLogE(x, 8, 'higher'), 8)).toBeCloseTo(1, 10);
    expect(expectation((x) => poissonPassLogE(x, 8, 'higher'), 12)).toBeLessThan(1);
    expect(expectation((x) => poissonPassLogE(x, 8, 'lower'), 8)).toBeCloseTo(1, 10);
    expect(expectation((x) => poissonPassLogE(x, 8, 'lower'), 5)).toBeLessThan(1);
  });

  it('has an expected e-value of at most 1 with the truncated gamma prior too', () => {
    expect(expectation((x) => truncatedGammaLogE(x, 6, 1, 1), 6)).toBeCloseTo(1, 8);
    expect(expectation((x) => truncatedGammaLogE(x, 6, 1, 1), 3)).toBeLessThan(1);
  });

  it('stays finite without events, without exposure and with very many events', () => {
    for (const [x, mu0] of [
      [0, 0],
      [0, 1e6],
      [1e6, 1],
      [3, 0],
    ] as const) {
      expect(Number.isFinite(poissonLogE(x, mu0, 'higher'))).toBe(true);
      expect(Number.isFinite(poissonLogE(x, mu0, 'lower'))).toBe(true);
      expect(Number.isFinite(truncatedGammaLogE(x, mu0, 1, 1))).toBe(true);
    }
    expect(poissonLogE(0, 0, 'higher')).toBeCloseTo(0, 14);
  });

  it('finds too many, too few and enough', () => {
    const threshold = Math.log(20);
    expect(poissonLogE(40, 10, 'higher')).toBeGreaterThan(threshold);
    expect(poissonLogE(40, 100, 'lower')).toBeGreaterThan(threshold);
    expect(poissonPassLogE(2, 20, 'higher')).toBeGreaterThan(threshold);
    expect(poissonLogE(11, 10, 'higher')).toBeLessThan(threshold);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  betaQuantile,
  clopperPearsonLower,
  clopperPearsonUpper,
  logLowerIncompleteBeta,
  logUpperIncompleteBeta,
} from './incomplete-beta.ts';
import { logBeta, logGamma, logSumExp } from './special.ts';

const shape = fc.double({ min: 0.3, max: 5000, noNaN: true });
const share = fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true });

/** Chance of at least x successes in n. */
function binomialTail(x: number, n: number, p: number) {
  const terms = Array.from({ length: n - x + 1 }, (_, j) => {
    const k = x + j;
    const ways = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
    return ways + k * Math.log(p) + (n - k) * Math.log1p(-p);
  });
  return logSumExp(terms);
}

describe('the incomplete beta integrals', () => {
  it('are binomial tails for whole arguments', () => {
    for (const [x, n, p] of [
      [3, 10, 0.1],
      [3, 10, 0.9],
      [40, 50, 0.02],
    ] as const) {
      const regularised = logLowerIncompleteBeta(x, n - x + 1, p) - logBeta(x, n - x + 1);
      expect(regularised).toBeCloseTo(binomialTail(x, n, p), 10);
    }
  });

  it('add up to the whole', () => {
    fc.assert(
      fc.property(shape, shape, share, (a, b, x) => {
        const whole = logSumExp([logLowerIncompleteBeta(a, b, x), logUpperIncompleteBeta(a, b, x)]);
        expect(Math.abs(whole - logBeta(a, b))).toBeLessThan(1e-12 * Math.max(1, Math.abs(whole)));
      }),
    );
  });

  it('mirror each other', () => {
    fc.assert(
      fc.property(shape, shape, fc.integer({ min: 1, max: 1023 }), (a, b, k) => {
        const x = k / 1024;
        const lower = logLowerIncompleteBeta(a, b, x);
        expect(Math.abs(logUpperIncompleteBeta(b, a, 1 - x) - lower)).toBeLessThan(
          1e-12 * Math.max(1, Math.abs(lower)),
        );
      }),
    );
  });

  it('are all or nothing at the ends', () => {
    expect(logLowerIncompleteBeta(2, 3, 0)).toBe(Number.NEGATIVE_INFINITY);
    expect(logUpperIncompleteBeta(2, 3, 1)).toBe(Number.NEGATIVE_INFINITY);
    expect(logLowerIncompleteBeta(2, 3, 1)).toBeCloseTo(Math.log(1 / 12), 13);
    expect(logUpperIncompleteBeta(2, 3, 0)).toBeCloseTo(Math.log(1 / 12), 13);
  });

  it('survive the far tail of a million observations', () => {
    const tail = logUpperIncompleteBeta(10.5, 1e6 + 0.5, 0.5);
    expect(tail).toBeGreaterThan(-700_000);
    expect(tail).toBeLessThan(-690_000);
  });
});

describe('betaQuantile', () => {
  it('inverts the distribution', () => {
    // Below shape 1 the density is infinite at the ends, and doubles are too coarse there.
    const bounded = fc.double({ min: 1, max: 5000, noNaN: true });
    fc.assert(
      fc.property(bounded, bounded, fc.double({ min: 1e-4, max: 1 - 1e-4, noNaN: true }), (a, b, probability) => {
        const x = betaQuantile(probability, a, b);
        const back = Math.exp(logLowerIncompleteBeta(a, b, x) - logBeta(a, b));
        expect(back).toBeCloseTo(probability, 8);
      }),
    );
  });
});

describe('the Clopper-Pearson bounds', () => {
  it('leave exactly the level in the tail', () => {
    expect(binomialTail(7, 100, clopperPearsonLower(7, 100, 0.01))).toBeCloseTo(Math.log(0.01), 9);
    const upper = clopperPearsonUpper(7, 100, 0.01);
    expect(Math.log1p(-Math.exp(binomialTail(8, 100, upper)))).toBeCloseTo(Math.log(0.01), 9);
  });

  it('reach the ends of the range when the data do', () => {
    expect(clopperPearsonLower(0, 100, 0.05)).toBe(0);
    expect(clopperPearsonUpper(100, 100, 0.05)).toBe(1);
    expect(clopperPearsonUpper(0, 0, 0.05)).toBe(1);
    expect(clopperPearsonUpper(0, 59, 0.05)).toBeCloseTo(1 - 0.05 ** (1 / 59), 12);
  });
});

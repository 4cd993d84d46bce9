import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logBeta, logDifference, logGamma, logSumExp, logUpperIncompleteGamma } from './special.ts';

const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true });

describe('logSumExp', () => {
  it('adds in log space without overflow or underflow', () => {
    expect(logSumExp([1e5, 1e5])).toBeCloseTo(1e5 + Math.LN2, 9);
    expect(logSumExp([-1e5, -1e5])).toBeCloseTo(-1e5 + Math.LN2, 9);
  });

  it('gives nothing for nothing', () => {
    expect(logSumExp([])).toBe(Number.NEGATIVE_INFINITY);
    expect(logSumExp([Number.NEGATIVE_INFINITY])).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('logDifference', () => {
  it.each([
    [5, 2],
    [5, 4.9],
    [5, -300],
  ])('takes e^%d less e^%d', (total, part) => {
    expect(logDifference(total, part)).toBeCloseTo(Math.log(Math.exp(total) - Math.exp(part)), 10);
  });
});

describe('logGamma', () => {
  it('is the log of a factorial', () => {
    expect(logGamma(1)).toBeCloseTo(0, 13);
    expect(logGamma(11)).toBeCloseTo(Math.log(3628800), 12);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 13);
  });

  it('grows by ln x from x to x + 1', () => {
    fc.assert(
      fc.property(positive, (x) => {
        const gap = logGamma(x + 1) - logGamma(x) - Math.log(x);
        expect(Math.abs(gap)).toBeLessThan(1e-13 * Math.max(10, Math.abs(logGamma(x))));
      }),
    );
  });
});

describe('logBeta', () => {
  it.each([
    [2, 3, Math.log(1 / 12)],
    [30, 30, logGamma(30) * 2 - logGamma(60)],
    [0.5, 20, logGamma(0.5) + logGamma(20) - logGamma(20.5)],
  ])('of (%d, %d)', (a, b, expected) => {
    expect(logBeta(a, b)).toBeCloseTo(expected, 11);
    expect(logBeta(b, a)).toBeCloseTo(expected, 11);
  });

  it('obeys B(a, b) = B(a + 1, b) + B(a, b + 1) at any size', () => {
    fc.assert(
      fc.property(positive, positive, (a, b) => {
        const whole = logBeta(a, b);
        const parts = logSumExp([logBeta(a + 1, b), logBeta(a, b + 1)]);
        expect(Math.abs(parts - whole)).toBeLessThan(1e-13 * Math.max(10, Math.abs(whole)));
      }),
    );
  });
});

describe('logUpperIncompleteGamma', () => {
  it('is e^-x for shape 1', () => {
    for (const x of [0, 0.1, 1.9, 2.1, 30, 800]) expect(logUpperIncompleteGamma(1, x)).toBeCloseTo(-x, 10);
  });

  it('obeys its recurrence from shape s to s + 1 on both sides of the mean', () => {
    const shape = fc.double({ min: 0.1, max: 500, noNaN: true });
    const scale = fc.double({ min: 0.05, max: 5, noNaN: true });
    fc.assert(
      fc.property(shape, scale, (s, factor) => {
        const x = s * factor;
        const next = logSumExp([Math.log(s) + logUpperIncompleteGamma(s, x), s * Math.log(x) - x]);
        const gap = logUpperIncompleteGamma(s + 1, x) - next;
        expect(Math.abs(gap)).toBeLessThan(1e-11 * Math.max(1, Math.abs(next)));
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestTau, criticalDelta, meanInterval, oneSidedMeanLogE, twoSidedMeanLogE } from './mean.ts';

const scale = fc.double({ min: 0.01, max: 10, noNaN: true });

/** Expectation of an e-value over a standard normal z, by the trapezoid rule. */
function expectation(logE: (z: number) => number, shift = 0) {
  const step = 0.01;
  let sum = 0;
  for (let z = -15; z <= 15; z += step) {
    sum += Math.exp(-((z - shift) ** 2) / 2 - 0.5 * Math.log(2 * Math.PI) + logE(z)) * step;
  }
  return sum;
}

describe('the one-sided mean test', () => {
  it('has an expected e-value of 1 at the null and less within it', () => {
    const logE = (tau: number) => (z: number) => oneSidedMeanLogE({ delta: z, se: 1, tau });
    for (const tau of [0.2, 1, 2]) {
      expect(expectation(logE(tau))).toBeCloseTo(1, 6);
      expect(expectation(logE(tau), -0.7)).toBeLessThan(1);
    }
  });

  it('mirrors with the direction', () => {
    const above = oneSidedMeanLogE({ delta: 0.4, se: 0.1, tau: 0.3, nullDelta: 0.1 });
    const below = oneSidedMeanLogE({ delta: -0.4, se: 0.1, tau: 0.3, nullDelta: -0.1, direction: 'below' });
    expect(below).toBe(above);
    expect(above).toBeGreaterThan(0);
  });

  it('depends on the units of the metric in no way', () => {
    fc.assert(
      fc.property(fc.double({ min: -5, max: 5, noNaN: true }), scale, scale, (delta, tau, unit) => {
        const plain = oneSidedMeanLogE({ delta, se: 1, tau });
        const scaled = oneSidedMeanLogE({ delta: delta * unit, se: unit, tau: tau * unit });
        expect(scaled).toBeCloseTo(plain, 8);
      }),
    );
  });

  it('stays finite and honest at extremes', () => {
    expect(oneSidedMeanLogE({ delta: 3, se: 0, tau: 1 })).toBe(0);
    expect(oneSidedMeanLogE({ delta: 3, se: Number.POSITIVE_INFINITY, tau: 1 })).toBeCloseTo(0, 14);
    const hopeless = oneSidedMeanLogE({ delta: -1, se: 1e-10, tau: 1 });
    expect(hopeless).toBeLessThan(-40);
    expect(Number.isFinite(hopeless)).toBe(true);
  });
});

describe('the two-sided mean test and its interval', () => {
  it('refutes 0 exactly when the interval leaves it out', () => {
    fc.assert(
      fc.property(fc.double({ min: -6, max: 6, noNaN: true }), scale, (delta, tau) => {
        const logE = twoSidedMeanLogE({ delta, se: 1, tau });
        fc.pre(Math.abs(logE - Math.log(20)) > 1e-9);
        const { low, high } = meanInterval({ delta, se: 1, tau, alpha: 0.05 });
        expect(low > 0 || high < 0).toBe(logE > Math.log(20));
      }),
    );
  });

  it('has an expected e-value of 1 at 0', () => {
    expect(expectation((z) => twoSidedMeanLogE({ delta: z, se: 1, tau: 0.8 }))).toBeCloseTo(1, 6);
  });

  it('has no width and no evidence without variation', () => {
    expect(meanInterval({ delta: 2, se: 0, tau: 1, alpha: 0.05 })).toEqual({ low: 2, high: 2 });
    expect(twoSidedMeanLogE({ delta: 2, se: 0, tau: 1 })).toBe(0);
  });

  it('is narrowest near the best tau', () => {
    const width = (tau: number) => meanInterval({ delta: 0, se: 0.1, tau, alpha: 0.05 }).high;
    const tau = bestTau({ se: 0.1, alpha: 0.05 });
    expect(width(tau)).toBeLessThan(width(tau * 1.5));
    expect(width(tau)).toBeLessThan(width(tau / 1.5));
  });
});

describe('criticalDelta', () => {
  it('is where the test just refutes', () => {
    fc.assert(
      fc.property(scale, scale, fc.double({ min: 0.001, max: 0.2, noNaN: true }), (se, tau, alpha) => {
        const delta = criticalDelta({ se, tau, alpha });
        expect(oneSidedMeanLogE({ delta, se, tau })).toBeCloseTo(Math.log(1 / alpha), 8);
      }),
    );
  });
});

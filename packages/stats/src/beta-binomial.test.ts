import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaBinomialLogE } from './beta-binomial.ts';
import { binomial, expectation } from './enumeration.contract.ts';

describe('the beta-binomial mixture', () => {
  it('has an expected e-value of 1 at the limit and at most 1 below it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 25 }),
        fc.double({ min: 0.005, max: 0.995, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(20, 2000),
        (n, p0, part, planned) => {
          const at = (p: number) =>
            expectation(binomial(n, p), (x) => Math.exp(betaBinomialLogE(x, n, p0, { planned })));
          expect(at(p0)).toBeCloseTo(1, 9);
          expect(at(p0 * part)).toBeLessThanOrEqual(1 + 1e-9);
        },
      ),
    );
  });

  it('stays finite for no events, all events, no observations and huge counts', () => {
    for (const [x, n] of [
      [0, 0],
      [0, 1e12],
      [1e10, 1e12],
      [1e12, 1e12],
    ] as const) {
      expect(Number.isFinite(betaBinomialLogE(x, n, 0.01, { planned: 2000 }))).toBe(true);
      expect(Number.isFinite(betaBinomialLogE(x, n, 0.99, { planned: 2000, alpha: 0.01 }))).toBe(true);
    }
  });
});

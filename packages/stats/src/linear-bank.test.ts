import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bankAtLeast,
  bankAtMost,
  bankLogE,
  FAIL_LOG_WEIGHTS,
  PASS_LOG_WEIGHTS,
  poissonBank,
  thresholdBank,
} from './linear-bank.ts';
import { poissonLogE } from './poisson.ts';
import { EQUAL_WEIGHTS, passGrid } from './rate-ratio.ts';
import { thresholdLogE, thresholdPassLogE } from './threshold.ts';

const count = fc.double({ min: 0, max: 1e6, noNaN: true });
const limit = fc.double({ min: 0, max: 1, noNaN: true });
const side = fc.constantFrom('above' as const, 'below' as const);

function expectSame(actual: number, expected: number) {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
}

describe('a grid laid out for many looks', () => {
  it('gives the evidence of a share against a limit, fail and pass', () => {
    fc.assert(
      fc.property(count, count, limit, (x, rest, p0) => {
        expectSame(bankLogE(thresholdBank(p0, 'above'), x, rest), thresholdLogE(x, x + rest, p0));
        expectSame(bankLogE(thresholdBank(p0, 'below'), x, rest), thresholdPassLogE(x, x + rest, p0));
      }),
    );
  });

  it('gives the evidence of a count against its limit', () => {
    fc.assert(
      fc.property(count, count, (x, mu0) => {
        expectSame(bankLogE(poissonBank('above'), x, mu0), poissonLogE(x, mu0, 'higher'));
        expectSame(bankLogE(poissonBank('below'), x, mu0), poissonLogE(x, mu0, 'lower'));
      }),
    );
  });

  it('is bounded from above without logarithms, also when both sums are divided', () => {
    const divisor = fc.double({ min: 1, max: 50, noNaN: true });
    fc.assert(
      fc.property(count, count, limit, side, divisor, (a, b, p0, direction, by) => {
        for (const bank of [thresholdBank(p0, direction), poissonBank(direction)]) {
          const bound = bankAtMost(bank, a, b);
          expect(bound).toBeGreaterThanOrEqual(0);
          expect(bankLogE(bank, a / by, b / by)).toBeLessThanOrEqual(bound * (1 + 1e-12) + 1e-9);
        }
      }),
    );
  });

  it('is bounded from below by its largest term, also when both sums are divided by less', () => {
    const divisor = fc.double({ min: 1, max: 50, noNaN: true });
    fc.assert(
      fc.property(count, count, limit, side, divisor, (a, b, p0, direction, by) => {
        for (const bank of [thresholdBank(p0, direction), poissonBank(direction)]) {
          const bound = bankAtLeast(bank, a / by, b / by);
          expect(bound).toBeLessThanOrEqual(bankLogE(bank, a / by, b / by) + 1e-9);
          if (bound >= 0) expect(bound).toBeLessThanOrEqual(bankLogE(bank, a, b) * (1 + 1e-12) + 1e-9);
        }
      }),
    );
  });

  it('knows nothing without data', () => {
    expect(bankLogE(thresholdBank(0.01, 'above'), 0, 0)).toBeCloseTo(0, 14);
    expect(bankAtMost(poissonBank('below'), 0, 0)).toBe(0);
  });

  it('has the logarithms of the weights of both grids', () => {
    expect(FAIL_LOG_WEIGHTS.map(Math.exp)).toEqual(EQUAL_WEIGHTS.map((weight) => expect.closeTo(weight, 14)));
    expect(PASS_LOG_WEIGHTS.map(Math.exp)).toEqual(passGrid(3).weights.map((weight) => expect.closeTo(weight, 14)));
  });
});

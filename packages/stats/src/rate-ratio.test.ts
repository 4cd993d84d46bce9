import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EQUAL_WEIGHTS, mixtureLogE, passGrid, RATIO_GRID, type TwoArmCounts, updateRateRatio } from './rate-ratio.ts';
import { logGamma } from './special.ts';

const arm = fc.integer({ min: 1, max: 100_000 });
const batch = fc
  .record({
    nT: arm,
    nC: arm,
    shareT: fc.double({ min: 0, max: 1, noNaN: true }),
    shareC: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ nT, nC, shareT, shareC }) => ({ xT: Math.floor(nT * shareT), nT, xC: Math.floor(nC * shareC), nC }));

function failLogE(batches: readonly TwoArmCounts[], nullRatio = 1) {
  const llr = batches.reduce<readonly number[]>((sum, b) => updateRateRatio(sum, b, nullRatio, RATIO_GRID), []);
  return mixtureLogE(llr, EQUAL_WEIGHTS);
}

function passLogE(b: TwoArmCounts, margin: number) {
  const { ratios, weights } = passGrid(margin);
  return mixtureLogE(updateRateRatio([], b, margin, ratios), weights);
}

function binomial(x: number, n: number, p: number) {
  const ways = logGamma(n + 1) - logGamma(x + 1) - logGamma(n - x + 1);
  return Math.exp(ways) * p ** x * (1 - p) ** (n - x);
}

/** Exact expectation of an e-value over two Bernoulli samples. */
function expectation(logE: (b: TwoArmCounts) => number, nT: number, nC: number, pT: number, pC: number) {
  let sum = 0;
  for (let xT = 0; xT <= nT; xT += 1) {
    for (let xC = 0; xC <= nC; xC += 1) {
      sum += binomial(xT, nT, pT) * binomial(xC, nC, pC) * Math.exp(logE({ xT, nT, xC, nC }));
    }
  }
  return sum;
}

const small = fc.integer({ min: 1, max: 7 });
const rate = fc.double({ min: 0.001, max: 0.6, noNaN: true });
const better = fc.double({ min: 0, max: 1, noNaN: true });

describe('the rate ratio test', () => {
  it('has an expected e-value of at most 1 whenever the ratio is within the null', () => {
    fc.assert(
      fc.property(small, small, rate, better, fc.constantFrom(0.8, 1, 1.2), (nT, nC, pC, factor, r0) => {
        const pT = Math.min(1, pC * r0) * factor;
        expect(expectation((b) => failLogE([b], r0), nT, nC, pT, pC)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  it('has an expected pass e-value of at most 1 whenever the ratio is at the margin or worse', () => {
    fc.assert(
      fc.property(small, small, rate, fc.constantFrom(1, 1.1, 1.5, 2), (nT, nC, pC, margin) => {
        fc.pre(pC * margin < 0.99);
        for (const worse of [1, 1.3, 0.99 / (pC * margin)]) {
          const pT = Math.min(0.99, pC * margin * Math.max(1, worse));
          expect(expectation((b) => passLogE(b, margin), nT, nC, pT, pC)).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
    );
  });

  it('has an expected pass e-value of at most 1 for a drop beyond a margin below 1', () => {
    fc.assert(
      fc.property(small, small, rate, fc.constantFrom(0.5, 0.9, 0.98), better, (nT, nC, pC, margin, factor) => {
        expect(expectation((b) => passLogE(b, margin), nT, nC, pC * margin * factor, pC)).toBeLessThanOrEqual(
          1 + 1e-12,
        );
      }),
    );
  });

  it('does not depend on the order of batches', () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 8 }), (batches) => {
        const forward = failLogE(batches);
        expect(Math.abs(failLogE(batches.toReversed()) - forward)).toBeLessThan(1e-10 * Math.max(1, Math.abs(forward)));
      }),
    );
  });

  it('does not change when a batch is split in equal proportions', () => {
    fc.assert(
      fc.property(batch, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (whole, part) => {
        const scaled = (f: number) => ({ xT: whole.xT * f, nT: whole.nT * f, xC: whole.xC * f, nC: whole.nC * f });
        const once = failLogE([whole]);
        const twice = failLogE([scaled(part), scaled(1 - part)]);
        expect(Math.abs(twice - once)).toBeLessThan(1e-9 * Math.max(1, Math.abs(once)));
      }),
    );
  });

  it('stays finite for no events, all events and no exposures', () => {
    for (const b of [
      { xT: 0, nT: 10, xC: 0, nC: 10 },
      { xT: 1e7, nT: 1e7, xC: 1e9, nC: 1e9 },
      { xT: 1e7, nT: 1e7, xC: 0, nC: 1e9 },
      { xT: 0, nT: 1e7, xC: 1e9, nC: 1e9 },
    ]) {
      expect(Number.isFinite(failLogE([b]))).toBe(true);
      expect(Number.isFinite(passLogE(b, 1.5))).toBe(true);
    }
    expect(failLogE([])).toBeCloseTo(0, 14);
  });

  it('leaves out a batch with an empty arm', () => {
    const seen = [1, 2, 3, 4, 5, 6];
    expect(updateRateRatio(seen, { xT: 3, nT: 10, xC: 0, nC: 0 }, 1, RATIO_GRID)).toBe(seen);
    expect(updateRateRatio(seen, { xT: 0, nT: 0, xC: 4, nC: 10 }, 1, RATIO_GRID)).toBe(seen);
  });

  it('fails a clear rise, passes a clear no-effect and does neither without evidence', () => {
    const threshold = Math.log(20);
    expect(failLogE([{ xT: 40, nT: 10_000, xC: 200, nC: 100_000 }])).toBeGreaterThan(threshold);
    expect(passLogE({ xT: 60, nT: 60_000, xC: 1000, nC: 1_000_000 }, 1.5)).toBeGreaterThan(threshold);
    const early = { xT: 2, nT: 1000, xC: 10, nC: 10_000 };
    expect(failLogE([early])).toBeLessThan(threshold);
    expect(passLogE(early, 1.5)).toBeLessThan(threshold);
  });
});

describe('passGrid', () => {
  it('puts half its weight on no effect and mirrors for a margin below 1', () => {
    const { ratios, weights } = passGrid(1.5);
    expect(ratios[1]! * 1.5).toBeCloseTo(1, 14);
    expect(weights[1]).toBe(0.5);
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 14);
    expect(passGrid(1 / 1.5).ratios.map((r) => 1 / r)).toEqual(ratios.map((r) => expect.closeTo(r, 12)));
  });
});

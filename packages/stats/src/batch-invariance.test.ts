import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poissonLogE, poissonPassLogE, truncatedGammaLogE } from './poisson.ts';
import { EQUAL_WEIGHTS, mixtureLogE, passGrid, RATIO_GRID, type TwoArmCounts, updateRateRatio } from './rate-ratio.ts';
import {
  type ArmCounts,
  deficitLogE,
  dirichletMultinomialLogE,
  sampleRatioLogE,
  updateDeficit,
  updateSampleRatio,
} from './sample-ratio.ts';
import { thresholdLogE, thresholdPassLogE, truncatedBetaLogE } from './threshold.ts';

type Llr = readonly number[];
const count = fc.integer({ min: 0, max: 100_000 });
const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });

/** Equal but for rounding, which grows with the numbers added up. */
function expectSame(a: number, b: number, scale = 1) {
  expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-11 * Math.max(1, Math.abs(a), scale));
}

describe('evidence of users in two arms', () => {
  const batch = fc.record({ treatment: count, control: count, treatmentShare: share });
  const methods: readonly (readonly [string, (batches: readonly ArmCounts[]) => number])[] = [
    ['either way', (batches) => sampleRatioLogE(batches.reduce<Llr>(updateSampleRatio, []))],
    ['as a deficit', (batches) => deficitLogE(batches.reduce<Llr>(updateDeficit, []))],
  ];

  it.each(methods)('does not depend on the order of batches (%s)', (_, logE) => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 8 }), (batches) => {
        expectSame(logE(batches.toReversed()), logE(batches), 1e6);
      }),
    );
  });

  it.each(methods)('does not depend on how users with the same share are batched (%s)', (_, logE) => {
    fc.assert(
      fc.property(batch, batch, (one, two) => {
        const { treatmentShare } = one;
        const whole = { treatment: one.treatment + two.treatment, control: one.control + two.control, treatmentShare };
        expectSame(logE([one, { ...two, treatmentShare }]), logE([whole]), 1e6);
      }),
    );
  });
});

describe('evidence of two rates on the pass side', () => {
  const { ratios, weights } = passGrid(1.5);
  const logE = (batches: readonly TwoArmCounts[]) =>
    mixtureLogE(
      batches.reduce<Llr>((llr, b) => updateRateRatio(llr, b, 1.5, ratios), []),
      weights,
    );

  it('does not depend on how batches with the same split are put together', () => {
    fc.assert(
      fc.property(count, count, count, count, count, share, (xT, xC, moreT, moreC, n, part) => {
        const [nT, nC] = [n + 1, 3 * (n + 1)];
        const one = { xT, nT: part * nT, xC, nC: part * nC };
        const two = { xT: moreT, nT: (1 - part) * nT, xC: moreC, nC: (1 - part) * nC };
        expectSame(logE([one, two]), logE([{ xT: xT + moreT, nT, xC: xC + moreC, nC }]), 1e6);
      }),
    );
  });
});

describe('evidence with a million million observations', () => {
  const MANY = 1e12;
  const counts = [
    [0, 0],
    [MANY, 0],
    [0, MANY],
    [MANY, MANY],
    [1e9, 1.001e9],
  ] as const;
  const { ratios, weights } = passGrid(1.5);

  it.each(counts)('is finite for two rates with %d and %d events', (xT, xC) => {
    const batch = { xT, nT: MANY, xC, nC: MANY };
    expect(Number.isFinite(mixtureLogE(updateRateRatio([], batch, 1, RATIO_GRID), EQUAL_WEIGHTS))).toBe(true);
    expect(Number.isFinite(mixtureLogE(updateRateRatio([], batch, 1.5, ratios), weights))).toBe(true);
  });

  it.each(counts)('is finite for arms with %d and %d users', (treatment, control) => {
    for (const treatmentShare of [0.000005, 0.5, 0.999]) {
      const batch = { treatment, control, treatmentShare };
      expect(Number.isFinite(sampleRatioLogE(updateSampleRatio([], batch)))).toBe(true);
      expect(Number.isFinite(deficitLogE(updateDeficit([], batch)))).toBe(true);
      const theta = [treatmentShare, 1 - treatmentShare];
      expect(Number.isFinite(dirichletMultinomialLogE([treatment, control], theta))).toBe(true);
    }
  });

  it.each(counts)('is finite for a share or count of %d against a limit', (x) => {
    for (const p0 of [1e-6, 0.01, 0.5]) {
      expect(Number.isFinite(thresholdLogE(x, MANY, p0))).toBe(true);
      expect(Number.isFinite(thresholdPassLogE(x, MANY, p0))).toBe(true);
      expect(Number.isFinite(truncatedBetaLogE(x, MANY, p0, 0.5, 0.5 / p0))).toBe(true);
      expect(Number.isFinite(poissonLogE(x, MANY * p0, 'higher'))).toBe(true);
      expect(Number.isFinite(poissonPassLogE(x, MANY * p0, 'higher'))).toBe(true);
      expect(Number.isFinite(truncatedGammaLogE(x, MANY * p0, 1, 1))).toBe(true);
    }
  });
});

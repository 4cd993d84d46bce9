import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bonferroniThreshold, closedTestingBlame, weightedAverageLogE } from './family.ts';

const logE = fc.double({ min: -20, max: 20, noNaN: true });

/** Closed testing by trying every group. */
function blameByEnumeration(logEs: readonly number[], alpha: number) {
  return logEs.map((_, j) => {
    for (let mask = 1; mask < 2 ** logEs.length; mask += 1) {
      if (((mask >> j) & 1) === 0) continue;
      const group = logEs.filter((__, k) => ((mask >> k) & 1) === 1);
      if (group.reduce((sum, value) => sum + Math.exp(value), 0) / group.length < 1 / alpha) return false;
    }
    return true;
  });
}

describe('a family of checks', () => {
  it('asks more of a check with a smaller weight', () => {
    expect(bonferroniThreshold(1, 0.05)).toBeCloseTo(Math.log(20), 12);
    expect(bonferroniThreshold(0.1, 0.05)).toBeCloseTo(Math.log(200), 12);
  });

  it('averages at least as strongly as Bonferroni', () => {
    fc.assert(
      fc.property(fc.array(logE, { minLength: 1, maxLength: 8 }), (logEs) => {
        const weights = logEs.map(() => 1 / logEs.length);
        const best = Math.max(...logEs) + Math.log(1 / logEs.length);
        expect(weightedAverageLogE(weights, logEs)).toBeGreaterThanOrEqual(best - 1e-12);
      }),
    );
  });

  it('averages huge values in log space', () => {
    expect(weightedAverageLogE([0.5, 0.5], [1e5, -1e4])).toBeCloseTo(1e5 - Math.LN2, 8);
  });

  it('blames exactly the checks that closed testing over every group blames', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -2, max: 9, noNaN: true }), { minLength: 1, maxLength: 6 }), (logEs) => {
        expect(closedTestingBlame(logEs, 0.05)).toEqual(blameByEnumeration(logEs, 0.05));
      }),
    );
  });

  it('blames nobody in an empty family', () => {
    expect(closedTestingBlame([], 0.05)).toEqual([]);
  });
});

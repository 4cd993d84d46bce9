import { describe, expect, it } from 'vitest';
import { concurrentPassExposures, passExposures } from './pass-exposures.ts';
import { mixtureLogE, passGrid, updateRateRatio } from './rate-ratio.ts';
import { thresholdPassLogE } from './threshold.ts';

describe('the exposures a pass is expected to need', () => {
  it('are the first whole number that reaches the evidence', () => {
    const n = passExposures({ p: 0.001, limit: 0.01, beta: 0.05 });
    expect(thresholdPassLogE(0.001 * n, n, 0.01)).toBeGreaterThanOrEqual(Math.log(20));
    expect(thresholdPassLogE(0.001 * (n - 1), n - 1, 0.01)).toBeLessThan(Math.log(20));
  });

  it('grow as the share nears the limit, and are infinite at it', () => {
    const at = (p: number) => passExposures({ p, limit: 0.01, beta: 0.05 });
    expect(at(0)).toBeLessThan(at(0.003));
    expect(at(0.003)).toBeLessThan(at(0.007));
    expect(at(0.01)).toBe(Number.POSITIVE_INFINITY);
    expect(at(0.02)).toBe(Number.POSITIVE_INFINITY);
  });

  it('match the exact means of the reference within a tenth: 3.9, 11.1, 35.9 and 128 baseline errors', () => {
    for (const [margin, errors] of [
      [3, 3.9],
      [2, 11.1],
      [1.5, 35.9],
      [1.25, 128],
    ] as const) {
      const n = concurrentPassExposures({ p: 0.001, margin, controlPerTreatment: 19, beta: 0.05 });
      expect(Math.abs((n * 0.001) / errors - 1)).toBeLessThan(0.12);
    }
  });

  it('count the true ratio and are infinite at the margin', () => {
    const input = { p: 0.01, margin: 1.5, controlPerTreatment: 1, beta: 0.05 };
    expect(concurrentPassExposures({ ...input, ratio: 0.8 })).toBeLessThan(concurrentPassExposures(input));
    expect(concurrentPassExposures({ ...input, ratio: 1.5 })).toBe(Number.POSITIVE_INFINITY);
    const n = concurrentPassExposures({ ...input, ratio: 0.8 });
    const { ratios, weights } = passGrid(1.5);
    const llr = updateRateRatio([], { xT: n * 0.008, nT: n, xC: n * 0.01, nC: n }, 1.5, ratios);
    expect(mixtureLogE(llr, weights)).toBeGreaterThanOrEqual(Math.log(20));
  });

  it('work for a metric where less is worse', () => {
    expect(concurrentPassExposures({ p: 0.04, margin: 0.95, controlPerTreatment: 1, beta: 0.05 })).toBeLessThan(
      200_000,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { concurrentExposureLimit, gaussianLimit, harmLimit, thresholdExposureLimit } from './limits.ts';

describe('the information limits', () => {
  it('give the published excess events: 7.8 for a doubled known rate, 8.3 against a control 19 times as large', () => {
    expect(harmLimit({ ratio: 2, alpha: 0.05 })).toBeCloseTo(7.755, 3);
    const requests = concurrentExposureLimit({ p: 0.001, ratio: 2, controlPerTreatment: 19, alpha: 0.05 });
    expect(requests * 0.001).toBeCloseTo(8.28, 2);
  });

  it('approach the known baseline as the control grows', () => {
    const huge = concurrentExposureLimit({ p: 1e-6, ratio: 2, controlPerTreatment: 1e6, alpha: 0.05 });
    expect(huge * 1e-6).toBeCloseTo(harmLimit({ ratio: 2, alpha: 0.05 }), 3);
  });

  it('ask less of a test that may miss the effect', () => {
    const sure = { p0: 0.01, p1: 0.02, alpha: 0.05 };
    expect(thresholdExposureLimit({ ...sure, beta: 0.2 })).toBeLessThan(thresholdExposureLimit(sure));
    expect(thresholdExposureLimit({ ...sure, beta: 0 })).toBe(thresholdExposureLimit(sure));
  });

  it('quadruple for half the difference of means', () => {
    const input = { delta: 0.1, varianceTreatment: 1, varianceControl: 1, controlPerTreatment: 4, alpha: 0.05 };
    expect(gaussianLimit({ ...input, delta: 0.05 })).toBeCloseTo(4 * gaussianLimit(input), 8);
  });
});

import { describe, expect, it } from 'vitest';
import { rateRatioInterval } from './rate-ratio-interval.ts';

describe('rateRatioInterval', () => {
  it('gives the plain ratio of rates for one batch', () => {
    const { ratio, low, high } = rateRatioInterval([{ xT: 30, nT: 1000, xC: 20, nC: 1000 }], 0.05);
    expect(ratio).toBeCloseTo(1.5, 12);
    expect(low).toBeLessThan(1.5);
    expect(high).toBeGreaterThan(1.5);
  });

  it('is open on the side that a few events do not bound', () => {
    expect(rateRatioInterval([], 0.05)).toEqual({ ratio: undefined, low: 0, high: Number.POSITIVE_INFINITY });
    const none = rateRatioInterval([{ xT: 0, nT: 1000, xC: 50, nC: 1000 }], 0.05);
    expect(none).toEqual({ ratio: 0, low: 0, high: expect.any(Number) });
    expect(none.high).toBeLessThan(0.5);
    const all = rateRatioInterval([{ xT: 50, nT: 1000, xC: 0, nC: 1000 }], 0.05);
    expect(all).toEqual({ ratio: Number.POSITIVE_INFINITY, low: expect.any(Number), high: Number.POSITIVE_INFINITY });
    expect(all.low).toBeGreaterThan(2);
  });

  it('leaves out batches with an empty arm', () => {
    const whole = { xT: 12, nT: 600, xC: 11, nC: 700 };
    const lonely = { xT: 900, nT: 1000, xC: 0, nC: 0 };
    expect(rateRatioInterval([whole, lonely], 0.05)).toEqual(rateRatioInterval([whole], 0.05));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lateOnsetLogE, liveOnsetLogE } from './late-onset.ts';

describe('the late-onset mixture', () => {
  it('is worth 1 while every process is, however many restarts there were', () => {
    fc.assert(
      fc.property(fc.nat({ max: 60 }), (restarts) => {
        expect(lateOnsetLogE(new Array<number>(restarts + 1).fill(0))).toBeCloseTo(0, 12);
      }),
    );
    expect(lateOnsetLogE([])).toBeCloseTo(0, 14);
  });

  it('does not jump when a restart begins', () => {
    expect(lateOnsetLogE([2, 1, 0])).toBeCloseTo(lateOnsetLogE([2, 1]), 12);
  });

  it('weighs the start by 1/2 and the j-th restart by 1/2 / (j (j+1))', () => {
    const e = 0.5 * Math.exp(1) + 0.25 * Math.exp(2) + (0.5 / 6) * Math.exp(3) + 0.5 / 3;
    expect(lateOnsetLogE([1, 2, 3])).toBeCloseTo(Math.log(e), 12);
  });

  it('costs at most ln 2 when the harm was there from the start, and finds it when it came late', () => {
    expect(lateOnsetLogE([10, 3])).toBeGreaterThan(10 - Math.LN2);
    expect(lateOnsetLogE([-500, -400, 9])).toBeGreaterThan(Math.log(20));
  });
});

describe('liveOnsetLogE', () => {
  it('is the mixture over all restarts while all are kept', () => {
    const live = [3, -1, 0.5].map((logE, k) => ({ index: k + 1, logE }));
    expect(liveOnsetLogE(2, live, 3)).toBeCloseTo(lateOnsetLogE([2, 3, -1, 0.5]), 12);
    expect(liveOnsetLogE(2, [], 0)).toBeCloseTo(lateOnsetLogE([2]), 12);
  });

  it('counts a dropped restart as nothing', () => {
    const dropped = lateOnsetLogE([2, Number.NEGATIVE_INFINITY, -1, 0.5]);
    const live = [
      { index: 2, logE: -1 },
      { index: 3, logE: 0.5 },
    ];
    expect(liveOnsetLogE(2, live, 3)).toBeCloseTo(dropped, 12);
  });
});

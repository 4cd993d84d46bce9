import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomial, both, expectation } from './enumeration.contract.ts';
import type { TwoArmCounts } from './rate-ratio.ts';
import { emptySafe2x2, safe2x2Gain, safe2x2LogE, updateSafe2x2 } from './safe-2x2.ts';

const size = fc.integer({ min: 1, max: 8 });
const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });
const after = (batches: readonly TwoArmCounts[], direction: 'above' | 'below' = 'above') =>
  safe2x2LogE(batches.reduce((state, batch) => updateSafe2x2(state, batch, direction), emptySafe2x2()));

describe('the safe 2x2 test', () => {
  it('has an expected e-value of at most 1 for any two shares in the order opposite to the bet', () => {
    fc.assert(
      fc.property(size, size, share, share, share, share, (nT, nC, a, b, c, d) => {
        const [pT, pC] = [Math.min(a, b), Math.max(a, b)];
        const [thetaC, thetaT] = [Math.min(c, d), Math.max(c, d)];
        const outcomes = both(binomial(nT, pT), binomial(nC, pC));
        const mean = expectation(outcomes, ([xT, xC]) => Math.exp(safe2x2Gain({ xT, nT, xC, nC }, thetaT, thetaC)));
        expect(mean).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  it('bets on nothing it has not seen: the first batch is judged from a guess of one half', () => {
    const batch = { xT: 3, nT: 4, xC: 1, nC: 4 };
    const odds = [1.25, 1.5, 2, 3, 5, 10];
    const gains = odds.map((ratio) => Math.exp(safe2x2Gain(batch, ratio / (1 + ratio), 0.5)));
    expect(Math.exp(after([batch]))).toBeCloseTo(gains.reduce((a, b) => a + b) / 6, 12);
  });

  it('finds a rise where events are common, and a drop when told to look for one', () => {
    const rise = Array.from({ length: 20 }, () => ({ xT: 36, nT: 100, xC: 30, nC: 100 }));
    const drop = rise.map(({ xT, nT, xC, nC }) => ({ xT: xC, nT: nC, xC: xT, nC: nT }));
    expect(after(rise)).toBeGreaterThan(Math.log(20));
    expect(after(rise, 'below')).toBeLessThan(0);
    expect(after(drop, 'below')).toBeGreaterThan(Math.log(20));
  });

  it('leaves out a batch with an empty arm', () => {
    const state = emptySafe2x2();
    expect(updateSafe2x2(state, { xT: 1, nT: 2, xC: 0, nC: 0 }, 'above')).toBe(state);
    expect(safe2x2LogE(state)).toBeCloseTo(0, 14);
  });

  it('stays finite for no events, all events and huge counts', () => {
    for (const n of [1, 1e6, 1e12]) {
      for (const [xT, xC] of [
        [0, 0],
        [n, n],
        [0, n],
        [n, 0],
      ] as const) {
        const batch = { xT, nT: n, xC, nC: n };
        expect(Number.isFinite(after([batch, batch]))).toBe(true);
        expect(Number.isFinite(after([batch, batch], 'below'))).toBe(true);
      }
    }
  });
});

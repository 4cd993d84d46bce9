import { describe, expect, it } from 'vitest';
import { harmCap } from './harm-cap.ts';

describe('harmCap', () => {
  it('starts at the budget, as every exposure may be bad', () => {
    expect(harmCap({ xT: 0, nT: 0, xC: 0, nC: 0 }, 20).exposures).toBe(20);
  });

  it('grows while treatment stays clean and shrinks with bad events', () => {
    const at = (xT: number, nT: number) => harmCap({ xT, nT, xC: 20, nC: 20_000 }, 20).exposures;
    expect(at(0, 1000)).toBeGreaterThan(at(0, 100));
    expect(at(30, 1000)).toBeLessThan(at(0, 1000));
  });

  it('is open once treatment is surely better than control', () => {
    const { exposures, excessUpper } = harmCap({ xT: 1, nT: 5000, xC: 4000, nC: 20_000 }, 20);
    expect(excessUpper).toBeLessThan(0);
    expect(exposures).toBe(Number.POSITIVE_INFINITY);
  });
});

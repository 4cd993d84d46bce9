import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logNormalCdf, logScaledNormalCdf, wallaceZ } from './normal.ts';

const anyZ = fc.double({ min: -50, max: 9, noNaN: true });

describe('logNormalCdf', () => {
  it('gives both halves of the distribution their share', () => {
    fc.assert(
      fc.property(fc.double({ min: -9, max: 9, noNaN: true }), (z) => {
        expect(Math.exp(logNormalCdf(z)) + Math.exp(logNormalCdf(-z))).toBeCloseTo(1, 14);
      }),
    );
  });

  it('rises, also where it changes its method', () => {
    fc.assert(
      fc.property(anyZ, (z) => {
        expect(logNormalCdf(z + 1e-3)).toBeGreaterThanOrEqual(logNormalCdf(z));
      }),
    );
    expect(logNormalCdf(-4) - logNormalCdf(-4 - 1e-9)).toBeLessThan(1e-8);
  });
});

describe('logScaledNormalCdf', () => {
  it('adds half the square of z', () => {
    fc.assert(
      fc.property(anyZ, (z) => {
        const gap = logScaledNormalCdf(z) - logNormalCdf(z) - (z * z) / 2;
        expect(Math.abs(gap)).toBeLessThan(1e-12 * Math.max(1, z * z));
      }),
    );
  });

  it('keeps its digits where the square alone has none left', () => {
    expect(logScaledNormalCdf(-1e10)).toBeCloseTo(-0.5 * Math.log(2 * Math.PI) - Math.log(1e10), 10);
  });
});

describe('wallaceZ', () => {
  it('tends to t as the degrees of freedom grow, from below', () => {
    expect(wallaceZ(3, 1e9)).toBeCloseTo(3, 6);
    expect(wallaceZ(3, 63)).toBeLessThan(3);
    expect(wallaceZ(-3, 63)).toBe(-wallaceZ(3, 63));
    expect(wallaceZ(0, 5)).toBe(0);
  });
});

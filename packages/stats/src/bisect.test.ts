import { describe, expect, it } from 'vitest';
import { bisect } from './bisect.ts';

describe('bisect', () => {
  it('finds where a condition stops holding to the last digit', () => {
    const root = bisect((x) => x * x < 2, 0, 2);
    expect(Math.abs(root - Math.SQRT2)).toBeLessThan(3e-16);
  });

  it('searches downwards when given a falling range', () => {
    expect(bisect((x) => x > 0.25, 1, 0)).toBeCloseTo(0.25, 15);
  });

  it('reaches changes very close to zero', () => {
    expect(bisect((x) => x < 1e-40, 0, 1) / 1e-40).toBeCloseTo(1, 12);
  });
});

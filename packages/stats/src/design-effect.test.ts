import { describe, expect, it } from 'vitest';
import { designEffect } from './design-effect.ts';

/** A repeatable source of numbers in [0, 1). */
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('designEffect', () => {
  it('is 1 for independent requests and without anything to compare', () => {
    expect(designEffect([100, 100, 100], [2, 2, 2])).toBe(1);
    expect(designEffect([100, 100], [0, 0])).toBe(1);
    expect(designEffect([3, 4], [3, 4])).toBe(1);
    expect(designEffect([], [])).toBe(1);
    expect(designEffect([0, 0], [0, 0])).toBe(1);
  });

  it('is the between-bucket variance over the binomial one', () => {
    // share 0.1; deviations 10, -5, -5; 3/2 * 150 / (150 * 0.09)
    expect(designEffect([50, 50, 50], [15, 0, 0])).toBeCloseTo((1.5 * 150) / 13.5, 12);
  });

  it('does not count buckets without traffic', () => {
    expect(designEffect([50, 50, 50, 0, 0], [15, 0, 0, 0, 0])).toBeCloseTo(designEffect([50, 50, 50], [15, 0, 0]), 12);
  });

  it('treats a single bucket as a single user', () => {
    expect(designEffect([60, 0], [12, 0])).toBe(60);
  });

  it('is about the burst size when every error comes in bursts of one user', () => {
    const random = seeded(5);
    const sums = new Array<number>(64).fill(0);
    for (let burst = 0; burst < 400; burst += 1) sums[Math.floor(random() * 64)]! += 10;
    const effect = designEffect(new Array<number>(64).fill(50_000), sums);
    expect(effect).toBeGreaterThan(6);
    expect(effect).toBeLessThan(16);
  });
});

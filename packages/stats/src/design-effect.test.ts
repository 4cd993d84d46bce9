import { describe, expect, it } from 'vitest';
import { beyondChance, designEffect, scoreDesignEffect } from './design-effect.ts';

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

describe('beyondChance', () => {
  it('keeps an effect that independent requests do not show, and drops one that they may', () => {
    expect(beyondChance(1.3, 64)).toBe(1);
    expect(beyondChance(1.4, 64)).toBe(1.4);
    expect(beyondChance(2, 3)).toBe(1);
    expect(beyondChance(4, 1)).toBe(4);
  });

  it('is seldom above 1 for independent requests', () => {
    const random = seeded(8);
    let kept = 0;
    for (let run = 0; run < 400; run += 1) {
      const [counts, sums] = [new Array<number>(64).fill(1000), new Array<number>(64).fill(0)];
      for (let event = 0; event < 640; event += 1) sums[Math.floor(random() * 64)]! += 1;
      if (beyondChance(designEffect(counts, sums), 64) > 1) kept += 1;
    }
    expect(kept).toBeLessThan(400 * 0.05);
  });
});

describe('scoreDesignEffect', () => {
  const none = [0, 0, 0, 0];
  const residuals = (
    treatment: readonly number[],
    control: readonly number[],
    independentTreatment: number,
    independentControl: number,
  ) => {
    const buckets = treatment.length;
    // What stands around them must not matter.
    const values = [7, ...treatment, 9, ...control, 8];
    return {
      values,
      treatmentAt: 1,
      controlAt: buckets + 2,
      buckets,
      independentTreatment,
      independentControl,
    };
  };

  it('is 1 before any event', () => {
    const of = residuals(none, none, 0, 0);
    expect(scoreDesignEffect(of)).toEqual({ both: 1, control: 1 });
  });

  it('is the variance between buckets over that of independent requests, of both arms and of control', () => {
    // Residuals of mean 0 in four buckets: 4/3 times the sum of their squares.
    const of = residuals([3, -1, -1, -1], [1, -1, 1, -1], 2, 4);
    expect(scoreDesignEffect(of).both).toBeCloseTo(((4 / 3) * (12 + 4)) / 6, 12);
    expect(scoreDesignEffect(of).control).toBeCloseTo(((4 / 3) * 4) / 4, 12);
  });

  it('is about the burst size when one user sends every burst', () => {
    const random = seeded(3);
    const control = new Array<number>(64).fill(0);
    for (let burst = 0; burst < 600; burst += 1) control[Math.floor(random() * 64)]! += 10;
    const treatment = new Array<number>(64).fill(0);
    const { control: effect } = scoreDesignEffect(residuals(treatment, control, 0, 6000));
    expect(effect).toBeGreaterThan(7);
    expect(effect).toBeLessThan(14);
  });
});

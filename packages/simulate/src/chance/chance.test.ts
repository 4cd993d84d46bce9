import { logNormalCdf } from '@rampart/stats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aliasTable } from './alias-table.ts';
import { openChance, seedOfRun } from './chance.ts';
import { normalQuantile } from './normal-quantile.ts';

function moments(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

const times = <T>(count: number, draw: () => T) => Array.from({ length: count }, draw);

describe('chance', () => {
  it('gives the same draws for the same seed, and others for another', () => {
    const draws = (seed: number) => {
      const chance = openChance(seed);
      return [chance.uniform(), chance.normal(), chance.gamma(0.1), chance.poisson(3), chance.poisson(300)];
    };
    expect(draws(7)).toEqual(draws(7));
    expect(draws(7)).not.toEqual(draws(8));
  });

  it.each([0.01, 0.7, 9.9, 10.1, 70, 5000])('draws Poisson counts with mean and variance %d', (mean) => {
    const chance = openChance(1);
    const { mean: seen, variance } = moments(times(20_000, () => chance.poisson(mean)));
    expect(Math.abs(seen - mean)).toBeLessThan(5 * Math.sqrt(mean / 20_000));
    expect(variance / mean).toBeGreaterThan(0.9);
    expect(variance / mean).toBeLessThan(1.1);
  });

  it('draws nothing of nothing', () => {
    const chance = openChance(1);
    expect([chance.poisson(0), chance.poisson(Number.NaN), chance.binomial(0, 0.5), chance.binomial(9, 0)]).toEqual([
      0, 0, 0, 0,
    ]);
    expect(chance.binomial(9, 1)).toBe(9);
  });

  it('draws gamma and exponential values of mean 1', () => {
    const chance = openChance(3);
    expect(moments(times(50_000, () => chance.gamma(0.1))).mean).toBeCloseTo(1, 1);
    expect(moments(times(50_000, () => chance.exponential())).mean).toBeCloseTo(1, 1);
  });

  it('gives every run of every simulation a seed of its own', () => {
    const seeds = [1, 2, 3].flatMap((seed) => times(5000, () => 0).map((_, index) => seedOfRun(seed, index)));
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});

describe('an alias table', () => {
  it('draws each index as often as its weight says, and never one without weight', () => {
    const chance = openChance(5);
    const table = aliasTable([1, 0, 2, 5]);
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 80_000; draw += 1) counts[table.draw(chance)]! += 1;
    expect(counts[1]).toBe(0);
    expect(counts.map((count) => Math.round(count / 1000))).toEqual([10, 0, 20, 50]);
  });
});

describe('the normal quantile', () => {
  it('is the inverse of the distribution function', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }), (share) => {
        expect(Math.exp(logNormalCdf(normalQuantile(share))) / share).toBeCloseTo(1, 6);
      }),
    );
  });
});

import { FULL_WEIGHT } from '@rampart/flags';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openChance } from '../chance/chance.ts';
import { placesOf } from './exposure-places.ts';
import { individualPopulation } from './individual-population.ts';
import { anonymousPopulation, evenPopulation, type Population } from './population.ts';

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
const SKEWED = { activitySigma: 1.5, frailtyShape: 0.1 };

describe('a population', () => {
  const kinds: readonly (readonly [string, Population])[] = [
    ['of anonymous requests', anonymousPopulation(0.4)],
    ['of even users', evenPopulation(0.4, 5000, openChance(1))],
    ['of individuals', individualPopulation(0.4, 5000, SKEWED, openChance(1))],
  ];

  it.each(kinds)('%s is cut into parts that make up the whole, as exposure rises', (_, population) => {
    for (const cut of [0.005, 0.05, 0.25, 1]) {
      const [below, above] = [population.slice(0, cut), population.slice(cut, 1)];
      expect(sum(below.activity) + sum(above.activity)).toBeCloseTo(0.4, 9);
      expect(sum(below.prone) + sum(above.prone)).toBeCloseTo(0.4, 9);
    }
  });

  it.each(kinds.slice(1))('%s loses nobody from treatment when exposure rises', (_, population) => {
    const before = population.slice(0, 1).users;
    const small = population.slice(0, 1).classes;
    expect(sum(before)).toBe(5000);
    expect(sum(small.map(({ users }) => users))).toBe(5000);
  });

  it('keeps the first users of even ones in treatment as it grows', () => {
    const population = evenPopulation(1, 2000, openChance(3));
    const small = population.slice(0, 0.05).users;
    const large = population.slice(0, 0.25).users;
    expect(small.every((count, bucket) => count <= large[bucket]!)).toBe(true);
    expect(sum(small)).toBeGreaterThan(60);
    expect(sum(small)).toBeLessThan(140);
  });

  it('draws individuals by activity and proneness, and nobody who has left', () => {
    const population = individualPopulation(1, 50, SKEWED, openChance(4));
    const slice = population.slice(0, 0.5);
    const chance = openChance(5);
    const first = slice.individuals?.draw(chance);
    expect(first).toBeDefined();
    const gone = slice.individuals?.leave(first!.user);
    expect(gone!.activity).toBeGreaterThan(0);
    for (let draw = 0; draw < 200; draw += 1) expect(slice.individuals?.draw(chance)?.user).not.toBe(first!.user);
    expect(sum(population.slice(0, 1).activity)).toBeCloseTo(1 - gone!.activity, 9);
  });
});

describe('places under layers', () => {
  const layer = fc.record(
    { segment: fc.constantFrom('team', 'beta'), weight: fc.integer({ min: 1, max: FULL_WEIGHT }) },
    { requiredKeys: ['weight'] },
  );

  it('put every position in one arm or none at all, treatment first', () => {
    fc.assert(
      fc.property(fc.array(layer, { maxLength: 4 }), fc.constantFrom('team', undefined), (layers, segment) => {
        const places = placesOf(layers, segment);
        const covered = sum(places.map(({ from, to }) => to - from));
        expect(covered === 0 || Math.abs(covered - 1) < 1e-12).toBe(true);
        expect(new Set(places.map(({ stratum }) => stratum)).size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('are those of the flag: control before exposure, targeted by audience, else the largest split', () => {
    expect(placesOf([], 'team')).toEqual([{ arm: 'control', stratum: 0, from: 0, to: 1 }]);
    const team = { segment: 'team', weight: FULL_WEIGHT };
    expect(placesOf([team], 'team')).toMatchObject([{ arm: 'targeted', stratum: FULL_WEIGHT }]);
    expect(placesOf([team], undefined)).toEqual([]);
    expect(placesOf([team, { weight: 5000 }], undefined)).toMatchObject([
      { arm: 'treatment', stratum: 5000, from: 0, to: 0.05 },
      { arm: 'control', stratum: 5000, from: 0.05, to: 1 },
    ]);
    expect(placesOf([{ weight: FULL_WEIGHT }], undefined)).toMatchObject([{ arm: 'treatment', from: 0, to: 1 }]);
  });
});

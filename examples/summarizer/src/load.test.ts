import { describe, expect, it } from 'vitest';
import { Arrivals } from './arrivals.ts';
import { createPopulation } from './population.ts';
import { mulberry32 } from './random.ts';
import { nextRate } from './rate-control.ts';

describe('arrivals', () => {
  it('come at the rate, with the spread of a Poisson process', () => {
    const arrivals = new Arrivals(mulberry32(3), 500, 0);
    const counts = Array.from({ length: 200 }, (_, index) => arrivals.due((index + 1) * 100).length);
    const mean = counts.reduce((sum, one) => sum + one, 0) / counts.length;
    const variance = counts.reduce((sum, one) => sum + (one - mean) ** 2, 0) / counts.length;
    expect(mean).toBeGreaterThan(47);
    expect(mean).toBeLessThan(53);
    expect(variance / mean).toBeGreaterThan(0.7);
    expect(variance / mean).toBeLessThan(1.35);
  });

  it('do not wait for anyone: those missed are still due, at their own instants', () => {
    const [often, once] = [new Arrivals(mulberry32(9), 100, 0), new Arrivals(mulberry32(9), 100, 0)];
    const late = once.due(1000);
    const steps = Array.from({ length: 10 }, (_, index) => often.due((index + 1) * 100)).flat();
    expect(steps).toEqual(late);
    expect(once.nextMs).toBeGreaterThan(1000);
  });

  it('differ by seed', () => {
    expect(new Arrivals(mulberry32(1), 100, 0).due(1000)).not.toEqual(new Arrivals(mulberry32(2), 100, 0).due(1000));
  });
});

describe('the rate of load', () => {
  it('falls when requests leave late or pile up, and returns to the target, never above it', () => {
    expect(nextRate(700, 700, { lateMs: 150, open: 10 })).toBe(560);
    expect(nextRate(700, 700, { lateMs: 1, open: 1500 })).toBe(560);
    expect(nextRate(560, 700, { lateMs: 1, open: 200 })).toBeCloseTo(588);
    expect(nextRate(690, 700, { lateMs: 1, open: 200 })).toBe(700);
    expect(nextRate(21, 700, { lateMs: 1000, open: 4 })).toBe(20);
  });
});

describe('a population', () => {
  it('has heavy and light users, some of them of the team', () => {
    const population = createPopulation(mulberry32(5), 2000);
    const random = mulberry32(6);
    const counts = new Map<string, number>();
    for (let index = 0; index < 20_000; index += 1) {
      const { id } = population.next(random);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect(new Set(population.users.map((user) => user.id)).size).toBe(2000);
    expect(counts.size).toBeGreaterThan(1500);
    expect(Math.max(...counts.values())).toBeGreaterThan(80);
    const team = population.users.filter((user) => user.group === 'team').length / 2000;
    expect(team).toBeGreaterThan(0.08);
    expect(team).toBeLessThan(0.16);
  });

  it('is the same for the same seed and another for another', () => {
    const ids = (seed: number) => createPopulation(mulberry32(seed), 3).users.map((user) => user.id);
    expect(ids(4)).toEqual(ids(4));
    expect(ids(4)).not.toEqual(ids(5));
  });
});

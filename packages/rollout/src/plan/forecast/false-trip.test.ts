import { describe, expect, it } from 'vitest';
import { normalRuleChance, poissonAtMost, poissonChance, scanChance, shareRuleChance } from './false-trip.ts';
import { normal, poisson, randomOf } from './simulation.support.ts';

/** Share of runs in which some window holds as many events, by simulation. */
function simulatedScan(events: number, mean: number, windows: number): number {
  const random = randomOf(3);
  const runs = 2000;
  let hits = 0;
  for (let run = 0; run < runs; run += 1) {
    const times: number[] = [];
    let at = 0;
    while (at <= windows) {
      at -= Math.log(1 - random()) / mean;
      times.push(at);
      const first = times[times.length - events];
      if (at <= windows && first !== undefined && first > at - 1) {
        hits += 1;
        break;
      }
    }
  }
  return hits / runs;
}

/** Share of runs in which two looks running are above the limit, by simulation. */
function simulatedRule(perWindow: number, share: number, limit: number, windows: number): number {
  const random = randomOf(5);
  const [runs, looks] = [600, 5];
  let trips = 0;
  for (let run = 0; run < runs; run += 1) {
    const seen: { readonly n: number; readonly bad: number }[] = [];
    let broken = 0;
    for (let look = 0; look < looks * windows && broken < 2; look += 1) {
      const bad = poisson(random, (perWindow * share) / looks);
      seen.push({ n: bad + poisson(random, (perWindow * (1 - share)) / looks), bad });
      const window = seen.slice(-looks);
      const n = window.reduce((sum, one) => sum + one.n, 0);
      const isBroken = n >= 50 && window.reduce((sum, one) => sum + one.bad, 0) / n > limit;
      broken = isBroken ? broken + 1 : 0;
    }
    if (broken >= 2) trips += 1;
  }
  return trips / runs;
}

describe('the chance that a sliding count trips a harmless feature', () => {
  it.each([
    [11, 6, 2],
    [11, 8, 2],
    [11, 4, 9],
    [5, 1, 20],
    [3, 0.5, 1.5],
  ])('of %d events at %d per window over %d windows is that of a simulation', (events, mean, windows) => {
    expect(Math.abs(scanChance(events, mean, windows) - simulatedScan(events, mean, windows))).toBeLessThan(0.035);
  });

  it('is the one measured for complaints: 18 % at 6 a day over 48 h, 51 % at 8', () => {
    expect(scanChance(11, 6, 2)).toBeCloseTo(0.18, 1.5);
    expect(scanChance(11, 8, 2)).toBeCloseTo(0.51, 1.5);
  });

  it('is certain beyond the limit, and that of one window where the stage is shorter', () => {
    expect(scanChance(11, 12, 2)).toBe(1);
    expect(scanChance(11, 8, 0.5)).toBeCloseTo(1 - poissonAtMost(10, 4));
    expect(poissonChance(0, 0)).toBe(1);
    expect(poissonChance(1, 0)).toBe(0);
  });
});

describe('the chance that a plain rule on a share trips a harmless feature', () => {
  it.each([
    [60, 0.004, 0.05, 100],
    [60, 0.01, 0.05, 60],
    [100, 0.02, 0.05, 20],
    [400, 0.03, 0.05, 40],
  ])(
    'at %d observations per window and %d against %d is near that of a simulation',
    (perWindow, share, limit, windows) => {
      const forecast = shareRuleChance({ perWindow, share, limit, minSample: 50, looks: 5, windows });
      const simulated = simulatedRule(perWindow, share, limit, windows);
      expect(forecast).toBeGreaterThan(0.8 * simulated - 0.02);
      expect(forecast).toBeLessThan(1.5 * simulated + 0.03);
    },
  );

  it('is none without the observations, and certain beyond the limit', () => {
    const rule = { perWindow: 5, share: 0.01, limit: 0.05, minSample: 50, looks: 5, windows: 100 };
    expect(shareRuleChance(rule)).toBeLessThan(1e-9);
    expect(shareRuleChance({ ...rule, share: 0.06 })).toBe(0);
    expect(shareRuleChance({ ...rule, perWindow: 100, share: 0.06 })).toBe(1);
  });

  it('takes windows of many events as normal, and windows of one look as they are', () => {
    const rule = { perWindow: 2000, share: 0.03, limit: 0.05, minSample: 50, looks: 5, windows: 100 };
    expect(shareRuleChance(rule)).toBeLessThan(0.01);
    const single = shareRuleChance({ ...rule, perWindow: 100, share: 0.02, looks: 1, windows: 10 });
    expect(single).toBeGreaterThan(0);
    expect(single).toBeLessThan(0.05);
  });

  it('of a mean is close to that of a simulated sliding mean', () => {
    const random = randomOf(9);
    const [runs, looks, windows, z] = [400, 10, 30, 2.5];
    let trips = 0;
    for (let run = 0; run < runs; run += 1) {
      const seen: number[] = [];
      for (let look = 0; look < looks * windows; look += 1) {
        seen.push(normal(random));
        const sum = seen.slice(-looks).reduce((total, one) => total + one, 0);
        if (seen.length >= looks && sum / Math.sqrt(looks) >= z) {
          trips += 1;
          break;
        }
      }
    }
    // The forecast looks all the time.
    expect(normalRuleChance(z, windows)).toBeGreaterThan(trips / runs);
    expect(normalRuleChance(z, windows)).toBeLessThan((1.6 * trips) / runs);
    expect(normalRuleChance(-1, 10)).toBe(1);
  });
});

import type { Arm } from '@rampart/flags';
import { FULL_WEIGHT } from '@rampart/flags';
import type { PreparedBatch } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { planOf } from '../simulated-plan.test.support.ts';
import { buildWorld, type WorldFacts } from '../world/build-world.ts';
import type { Disturbances, World } from '../world/world.ts';
import { openSite } from './site.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const METRICS = {
  revenue: { kind: 'mean', unit: 'USD', harm: 'lower' },
  quality: { kind: 'mean', unit: 'score', harm: 'lower' },
};
const PLAN = planOf({
  metrics: METRICS,
  abortCriteria: [
    { metric: 'errorRate', limit: '1%' },
    { metric: 'p99Latency', limit: '2x baseline' },
    { metric: 'userComplaints', limit: '10 per 24h' },
    { metric: 'throughput', limit: '0.5x control' },
    { metric: 'revenue', limit: '0.5x control' },
    { metric: 'quality', limit: '0.5x control' },
    { metric: 'conversion', limit: '0.5x control' },
  ],
});

function worldOf(facts: WorldFacts = {}, disturbances: Disturbances = {}): World {
  const built = buildWorld(PLAN, { baselines: { revenue: 20, quality: 0.9 }, ...facts });
  if (!built.ok) throw new Error(built.message);
  return { ...built.world, disturbances };
}

type Seen = { n: number; x: number; xx: number; byBucket: number[]; bins: Map<number, number> };

/** What a site shows in `minutes` at a weight, by metric and arm. */
function watch(world: World, weight: number, minutes = DAY_MINUTES, seed = 1) {
  const site = openSite(PLAN, world, seed, 0, 1e9);
  const seen: Record<string, Seen> = {};
  const users = { assigned: {} as Record<string, number>, reported: {} as Record<string, number> };
  let dark = 0;
  let occurrences = 0;
  const add = (metric: string, arm: Arm, sums: PreparedBatch['metrics'][string]['strata'][number]['control']) => {
    const key = `${metric}/${arm}`;
    seen[key] ??= { n: 0, x: 0, xx: 0, byBucket: new Array<number>(65).fill(0), bins: new Map() };
    const to = seen[key]!;
    sums.n.forEach((count, bucket) => {
      to.n += count;
      to.x += sums.x[bucket]!;
      to.xx += sums.xx[bucket]!;
      to.byBucket[bucket]! += count;
    });
    sums.bins?.bin.forEach((bin, index) => {
      to.bins.set(bin, (to.bins.get(bin) ?? 0) + sums.bins!.count[index]!);
    });
  };
  for (let minute = 0; minute < minutes; minute += 1) {
    const state = { layers: weight === 0 ? [] : [{ weight }], epoch: 1 };
    const batch = site.step(state, minute * MINUTE_MS, (minute + 1) * MINUTE_MS, weight === 0 ? undefined : 0);
    if (batch === undefined) {
      dark += 1;
      continue;
    }
    for (const [metric, { strata, targeted }] of Object.entries(batch.metrics)) {
      for (const { treatment, control } of strata) {
        add(metric, 'treatment', treatment);
        add(metric, 'control', control);
      }
      for (const { sums } of targeted) add(metric, 'targeted', sums);
    }
    for (const count of ['assigned', 'reported'] as const) {
      for (const one of batch.users[count]) users[count][one.arm] = (users[count][one.arm] ?? 0) + one.count;
    }
    occurrences += batch.occurrences?.length ?? 0;
  }
  return { seen, users, dark, occurrences, ledger: site.ledger };
}

describe('a site', () => {
  it.each([
    ['few', 20_000],
    ['many', 2_000_000],
  ])('with %s requests shows the traffic, shares and values of its models', (_, requestsPerDay) => {
    const { seen, users } = watch(
      worldOf({ requestsPerDay, baselines: { revenue: 20, quality: 0.9, errorRate: 0.01 } }),
      50_000,
    );
    const control = seen['errorRate/control']!;
    expect(control.n / (requestsPerDay / 2)).toBeCloseTo(1, 1);
    expect(Math.abs(control.x - 0.01 * control.n)).toBeLessThan(5 * Math.sqrt(0.01 * control.n));
    expect(control.xx).toBe(control.x);
    const revenue = seen['revenue/control']!;
    expect(revenue.x / revenue.n / 20).toBeCloseTo(1, 1);
    expect((revenue.xx / revenue.n - 400) / (400 * Math.expm1(0.36))).toBeCloseTo(1, 0);
    const quality = seen['quality/treatment']!;
    expect(quality.x / quality.n).toBeCloseTo(0.9, 2);
    const common = seen['hallucinationRate/control']!;
    expect(Math.abs(common.x - 0.02 * common.n)).toBeLessThan(5 * Math.sqrt(0.02 * common.n));
    expect(seen['throughput/control']!.n).toBeCloseTo(control.n, 3);
    const visits = seen['conversion/control']!.n + seen['conversion/treatment']!.n;
    expect(Math.abs(visits - requestsPerDay / 10)).toBeLessThan(5 * Math.sqrt(requestsPerDay / 10));
    expect(users.assigned.control! + users.assigned.treatment!).toBeLessThanOrEqual(requestsPerDay / 10);
    expect(users.assigned.control! + users.assigned.treatment!).toBeGreaterThan(0.98 * (requestsPerDay / 10));
  });

  it.each([20_000, 500_000, 20_000_000])('shows shares of any size at %d requests a day', (requestsPerDay) => {
    for (const share of [0.1, 0.5, 0.98]) {
      const baselines = { revenue: 20, quality: 0.9, hallucinationRate: share };
      const { x, n } = watch(worldOf({ requestsPerDay, users: 0, baselines }), 50_000, 200).seen[
        'hallucinationRate/control'
      ]!;
      expect(Math.abs(x - share * n)).toBeLessThan(5 * Math.sqrt(share * (1 - share) * n) + 1);
      expect(x).toBeLessThanOrEqual(n);
    }
  });

  it('scatters requests over buckets as Poisson counts would', () => {
    const { seen } = watch(worldOf({ requestsPerDay: 500_000, users: 0 }), 50_000);
    const counts = seen['errorRate/control']!.byBucket.slice(0, 64);
    const mean = counts.reduce((sum, count) => sum + count, 0) / 64;
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / 63;
    expect(variance / mean).toBeGreaterThan(0.5);
    expect(variance / mean).toBeLessThan(1.7);
  });

  it('has a hundredth of its latencies beyond p99, and more of them when they double', () => {
    const slow = worldOf({ requestsPerDay: 1_000_000, effects: [{ metric: 'p99Latency', factor: 2, onsetMs: 0 }] });
    const { seen, ledger } = watch(slow, 50_000);
    const beyond = (arm: Arm) => {
      const { bins, n } = seen[`p99Latency/${arm}`]!;
      const all = [...bins.values()].reduce((sum, count) => sum + count, 0);
      expect(all).toBeCloseTo(n, 3);
      return [...bins].reduce((sum, [bin, count]) => sum + (2 ** (bin / 16) >= 0.4 ? count : 0), 0) / n;
    };
    expect(beyond('control')).toBeGreaterThan(0.008);
    expect(beyond('control')).toBeLessThan(0.0105);
    expect(beyond('treatment')).toBeGreaterThan(0.1);
    expect(ledger.excess.p99Latency).toBeGreaterThan(10_000);
  });

  it('harms only those who see the feature, from the onset, and accounts for it', () => {
    const onsetMs = 12 * 60 * MINUTE_MS;
    const bad = worldOf({ requestsPerDay: 400_000, effects: [{ metric: 'errorRate', factor: 5, onsetMs }] });
    const { seen, ledger } = watch(bad, 50_000);
    const [treatment, control] = [seen['errorRate/treatment']!, seen['errorRate/control']!];
    expect(treatment.x / treatment.n / (control.x / control.n)).toBeGreaterThan(2.4);
    expect(treatment.x / treatment.n / (control.x / control.n)).toBeLessThan(3.7);
    expect(ledger.events).toBeCloseTo(0.5 * 200_000 * 0.001 * 4, -2);
    expect(ledger.exposed).toBeGreaterThan(18_000);
  });

  it('shows a metric of lower harm that falls', () => {
    const effects = ['conversion', 'throughput', 'revenue', 'quality'].map((metric) => ({
      metric,
      factor: 0.5,
      onsetMs: 0,
    }));
    const { seen, ledger } = watch(worldOf({ requestsPerDay: 300_000, effects }), 50_000);
    const share = (key: string) => seen[key]!.x / seen[key]!.n;
    expect(share('conversion/treatment') / share('conversion/control')).toBeCloseTo(0.5, 1);
    expect(share('revenue/treatment') / share('revenue/control')).toBeCloseTo(0.5, 1);
    expect(share('quality/treatment')).toBeCloseTo(0.45, 1);
    expect(seen['throughput/treatment']!.n / seen['throughput/control']!.n).toBeCloseTo(0.5, 1);
    expect(Object.keys(ledger.excess).sort()).toEqual(['conversion', 'quality', 'revenue', 'throughput']);
    expect(ledger.exposedToWorse).toBe(ledger.exposed);
  });

  it('shows everyone as control before exposure, and targeted people in neither arm', () => {
    const plan = planOf({
      stages: [
        { name: 'team', audience: 'team', percentage: 100, duration: '6h' },
        { name: 'ga', percentage: 100, duration: 'permanent' },
      ],
    });
    const built = buildWorld(plan, { audiences: { team: 0.2 }, baselines: { revenue: 3 } });
    if (!built.ok) throw new Error(built.message);
    const site = openSite(plan, built.world, 1, 0, 1e9);
    const before = site.step({ layers: [], epoch: 0 }, 0, MINUTE_MS, undefined);
    expect(before?.metrics.errorRate?.strata.map(({ stratum }) => stratum)).toEqual([0]);
    const layers = [{ segment: 'team', weight: FULL_WEIGHT }];
    const after = site.step({ layers, epoch: 1 }, MINUTE_MS, 2 * MINUTE_MS, MINUTE_MS);
    expect(after?.metrics.errorRate?.strata).toEqual([]);
    expect(after?.metrics.errorRate?.targeted).toHaveLength(1);
    expect(after?.users.assigned.map(({ arm }) => arm)).toEqual(['targeted']);
  });

  it('counts a user once on each day for metrics per user, and once at all as a person exposed', () => {
    const world = worldOf({ requestsPerDay: 100_000, users: 5000 });
    const [one, three] = [watch(world, 50_000), watch(world, 50_000, 3 * DAY_MINUTES)];
    const visits = ({ seen }: typeof one) => seen['conversion/treatment']!.n + seen['conversion/control']!.n;
    expect(Math.abs(visits(one) - 5000)).toBeLessThan(5 * Math.sqrt(5000));
    expect(Math.abs(visits(three) - 15_000)).toBeLessThan(5 * Math.sqrt(15_000));
    expect(three.users.assigned.control! + three.users.assigned.treatment!).toBeLessThanOrEqual(5000);
  });

  it('goes through days, incidents and outages', () => {
    const world = worldOf(
      { requestsPerDay: 1_000_000 },
      {
        diurnal: { traffic: 0.6, rate: 0.5 },
        incidents: { perDay: 24, lastMs: 10 * MINUTE_MS, rate: 0.03, latencyFactor: 3 },
        outages: { perDay: 10, lastMs: 30 * MINUTE_MS },
      },
    );
    const { seen, dark } = watch(world, 50_000);
    expect(dark).toBeGreaterThan(100);
    expect(dark).toBeLessThan(500);
    const [treatment, control] = [seen['errorRate/treatment']!, seen['errorRate/control']!];
    expect(control.x / control.n).toBeGreaterThan(0.002);
    // Some 1400 bad events an arm: 15 % is four standard deviations of the ratio.
    expect(Math.abs(treatment.x / treatment.n / (control.x / control.n) - 1)).toBeLessThan(0.15);
  });

  it('lets rates rise over the plan', () => {
    const rising = worldOf({ requestsPerDay: 1_000_000 }, { rampFactor: 6 });
    const { seen } = watch({ ...rising }, 50_000, 2 * DAY_MINUTES);
    const { x, n } = seen['errorRate/control']!;
    expect(x / n).toBeGreaterThan(0.00115);
  });

  it('has prone users who meet most bad events, and some who leave after one', () => {
    const baselines = { revenue: 20, quality: 0.9, errorRate: 0.015 };
    const facts = { requestsPerDay: 200_000, users: 2000, baselines };
    const frail = watch(worldOf(facts, { frailtyShape: 0.1, activitySigma: 1.5 }), 50_000).seen['errorRate/control']!;
    expect(frail.x / frail.n / 0.015).toBeCloseTo(1, 0);
    const leaving = watch(worldOf(facts, { leaveShare: 0.5 }), 50_000).seen['errorRate/control']!;
    expect(leaving.n).toBeLessThan(0.8 * 100_000);
    expect(leaving.x / leaving.n / 0.015).toBeCloseTo(1, 0);
  });

  it('loses reports of exposed users who crash', () => {
    const { users, ledger } = watch(worldOf({ requestsPerDay: 200_000 }, { crashShare: 0.3 }), 50_000);
    expect(users.reported.treatment! / users.assigned.treatment!).toBeCloseTo(0.7, 1);
    expect(users.reported.control).toBe(users.assigned.control);
    expect(ledger.crashed).toBeGreaterThan(2500);
  });

  it('reports complaints of a source without arms as occurrences', () => {
    const plan = planOf({
      metrics: { tickets: { kind: 'count', source: 'tracker', harm: 'higher' } },
      abortCriteria: [{ metric: 'tickets', limit: '1000 per 24h' }],
    });
    const built = buildWorld(plan, { baselines: { tickets: 2000 } });
    if (!built.ok) throw new Error(built.message);
    const site = openSite(plan, built.world, 1, 0, 1e9);
    let count = 0;
    for (let minute = 0; minute < DAY_MINUTES; minute += 1) {
      const batch = site.step(
        { layers: [{ weight: 5000 }], epoch: 1 },
        minute * MINUTE_MS,
        (minute + 1) * MINUTE_MS,
        0,
      );
      for (const one of batch?.occurrences ?? []) count += one.count;
    }
    expect(count).toBeGreaterThan(1700);
    expect(count).toBeLessThan(2300);
  });
});

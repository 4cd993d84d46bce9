import { describe, expect, it } from 'vitest';
import { planOf } from '../simulated-plan.test.support.ts';
import { buildWorld, PLAN_SPREADS, TYPICAL_SPREADS, type WorldFacts } from './build-world.ts';
import { applyScenarios, SCENARIO_NAMES } from './scenario.ts';
import { harmBegins, isHarmful } from './truth.ts';
import type { World } from './world.ts';

const PLAN = planOf();

function worldOf(facts: WorldFacts = {}): World {
  const built = buildWorld(PLAN, { baselines: { revenue: 3 }, ...facts });
  if (!built.ok) throw new Error(built.message);
  return built.world;
}

describe('building a world', () => {
  it('takes typical values where none is given', () => {
    expect(worldOf()).toMatchObject({
      requestsPerDay: 100_000,
      users: 10_000,
      metrics: {
        errorRate: { kind: 'proportion', rate: 0.001 },
        p99Latency: { kind: 'quantile', level: 0.4, quantile: 0.99 },
        userComplaints: { kind: 'count', perDay: 2 },
        revenue: { kind: 'value', mean: 3 },
      },
    });
  });

  it.each([
    ['METRIC_UNKNOWN', { baselines: { revenue: 3, speed: 1 } }],
    ['METRIC_UNKNOWN', { effects: [{ metric: 'speed', factor: 2, onsetMs: 0 }] }],
    ['BASELINE_MISSING', { baselines: {} }],
    ['BASELINE_INVALID', { baselines: { revenue: 3, errorRate: 1 } }],
    ['BASELINE_INVALID', { baselines: { revenue: 0 } }],
    ['BASELINE_INVALID', { baselines: { revenue: 3, userComplaints: -1 } }],
    ['AUDIENCES_INVALID', { audiences: { team: 0.7, beta: 0.4 } }],
  ] as const)('refuses with %s what cannot be: %j', (code, facts) => {
    expect(buildWorld(PLAN, { baselines: { revenue: 3 }, ...facts })).toMatchObject({ ok: false, code });
  });
});

describe('scenarios', () => {
  it.each(SCENARIO_NAMES)('$name changes the world as it says: $about', ({ name }) => {
    const before = worldOf();
    const applied = applyScenarios(PLAN, before, [name]);
    expect(applied.ok).toBe(true);
    if (applied.ok && name !== 'healthy') expect(applied.world).not.toEqual(before);
  });

  it('add up', () => {
    const applied = applyScenarios(PLAN, worldOf(), ['diurnal', 'heavy', 'frail']);
    expect(applied).toMatchObject({
      world: { disturbances: { diurnal: { traffic: 0.6 }, activitySigma: 1.5, frailtyShape: 0.1 } },
    });
  });

  it('of a regression go beyond the first line, at once or later', () => {
    const effectOf = (name: string) => {
      const applied = applyScenarios(PLAN, worldOf(), [name]);
      return applied.ok ? applied.world.effects[0] : undefined;
    };
    expect(effectOf('regression')).toMatchObject({ metric: 'errorRate', factor: 15, onsetMs: 0 });
    expect(effectOf('late')?.onsetMs).toBe(86_400_000);
    expect(effectOf('beneficial')).toMatchObject({ metric: 'errorRate', factor: 0.5 });
  });

  it('say why they do not fit', () => {
    const both = applyScenarios(PLAN, worldOf(), ['healthy', 'diurnal', 'regression']);
    expect(both).toMatchObject({ ok: false, code: 'SCENARIOS_CONTRADICT' });
    expect(applyScenarios(PLAN, worldOf(), ['doom'])).toMatchObject({ ok: false, code: 'SCENARIO_UNKNOWN' });
    expect(applyScenarios(PLAN, worldOf({ users: 0 }), ['frail'])).toMatchObject({ ok: false, code: 'USERS_NEEDED' });
    const counts = planOf({
      abortCriteria: [{ metric: 'userComplaints', limit: '10 per 24h' }],
      killSwitch: undefined,
    });
    const built = buildWorld(counts, { baselines: { revenue: 3 } });
    if (!built.ok) throw new Error(built.message);
    expect(applyScenarios(counts, built.world, ['regression'])).toMatchObject({ code: 'NOTHING_TO_BREAK' });
  });
});

describe('the spreads of a world', () => {
  it('are those that the forecast of a plan assumes, where that is asked for', () => {
    const { metrics } = worldOf({ spreads: PLAN_SPREADS });
    expect(metrics.p99Latency).toMatchObject({ sigma: 1 });
    const revenue = metrics.revenue;
    // A log-normal's variance is its squared mean times exp(sigma²) - 1.
    expect(revenue?.kind === 'value' && Math.expm1(revenue.sigma ** 2)).toBeCloseTo(1, 12);
    expect(worldOf().metrics.p99Latency).toMatchObject({ sigma: TYPICAL_SPREADS.latencySigma });
  });
});

describe('the truth', () => {
  const [errorRate, latency, complaints] = PLAN.abortCriteria;
  const harmful = (world: World, check: typeof errorRate, side: 'fail' | 'pass' = 'fail') =>
    isHarmful(PLAN, world, check!, side, 0);
  const withEffect = (metric: string, factor: number) => worldOf({ effects: [{ metric, factor, onsetMs: 0 }] });

  it('is harm only beyond the line, and only where the feature made it worse', () => {
    expect(harmful(withEffect('errorRate', 11), errorRate)).toBe(true);
    expect(harmful(withEffect('errorRate', 10), errorRate)).toBe(false);
    expect(harmful(withEffect('errorRate', 10), errorRate, 'pass')).toBe(true);
    expect(harmful(withEffect('p99Latency', 2.5), latency)).toBe(true);
    expect(harmful(withEffect('userComplaints', 31), complaints)).toBe(true);
    expect(harmful(worldOf({ baselines: { revenue: 3, errorRate: 0.05 } }), errorRate)).toBe(false);
  });

  it('begins at the first onset that matters', () => {
    const effects = [
      { metric: 'errorRate', factor: 2, onsetMs: 0 },
      { metric: 'errorRate', factor: 5, onsetMs: 5000 },
      { metric: 'errorRate', factor: 2, onsetMs: 9000 },
    ];
    expect(harmBegins(PLAN, worldOf({ effects }), 'pass'), 'on the line').toBe(5000);
    expect(harmBegins(PLAN, worldOf({ effects }), 'fail'), 'beyond it').toBe(9000);
    expect(harmBegins(PLAN, worldOf(), 'fail')).toBeUndefined();
    expect(harmBegins(PLAN, { ...worldOf(), disturbances: { crashShare: 0.1 } }, 'pass')).toBe(0);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planOf } from '../simulated-plan.test.support.ts';
import { buildWorld, type WorldFacts } from '../world/build-world.ts';
import { applyScenarios, SCENARIO_NAMES } from '../world/scenario.ts';
import type { World } from '../world/world.ts';
import { type SimulationOptions, simulateRollout } from './simulate-rollout.ts';

const PLAN = planOf();
const BATCH_MS = 300_000;

function worldOf(scenarios: readonly string[] = [], facts: WorldFacts = {}): World {
  const built = buildWorld(PLAN, { requestsPerDay: 2_000_000, baselines: { revenue: 3 }, ...facts });
  if (!built.ok) throw new Error(built.message);
  const applied = applyScenarios(PLAN, built.world, scenarios);
  if (!applied.ok) throw new Error(applied.message);
  return applied.world;
}

const run = (world: World, seed = 1, options: SimulationOptions = {}) =>
  simulateRollout(PLAN, world, seed, { batchMs: BATCH_MS, ...options });

describe('a simulated rollout', () => {
  it('of a healthy feature completes, the same way for the same seed', () => {
    const first = run(worldOf());
    expect(first).toMatchObject({ outcome: 'completed', stage: 'ga', isFalsePass: false, isHarmed: false, harmed: 0 });
    expect(first.passed.map(({ stage, isFalse }) => [stage, isFalse])).toEqual([
      ['canary', false],
      ['half', false],
    ]);
    expect(first.timeToGaMs).toBeGreaterThanOrEqual(12 * 3_600_000);
    expect(run(worldOf())).toEqual(first);
    expect(run(worldOf(), 2).exposed).not.toBe(first.exposed);
  });

  it('ends at the last stage where that is asked for', () => {
    const ended = run(worldOf(), 1, { until: 'ga' });
    expect(ended).toMatchObject({ outcome: 'completed', stage: 'ga' });
    expect(ended.afterMs).toBe(ended.timeToGaMs);
  });

  it('can capture its baseline before the first exposure', () => {
    const captured = run(worldOf(), 1, { baseline: 'capture', until: 'ga' });
    expect(captured.outcome).toBe('completed');
    expect(captured.batches).toBeGreaterThan(run(worldOf(), 1, { until: 'ga' }).batches + 200);
  });

  it('of a regression is aborted, with the metric, the time and the people it took', () => {
    const bad = run(worldOf(['regression']));
    expect(bad).toMatchObject({ outcome: 'aborted', stage: 'canary', isHarmed: true });
    expect(bad.abort).toMatchObject({ metric: 'errorRate', isFalse: false });
    expect(bad.detectionMs).toBe(bad.afterMs);
    expect(bad.excess.errorRate).toBeGreaterThan(10);
    expect(bad.harmed).toBeLessThanOrEqual(bad.exposed);
  });

  it('counts detection from the onset of harm', () => {
    const effects = [{ metric: 'p99Latency', factor: 4, onsetMs: 2 * 3_600_000 }];
    const late = run(worldOf([], { effects }));
    expect(late.abort?.metric).toBe('p99Latency');
    expect(late.detectionMs).toBe(late.afterMs - 2 * 3_600_000);
  });

  it('of a client that crashes is aborted for its missing telemetry', () => {
    const crashed = run(worldOf(['crashing']));
    expect(crashed.abort).toMatchObject({ kind: 'telemetry-missing', isFalse: false });
    expect(crashed.harmed).toBeGreaterThan(0);
  });

  it('lives through outages', () => {
    const world = worldOf(['diurnal', 'skewed']);
    const outages = { perDay: 24, lastMs: 1_200_000 };
    const blind = run({ ...world, disturbances: { ...world.disturbances, outages } });
    expect(blind.events.map(({ type }) => type)).toContain('SightReturned');
    expect(blind.outcome).toBe('completed');
  });

  it('ends undecided where people would be asked, or goes on where they move on', () => {
    const effects = [{ metric: 'errorRate', factor: 10, onsetMs: 0 }];
    const onLine = worldOf([], { effects });
    const undecided = run(onLine);
    expect(undecided.outcome).toBe('undecided');
    expect(undecided.waiting).toEqual(expect.arrayContaining(['errorRate 1%: not enough evidence either way']));
    expect(run(onLine, 1, { undecided: 'proceed' }).passed.length).toBeGreaterThan(0);
  });

  it('is given up after its longest time', () => {
    expect(run(worldOf(), 1, { longestMs: 3_600_000 })).toMatchObject({
      outcome: 'unfinished',
      afterMs: 3_600_000,
      waiting: expect.arrayContaining([expect.any(String)]),
    });
    expect(run(worldOf(), 1, { until: 'ga' }).waiting).toBeUndefined();
  });

  it.each([0, -1, 300_001, Number.NaN])('refuses batches of %d ms', (batchMs) => {
    expect(() => run(worldOf(), 1, { batchMs })).toThrow(/batches of .* at most 300000 ms/);
  });

  it('keeps its accounts straight in every world', () => {
    const names = fc.uniqueArray(fc.constantFrom(...SCENARIO_NAMES.map(({ name }) => name)), { maxLength: 3 });
    const traffic = fc.constantFrom(5000, 100_000, 1_000_000);
    fc.assert(
      fc.property(names, traffic, fc.integer(), (scenarios, requestsPerDay, seed) => {
        fc.pre(!scenarios.includes('healthy') && !(scenarios.includes('regression') && scenarios.includes('late')));
        const world = worldOf(scenarios, { requestsPerDay, users: 500 });
        const one = run(world, seed, { longestMs: 8 * 3_600_000 });
        expect(one.exposed).toBeLessThanOrEqual(500);
        expect(one.harmed).toBeLessThanOrEqual(one.exposed + 1);
        expect(one.harmed).toBeGreaterThanOrEqual(0);
        expect(one.detectionMs ?? 0).toBeLessThanOrEqual(one.afterMs);
        expect(one.abort === undefined).toBe(one.outcome !== 'aborted');
        expect(one.passed.map(({ stage }) => stage)).toEqual(['canary', 'half'].slice(0, one.passed.length));
        expect(one.afterMs).toBeLessThanOrEqual(8 * 3_600_000);
      }),
      { numRuns: 25 },
    );
  });
});

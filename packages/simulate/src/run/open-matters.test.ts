import { describe, expect, it } from 'vitest';
import { planOf } from '../simulated-plan.test.support.ts';
import { buildWorld } from '../world/build-world.ts';
import type { World } from '../world/world.ts';
import { simulateRollout } from './simulate-rollout.ts';

const HOUR_MS = 3_600_000;
const GATE = { metric: 'conversion', limit: 'not worse than control by 2%' };
const PLAN = planOf({
  stages: [
    { name: 'canary', percentage: 5, duration: '6h', gate: [GATE] },
    { name: 'ga', percentage: 100, duration: 'permanent', monitor: '6h' },
  ],
});

function stuck(change: (world: World) => World) {
  const built = buildWorld(PLAN, { requestsPerDay: 500_000, baselines: { revenue: 3 } });
  if (!built.ok) throw new Error(built.message);
  return simulateRollout(PLAN, change(built.world), 1, { batchMs: 300_000, longestMs: 12 * HOUR_MS });
}

describe('what a run waits for at its end', () => {
  it('names the metric that is silent', () => {
    const { conversion: _silent, ...others } = buildWorldMetrics();
    const { waiting, blindAfterMs } = stuck((world) => ({ ...world, metrics: others }));
    expect(waiting).toEqual(['blind: conversion silent, nothing new was observed']);
    expect(blindAfterMs).toBeLessThan(2 * HOUR_MS);
  });

  it('says that nothing arrives at all', () => {
    const outages = { perDay: 10_000, lastMs: 24 * HOUR_MS };
    expect(stuck((world) => ({ ...world, disturbances: { outages } })).waiting).toEqual(['blind: no evidence arrives']);
  });

  it('gives no figures, so that runs can be counted by it', () => {
    const { waiting } = stuck((world) => ({ ...world, requestsPerDay: 50_000, users: 5000 }));
    expect(waiting).toEqual(['conversion not worse than control by 2%: not enough evidence either way']);
  });
});

function buildWorldMetrics(): World['metrics'] {
  const built = buildWorld(PLAN, { baselines: { revenue: 3 } });
  return built.ok ? built.world.metrics : {};
}

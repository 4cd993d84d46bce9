import { describe, expect, it } from 'vitest';
import { planOf } from '../simulated-plan.test.support.ts';
import { buildWorld } from '../world/build-world.ts';
import { applyScenarios } from '../world/scenario.ts';
import type { Effect } from '../world/world.ts';
import { simulateRollout } from './simulate-rollout.ts';

const RUNS = 12;
const BATCH_MS = 300_000;

/** Two days at 50 % and two at 100 % without control, judged against the baseline alone. */
const PLAN = planOf({
  baseline: { window: '7d' },
  stages: [
    { name: 'half', percentage: 50, duration: '2d' },
    { name: 'ga', percentage: 100, duration: 'permanent', monitor: '2d' },
  ],
  alerts: [],
  abortCriteria: [
    { metric: 'errorRate', limit: '1.25x baseline' },
    { metric: 'throughput', limit: '0.85x baseline' },
  ],
  killSwitch: undefined,
});

/** Rollouts on a site whose traffic swings by 60 % over the day, and its errors by 50 %. */
function runsOf(effects: readonly Effect[], baseline: 'capture' | 'model') {
  const built = buildWorld(PLAN, { requestsPerDay: 2_000_000, baselines: { errorRate: 0.005, revenue: 3 }, effects });
  if (!built.ok) throw new Error(built.message);
  const applied = applyScenarios(PLAN, built.world, ['diurnal']);
  if (!applied.ok) throw new Error(applied.message);
  return Array.from({ length: RUNS }, (_, seed) =>
    simulateRollout(PLAN, applied.world, seed + 1, { batchMs: BATCH_MS, baseline }),
  );
}

const outcomes = (runs: ReturnType<typeof runsOf>) => runs.map(({ outcome, abort }) => abort?.metric ?? outcome);

describe('a baseline that knows the hours of the week', () => {
  it('lets a harmless feature through days and nights, also at 100 % without control', () => {
    expect(new Set(outcomes(runsOf([], 'capture')))).toEqual(new Set(['completed']));
  });

  it('finds more errors and less traffic than at the same hour', () => {
    const errors = runsOf([{ metric: 'errorRate', factor: 1.6, onsetMs: 0 }], 'capture');
    expect(new Set(outcomes(errors))).toEqual(new Set(['errorRate']));
    const traffic = runsOf([{ metric: 'throughput', factor: 0.6, onsetMs: 0 }], 'capture');
    expect(new Set(outcomes(traffic))).toEqual(new Set(['throughput']));
  });

  it('is drawn from the model with the same result', () => {
    expect(new Set(outcomes(runsOf([], 'model')))).toEqual(new Set(['completed']));
  });
});

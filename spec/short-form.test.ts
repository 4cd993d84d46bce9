import { describeEvent, type Principal, planFromObject } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { VirtualSite } from '../bench/virtual-site.ts';
import { VirtualRollout } from './virtual-rollout.ts';

const ANA: Principal = { id: 'ana', kind: 'person', roles: ['operator', 'approver'] };
const BATCH_MS = 4 * 60_000;

// biome-ignore format: byte for byte as people write it
const rolloutConfig = {
  flagName: 'feature-xyz',
  stages: [
    { name: 'internal', percentage: 0.5, duration: '24h' }, { name: 'canary', percentage: 5, duration: '48h' },
    { name: 'beta', percentage: 25, duration: '1w' },       { name: 'ga', percentage: 100, duration: 'permanent' } ],
  abortCriteria: { errorRate: 0.01, p99Latency: 2.0, userComplaints: 10 },   // >1 %, >2x baseline, >10 in 24 h
  killSwitch: { flag: 'ai-feature-xyz-killswitch', autoTrip: true,
    tripConditions: { errorRate: 0.05, hallucinationRate: 0.15, costPerQuery: 0.50 } } };

const HEALTHY = { errorRate: 0.001, p99Seconds: 0.8, hallucinationRate: 0.03, costPerQuery: 0.1 };

/** Runs the short form on a site with 100,000 requests a day until it ends, or GA is entered. */
function run(seed: number, treatment: typeof HEALTHY): VirtualRollout {
  const parsed = planFromObject(rolloutConfig, { now: Date.UTC(2026, 0, 5, 9) });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const rollout = new VirtualRollout(parsed.plan, ANA, Date.UTC(2026, 0, 5, 9));
  const requestsPerSecond = 100_000 / 86_400;
  const site = new VirtualSite({
    flag: 'feature-xyz',
    users: 20_000,
    requestsPerSecond,
    treatment,
    control: HEALTHY,
    seed,
  });
  rollout.pass(ANA);
  for (let batch = 0; batch < 40 * 360; batch += 1) {
    rollout.tick(BATCH_MS, { series: site.step(rollout.state, BATCH_MS) });
    if (rollout.state.phase === 'monitoring' || rollout.state.phase === 'aborted') break;
  }
  return rollout;
}

describe('the short form on a site with 100,000 requests a day at 0.1 % errors', () => {
  it('reaches GA through its real gates', { timeout: 120_000 }, () => {
    const rollout = run(1, HEALTHY);
    const story = rollout.records.filter((one) => one.event.type.startsWith('Stage')).map((one) => describeEvent(one));
    expect(rollout.state.phase, story.join('\n')).toBe('monitoring');
    const days = (rollout.now - (rollout.state.attempts[0]?.startedAt ?? 0)) / 86_400_000;
    expect(days).toBeGreaterThanOrEqual(11);
    expect(days).toBeLessThan(16);
    expect(rollout.state.overrides).toEqual([]);
  });

  it('aborts when errors rise to 5 %', { timeout: 120_000 }, () => {
    const rollout = run(2, { ...HEALTHY, errorRate: 0.05 });
    expect(rollout.state.phase).toBe('aborted');
    expect(rollout.state.layers).toEqual([]);
  });
});

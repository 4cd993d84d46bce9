import { describe, expect, it } from 'vitest';
import type { Stage } from '../plan.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS } from './duration.ts';
import { ACCEPT_RANDOM_INTERNAL, withInternalSegment } from './internal-segment.ts';
import { type PlanResult, parsePlan, planFromObject } from './parse-plan.ts';
import { defineRollout } from './plan-schema.ts';

// biome-ignore format: the short form, byte for byte as people write it today
const rolloutConfig = {
  flagName: 'feature-xyz',
  stages: [
    { name: 'internal', percentage: 0.5, duration: '24h' }, { name: 'canary', percentage: 5, duration: '48h' },
    { name: 'beta', percentage: 25, duration: '1w' },       { name: 'ga', percentage: 100, duration: 'permanent' } ],
  abortCriteria: { errorRate: 0.01, p99Latency: 2.0, userComplaints: 10 },   // >1 %, >2x baseline, >10 in 24 h
  killSwitch: { flag: 'ai-feature-xyz-killswitch', autoTrip: true,
    tripConditions: { errorRate: 0.05, hallucinationRate: 0.15, costPerQuery: 0.50 } } };

const YAML = `flagName: feature-xyz
stages:
  - { name: internal, percentage: 0.5, duration: 24h }
  - { name: canary, percentage: 5, duration: 48h }
  - { name: beta, percentage: 25, duration: 1w }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: { errorRate: 0.01, p99Latency: 2.0, userComplaints: 10 }
killSwitch:
  flag: ai-feature-xyz-killswitch
  autoTrip: true
  tripConditions: { errorRate: 0.05, hallucinationRate: 0.15, costPerQuery: 0.50 }
`;

function planOf(result: PlanResult) {
  if (!result.ok) throw new Error(JSON.stringify(result.issues, null, 2));
  return result.plan;
}

const plan = planOf(planFromObject(defineRollout(rolloutConfig)));

describe('the short form', () => {
  it('is one plan as TypeScript, JSON and YAML', () => {
    expect(planOf(parsePlan(JSON.stringify(rolloutConfig)))).toEqual(plan);
    expect(planOf(parsePlan(JSON.stringify(rolloutConfig, null, '\t')))).toEqual(plan);
    expect(planOf(parsePlan(YAML))).toEqual(plan);
  });

  it('reads stages exactly, with what their names mean', () => {
    const brief = ({ name, weight, durationMs, maxDurationMs, onFail, onInconclusive }: Stage) => [
      name,
      weight,
      durationMs,
      maxDurationMs,
      onFail,
      onInconclusive,
    ];
    expect(plan.stages.map(brief)).toEqual([
      ['internal', 500, DAY_MS, 3 * DAY_MS, 'fix', 'hold'],
      ['canary', 5000, 2 * DAY_MS, 6 * DAY_MS, 'rollback', 'hold'],
      ['beta', 25_000, WEEK_MS, 3 * WEEK_MS, 'extend', 'extend'],
      ['ga', 100_000, null, null, 'rollback', 'hold'],
    ]);
  });

  it('gates every stage by the abort criteria, under one id for all stages and another per tier', () => {
    expect(plan.abortCriteria.map(({ id, limit, text }) => ({ id, limit, text }))).toEqual([
      { id: 'abort:errorRate:1%', limit: { kind: 'absolute', value: 0.01 }, text: '1 %' },
      {
        id: 'abort:p99Latency:2xbaseline',
        limit: { kind: 'relative', reference: 'baseline', ratio: 2, offset: 0 },
        text: '2x baseline',
      },
      {
        id: 'abort:userComplaints:10per24h',
        limit: { kind: 'count', count: 10, windowMs: DAY_MS },
        text: '10 per 24 h',
      },
    ]);
    for (const { gate, confirmations } of plan.stages) {
      expect(gate.map(({ id, tier }) => [id, tier])).toEqual([
        ['gate:errorRate:1%', 'gate'],
        ['gate:p99Latency:2xbaseline', 'gate'],
        ['gate:userComplaints:10per24h', 'gate'],
      ]);
      expect(confirmations).toEqual([]);
    }
  });

  it('reads the kill switch with the plain rule beside each trip', () => {
    expect(plan.killSwitch).toMatchObject({
      flag: 'ai-feature-xyz-killswitch',
      autoTrip: true,
      trips: [
        { id: 'kill:errorRate:5%', limit: { kind: 'absolute', value: 0.05 }, windowMs: 5 * MINUTE_MS, minSample: 50 },
        { id: 'kill:hallucinationRate:15%', limit: { kind: 'absolute', value: 0.15 } },
        { id: 'kill:costPerQuery:$0.50', limit: { kind: 'absolute', value: 0.5 } },
      ],
    });
  });

  it('fills every default', () => {
    expect(plan).toMatchObject({
      flag: 'feature-xyz',
      title: 'feature-xyz',
      version: 'unversioned',
      environment: 'production',
      timeScale: 1,
      treatment: 'on',
      control: 'off',
      owners: { stakeholders: [] },
      baseline: { windowMs: DAY_MS },
      exit: ['ga-stable', 'no-abort', 'docs-updated', 'flag-cleanup-scheduled'],
      retry: { cooldownMs: HOUR_MS, limit: 3, people: 'same' },
      calendar: { freeze: [], timeZone: 'UTC' },
      blindLimitMs: 20 * MINUTE_MS,
      onBlind: 'hold',
      monitorMs: 2 * WEEK_MS,
      alpha: 0.05,
      beta: 0.05,
      fourEyes: false,
      notify: [],
    });
    expect(Object.keys(plan.metrics)).toEqual([
      'errorRate',
      'p99Latency',
      'userComplaints',
      'hallucinationRate',
      'costPerQuery',
    ]);
    expect(plan.alerts.map(({ id, tier, text }) => [id, tier, text])).toEqual([
      ['alert:errorRate:baseline+1%', 'alert', 'baseline + 1%'],
      ['alert:p99Latency:2xbaseline', 'alert', '2x baseline'],
      ['alert:userComplaints:10per24h', 'alert', '10 per 24h'],
      ['alert:hallucinationRate:baseline+5%', 'alert', 'baseline + 5%'],
      ['alert:costPerQuery:1.5xbaseline', 'alert', '1.5x baseline'],
    ]);
  });

  it('asks a person to accept random people as internal, or targets the segment where one exists', () => {
    expect(plan.preflight).toEqual([
      'launch-readiness',
      'flag-configured',
      'dashboards-ready',
      'rollback-tested',
      ACCEPT_RANDOM_INTERNAL,
    ]);
    const targeted = withInternalSegment(plan);
    expect(targeted.preflight).not.toContain(ACCEPT_RANDOM_INTERNAL);
    expect(targeted.stages.map(({ audience }) => audience)).toEqual(['internal', undefined, undefined, undefined]);
    expect(withInternalSegment(targeted)).toBe(targeted);
  });

  it('keeps an audience that is named, and asks nobody then', () => {
    const stages = rolloutConfig.stages.map((stage) =>
      stage.name === 'internal' ? { ...stage, audience: 'team' } : stage,
    );
    expect(planOf(planFromObject({ ...rolloutConfig, stages })).preflight).not.toContain(ACCEPT_RANDOM_INTERNAL);
  });

  it('warns that nobody is held back at the end, and of nothing else', () => {
    expect(parsePlan(YAML, { file: 'plan.yaml' })).toMatchObject({
      ok: true,
      warnings: [
        { severity: 'warning', code: 'no-holdback', path: 'stages[3]', file: 'plan.yaml', line: 6, column: 5 },
      ],
    });
  });

  it('multiplies every duration by the time scale, and keeps the ids', () => {
    const demo = planOf(parsePlan(YAML, { timeScale: 0.001 }));
    expect(demo.timeScale).toBe(0.001);
    expect(demo.stages.map(({ durationMs, maxDurationMs }) => [durationMs, maxDurationMs])).toEqual([
      [86_400, 259_200],
      [172_800, 518_400],
      [604_800, 1_814_400],
      [null, null],
    ]);
    expect(demo.stages[0]!.gate[2]).toMatchObject({ id: 'gate:userComplaints:10per24h', limit: { windowMs: 86_400 } });
    expect(demo.abortCriteria[2]!.limit).toEqual({ kind: 'count', count: 10, windowMs: 86_400 });
    expect(demo.alerts[2]!.limit).toEqual({ kind: 'count', count: 10, windowMs: 86_400 });
    expect(demo.killSwitch!.trips[0]!.windowMs).toBe(300);
    expect(demo).toMatchObject({
      baseline: { windowMs: 86_400 },
      retry: { cooldownMs: 3600 },
      blindLimitMs: 1200,
      monitorMs: 1_209_600,
    });
    expect(demo.metrics.errorRate!.lagMs).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS } from './duration.ts';
import { type PlanResult, parsePlan } from './parse-plan.ts';

const LONG = `flag: feature-xyz                      # created if absent
version: build-4711                    # build, prompt or model version: a retry needs a new one for fresh statistics
title: Feature XYZ
owners: { operator: team-web, observer: team-o11y, analyst: agent:triage, stakeholders: [product@example.com] }
preflight: [launch-readiness, flag-configured, dashboards-ready, rollback-tested]
baseline: { window: 7d }
metrics:
  errorRate: { source: prometheus, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total, arm: feature_variant }
  engagement: { source: sql, query: engagement.sql, unit: user }
stages:
  - { name: internal, audience: team, percentage: 100, duration: 24h,
      gate: [ { metric: errorRate, limit: baseline + 0.5% }, { confirm: No critical bugs }, { confirm: Internal feedback positive } ] }
  - { name: canary, percentage: 5, duration: 48h,
      gate: [ { metric: errorRate, limit: control + 0.5% }, { metric: p99Latency, limit: 1.5x control }, { metric: supportTickets, limit: no spike } ] }
  - { name: beta, percentage: 25, duration: 1w, onInconclusive: extend,
      gate: [ { stage: canary }, { metric: conversion, limit: not worse than control by 2%, optional: true }, { metric: engagement, limit: not worse than control by 5% } ] }
  - { name: ga, percentage: 100, duration: permanent, holdback: 0, monitor: 2w }
abortCriteria: [ { metric: errorRate, limit: 1% }, { metric: p99Latency, limit: 2x baseline }, { metric: userComplaints, limit: 10 per 24h } ]
killSwitch: { flag: ai-feature-xyz-killswitch, autoTrip: true, trip: [ { metric: errorRate, limit: 5% }, { metric: hallucinationRate, limit: 15% }, { metric: costPerQuery, limit: $0.50 } ] }
retry: { cooldown: 1h, limit: 3 }
calendar: { advance: 'Mon-Thu 09:00-16:00 Europe/Paris', freeze: [2026-12-18..2027-01-04] }   # stops advances, never rollbacks
exit: [ ga-stable, no-abort, docs-updated, flag-cleanup-scheduled ]
notify: [ pager, { channel: team-slack, events: [stage.*, rollout.*], severity: [page, warn, info], audience: stakeholders, digest: 15m } ]
tracker: { name: plane, project: FEAT }
next: { webhook: https://example.com/done }
`;

function planOf(result: PlanResult) {
  if (!result.ok) throw new Error(JSON.stringify(result.issues, null, 2));
  return result.plan;
}

/** A small valid plan with more keys. */
function small(more: string) {
  return parsePlan(
    `flag: f\nstages:\n  - { name: canary, percentage: 5, duration: 1d, gate: [ { confirm: ok } ] }\n  - { name: ga, percentage: 100 }\n${more}`,
  );
}

describe('the long form', () => {
  const plan = planOf(parsePlan(LONG));

  it('keeps who, what and the hand-overs', () => {
    expect(plan).toMatchObject({
      flag: 'feature-xyz',
      version: 'build-4711',
      title: 'Feature XYZ',
      owners: {
        operator: 'team-web',
        observer: 'team-o11y',
        analyst: 'agent:triage',
        stakeholders: ['product@example.com'],
      },
      baseline: { windowMs: WEEK_MS },
      notify: [
        { channel: 'pager' },
        {
          channel: 'team-slack',
          events: ['stage.*', 'rollout.*'],
          severity: ['page', 'warn', 'info'],
          audience: ['stakeholders'],
          digestMs: 15 * MINUTE_MS,
        },
      ],
      tracker: {
        name: 'plane',
        project: 'FEAT',
        title: 'Release: Feature XYZ Progressive Rollout',
        priority: 2,
        labels: ['release'],
        state: 'In Progress',
      },
      next: { webhook: 'https://example.com/done' },
      monitorMs: 2 * WEEK_MS,
      calendar: {
        advance: { days: [1, 2, 3, 4], fromMinute: 540, toMinute: 960, timeZone: 'Europe/Paris' },
        freeze: [{ from: '2026-12-18', to: '2027-01-04' }],
        timeZone: 'Europe/Paris',
      },
    });
    expect(plan.preflight).not.toContain('accept-random-internal');
  });

  it('binds metrics to sources, with what the connector needs', () => {
    expect(plan.metrics.errorRate).toEqual({
      name: 'errorRate',
      kind: 'proportion',
      unit: 'ratio',
      harm: 'higher',
      per: 'request',
      source: 'prometheus',
      binding: { bad: 'http_requests_total{code=~"5.."}', total: 'http_requests_total', arm: 'feature_variant' },
      lagMs: 0,
      designEffect: 1,
    });
    expect(plan.metrics.engagement).toMatchObject({
      unit: 'value',
      per: 'user',
      source: 'sql',
      binding: { query: 'engagement.sql' },
    });
  });

  it('reads gates: checks, confirmations, and another stage by name', () => {
    const [internal, canary, beta, ga] = plan.stages;
    expect(internal).toMatchObject({
      audience: 'team',
      weight: 100_000,
      confirmations: ['No critical bugs', 'Internal feedback positive'],
      gate: [{ id: 'gate:errorRate:baseline+0.5%', text: 'baseline + 0.5%' }],
    });
    const shared = ['gate:errorRate:control+0.5%', 'gate:p99Latency:1.5xcontrol', 'gate:supportTickets:2xcontrol'];
    expect(canary!.gate.map(({ id }) => id)).toEqual(shared);
    expect(beta!.gate.map(({ id, optional }) => [id, optional])).toEqual([
      ...shared.map((id) => [id, false]),
      ['gate:conversion:control-2%', true],
      ['gate:engagement:0.95xcontrol', false],
    ]);
    expect(ga!.gate.map(({ id }) => id)).toEqual([
      'gate:errorRate:1%',
      'gate:p99Latency:2xbaseline',
      'gate:userComplaints:10per24h',
    ]);
  });

  it('is equal for JSON of the same values', () => {
    const result = small('abortCriteria: [ { metric: errorRate, limit: 1% } ]');
    const json = parsePlan(
      '{"flag":"f","stages":[{"name":"canary","percentage":5,"duration":"1d","gate":[{"confirm":"ok"}]},{"name":"ga","percentage":100}],"abortCriteria":[{"metric":"errorRate","limit":"1%"}]}',
    );
    expect(planOf(json)).toEqual(planOf(result));
  });
});

describe('keys of the long form', () => {
  it('set everything they name', () => {
    const plan = planOf(
      small(`version: 4711
environment: staging
owners: { stakeholders: a@example.com }
variants: { treatment: new, control: old }
preflight: [drill]
exit: [done]
onBlind: rollback
blindLimit: 5m
fourEyes: true
alpha: 0.01
beta: 0.1
retry: { cooldown: 0s, limit: 0, people: fresh }
notify: { channel: ops, severity: page, digest: 10m }
alerts: [ { metric: errorRate, limit: 3%, weight: 2, attribution: required } ]
calendar: { freeze: [ { from: 2026-12-24, to: 2026-12-26 }, 2027-01-01 ], timeZone: Asia/Kolkata }
override: because
timeScale: 0.5
`),
    );
    expect(plan).toMatchObject({
      version: '4711',
      environment: 'staging',
      owners: { stakeholders: ['a@example.com'] },
      treatment: 'new',
      control: 'old',
      preflight: ['drill'],
      exit: ['done'],
      onBlind: 'rollback',
      blindLimitMs: 2.5 * MINUTE_MS,
      fourEyes: true,
      alpha: 0.01,
      beta: 0.1,
      retry: { cooldownMs: 0, limit: 0, people: 'fresh' },
      notify: [{ channel: 'ops', severity: ['page'], digestMs: 5 * MINUTE_MS }],
      alerts: [{ id: 'alert:errorRate:3%', weight: 2, attribution: 'required' }],
      calendar: {
        freeze: [
          { from: '2026-12-24', to: '2026-12-26' },
          { from: '2027-01-01', to: '2027-01-01' },
        ],
        timeZone: 'Asia/Kolkata',
      },
      override: 'because',
      timeScale: 0.5,
    });
    expect(plan.stages[0]!.durationMs).toBe(12 * HOUR_MS);
  });

  it("make a team's own metrics", () => {
    const plan = planOf(
      small(`metrics:
  refunds: { kind: count, harm: higher, source: sql, query: refunds.sql, lag: 1h }
  p50Latency: { kind: quantile, harm: higher, quantile: 0.5, designEffect: 2 }
  p99Latency: { quantile: 0.999, per: session }
  latency: { kind: quantile, harm: higher, unit: value }
  errorRate: { per: user }
  quality: { kind: mean, harm: lower, unit: score }
  costPerQuery: { kind: mean, unit: USD }
abortCriteria: { refunds: 3, p50Latency: 300ms, quality: 0.9 }
killSwitch: { flag: k, autoTrip: false, trip: [ { metric: refunds, limit: 9 per 1h, window: 1m, minSample: 1 } ] }
`),
    );
    expect(plan.metrics).toMatchObject({
      refunds: { unit: 'events', per: 'day', lagMs: HOUR_MS, binding: { query: 'refunds.sql' } },
      p50Latency: { unit: 'seconds', quantile: 0.5, designEffect: 2, per: 'request', source: 'telemetry', binding: {} },
      p99Latency: { quantile: 0.999, per: 'session' },
      latency: { unit: 'value', quantile: 0.99 },
      errorRate: { per: 'user' },
      quality: { unit: 'score', kind: 'mean' },
      costPerQuery: { unit: 'USD', kind: 'mean' },
    });
    expect(plan.abortCriteria.map(({ limit }) => limit)).toEqual([
      { kind: 'count', count: 3, windowMs: DAY_MS },
      { kind: 'absolute', value: 0.3 },
      { kind: 'absolute', value: 0.9 },
    ]);
    expect(plan.killSwitch).toMatchObject({ autoTrip: false, trips: [{ windowMs: MINUTE_MS, minSample: 1 }] });
    expect(plan.alerts.map(({ metric }) => metric)).not.toContain('refunds');
  });

  it('give a limit at its reference a pass line of its own, also under a time scale', () => {
    const text = `flag: f
timeScale: 0.5
stages:
  - { name: canary, percentage: 5, duration: 1d, gate: [ { metric: errorRate, limit: 1x control, margin: 1.2x }, { metric: p99Latency, limit: not worse than control } ] }
  - { name: ga, percentage: 100 }
`;
    expect(planOf(parsePlan(text)).stages[0]!.gate).toMatchObject([
      { limit: { ratio: 1 }, passLimit: { kind: 'relative', reference: 'control', ratio: 1.2, offset: 0 } },
      { limit: { ratio: 1 }, passLimit: { ratio: 1.1 } },
    ]);
  });

  it('hold people back at 100 %, and monitor as long as a last stage says', () => {
    const ending = (last: string) =>
      parsePlan(
        `flag: f\nabortCriteria: { errorRate: 1% }\nstages:\n  - { name: canary, percentage: 5, duration: 1d }\n  - { name: ga, ${last} }\n`,
      );
    const held = planOf(ending('percentage: 100, holdback: 2.5'));
    expect(held.stages[1]).toMatchObject({ weight: 97_500, durationMs: null });
    const whole = ending('percentage: 100, duration: 3d');
    expect(whole).toMatchObject({
      ok: true,
      plan: { monitorMs: 3 * DAY_MS, stages: [{}, { durationMs: null, maxDurationMs: null }] },
    });
    expect(whole.ok && whole.warnings.map(({ code }) => code)).toEqual(['no-holdback', 'monitor-from-duration']);
    expect(planOf(ending('percentage: 100, monitor: 1w')).monitorMs).toBe(WEEK_MS);
    expect(planOf(ending('percentage: 50, duration: permanent')).stages[1]!.weight).toBe(50_000);
  });

  it('include a stage once, though its checks are listed again before', () => {
    const text = `flag: f
stages:
  - { name: a, percentage: 5, duration: 1d, gate: [ { metric: errorRate, limit: 1% } ] }
  - { name: b, percentage: 9, duration: 1d, gate: [ { metric: errorRate, limit: 0.01 }, { stage: a } ] }
  - { name: ga, percentage: 100 }
`;
    expect(planOf(parsePlan(text)).stages[1]!.gate.map(({ id }) => id)).toEqual(['gate:errorRate:1%']);
  });

  it.each([
    ['Mon,Wed 9:00-24:00', { days: [1, 3], fromMinute: 540, toMinute: 1440, timeZone: 'UTC' }],
    ['Fri-Mon 00:00-01:30 UTC', { days: [1, 5, 6, 7], fromMinute: 0, toMinute: 90, timeZone: 'UTC' }],
    ['daily 09:00 - 17:00', { days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 540, toMinute: 1020, timeZone: 'UTC' }],
  ])('read the calendar %s', (advance, expected) => {
    expect(planOf(small(`calendar: { advance: '${advance}' }`)).calendar).toEqual({
      advance: expected,
      freeze: [],
      timeZone: 'UTC',
    });
  });
});

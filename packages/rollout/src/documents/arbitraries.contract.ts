import type { EventRecord, RolloutEvent } from '../event.ts';
import { replay } from '../evolve.ts';
import type { Check, Metric, Plan, Stage } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { MetricSnapshot, Verdict } from '../verdict.ts';

/** 2026-01-05 09:00 UTC, when the sample rollout starts. */
export const START_AT = Date.UTC(2026, 0, 5, 9);
/** An hour and a day in ms. */
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

const metric = (name: string, kind: Metric['kind'], unit: Metric['unit']): Metric => ({
  name,
  kind,
  unit,
  harm: 'higher',
  per: 'request',
  source: 'telemetry',
  binding: {},
  lagMs: 0,
  designEffect: 1,
});

/** A gate check of the sample plan. */
export const ERROR_CHECK: Check = {
  id: 'gate:errorRate:1%',
  tier: 'gate',
  metric: 'errorRate',
  limit: { kind: 'absolute', value: 0.01 },
  text: '1 %',
  optional: false,
  attribution: 'any',
  weight: 1,
};

const stage = (name: string, weight: number, durationMs: number | null, rest: Partial<Stage> = {}): Stage => ({
  name,
  weight,
  durationMs,
  maxDurationMs: durationMs === null ? null : 3 * durationMs,
  gate: [ERROR_CHECK],
  confirmations: [],
  onFail: 'rollback',
  onInconclusive: 'hold',
  ...rest,
});

/** The sample plan: feature XYZ over internal, canary, beta and ga. */
export const SAMPLE_PLAN: Plan = {
  flag: 'feature-xyz',
  title: 'XYZ',
  version: 'build-4711',
  environment: 'production',
  timeScale: 1,
  treatment: 'on',
  control: 'off',
  owners: { operator: 'team-web', analyst: 'agent:triage', stakeholders: ['product@example.com'] },
  preflight: ['launch-readiness'],
  baseline: { windowMs: 7 * DAY_MS },
  metrics: {
    errorRate: metric('errorRate', 'proportion', 'ratio'),
    p99Latency: metric('p99Latency', 'quantile', 'seconds'),
  },
  stages: [
    stage('internal', 500, DAY_MS, { audience: 'team', confirmations: ['No critical bugs'] }),
    stage('canary', 5000, 2 * DAY_MS),
    stage('beta', 25_000, 7 * DAY_MS),
    stage('ga', 100_000, null),
  ],
  abortCriteria: [],
  alerts: [],
  retry: { cooldownMs: HOUR_MS, limit: 3, people: 'same' },
  calendar: { freeze: [], timeZone: 'UTC' },
  blindLimitMs: 1_200_000,
  onBlind: 'hold',
  monitorMs: 14 * DAY_MS,
  exit: ['docs-updated'],
  alpha: 0.05,
  beta: 0.05,
  fourEyes: false,
  notify: [],
};

/** A passing verdict on the error rate; `rest` replaces parts of it. */
export function verdict(rest: Partial<Verdict> = {}): Verdict {
  return {
    check: ERROR_CHECK.id,
    tier: 'gate',
    metric: 'errorRate',
    status: 'pass',
    limit: '1 %',
    failLine: 0.01,
    passLine: 0.01,
    value: 0.0012,
    reference: { kind: 'control', value: 0.0011 },
    interval: [0.0008, 0.0018],
    treatmentCount: 12_000,
    controlCount: 36_000,
    logEFail: -4.2,
    logEPass: 5.125,
    failAt: 4.38,
    passAt: 3,
    method: 'a3 bounded rate',
    validity: 'exact',
    wouldChange: 'about 120 more errors',
    source: 'telemetry',
    ...rest,
  };
}

/** Error rate and p99 latency as seen in one stage. */
export function snapshots(errorRate: number, p99Latency: number): readonly MetricSnapshot[] {
  return [
    { metric: 'errorRate', observed: errorRate, baseline: 0.001, count: 12_000, status: 'pass' },
    { metric: 'p99Latency', observed: p99Latency, control: 0.4, count: 12_000, status: 'pass' },
  ];
}

/** What happens when, after the start, by whom. */
export type Happening = readonly [afterMs: number, by: string, event: RolloutEvent];

/** Numbers the happenings into a stream. */
export function recordsFrom(happenings: readonly Happening[]): readonly EventRecord[] {
  return happenings.map(([afterMs, by, event], index) => ({ version: index + 1, at: START_AT + afterMs, by, event }));
}

/** The state that records make, which must not be empty. */
export function stateOf(records: readonly EventRecord[]): RolloutState {
  const state = replay(records);
  if (state === undefined) throw new TypeError('received no records; give at least RolloutCreated');
  return state;
}

/** Entering a stage of the sample plan. */
export function entered(index: number, epoch: number, plan: Plan = SAMPLE_PLAN): RolloutEvent {
  const layers = plan.stages
    .slice(0, index + 1)
    .map((one) => ({ weight: one.weight, ...(one.audience !== undefined && { segment: one.audience }) }));
  const { name = '', durationMs = 0 } = plan.stages[index] ?? {};
  return { type: 'StageEntered', index, name, layers, epoch, durationMs: durationMs ?? 0, why: 'gate passed' };
}

/** From creation to exposure of the first stage. */
export function opening(plan: Plan = SAMPLE_PLAN): readonly Happening[] {
  return [
    [-3 * HOUR_MS, 'ana', { type: 'RolloutCreated', id: 'r1', plan, warnings: [] }],
    [-2 * HOUR_MS, 'ana', { type: 'AttemptStarted', attempt: 1, version: plan.version, statistics: 1 }],
    [-2 * HOUR_MS, 'ana', { type: 'PreflightStarted', items: plan.preflight }],
    [
      -HOUR_MS,
      'bo',
      { type: 'ItemAttested', list: 'preflight', item: 'launch-readiness', evidence: 'https://ci.example/1' },
    ],
    [0, 'rampart', entered(0, 1, plan)],
  ];
}

/** The sample report's story: internal and canary passed, beta in progress with a passing gate, two issues. */
export function sampleHappenings(plan: Plan = SAMPLE_PLAN): readonly Happening[] {
  const passed = (index: number, name: string, errorRate: number, latency: number): RolloutEvent => ({
    type: 'StagePassed',
    index,
    name,
    metrics: snapshots(errorRate, latency),
    verdicts: [verdict()],
  });
  return [
    ...opening(plan),
    [2 * HOUR_MS, 'ana', { type: 'IssueAdded', number: 1, title: 'Slow search', severity: 'minor' }],
    [DAY_MS, 'rampart', passed(0, 'internal', 0.0009, 0.39)],
    [DAY_MS, 'rampart', entered(1, 2, plan)],
    [DAY_MS + HOUR_MS, 'ana', { type: 'IssueChanged', number: 1, status: 'fixed' }],
    [
      2 * DAY_MS,
      'ana',
      { type: 'IssueAdded', number: 2, title: 'Memory grows', severity: 'major', link: 'https://t.example/2' },
    ],
    [2 * DAY_MS, 'ana', { type: 'IssueChanged', number: 2, status: 'monitoring' }],
    [3 * DAY_MS, 'rampart', passed(1, 'canary', 0.0011, 0.412)],
    [3 * DAY_MS, 'rampart', entered(2, 3, plan)],
    [4 * DAY_MS, 'rampart', { type: 'ChecksJudged', verdicts: [verdict()], metrics: snapshots(0.0012, 0.42) }],
  ];
}

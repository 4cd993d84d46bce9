import type { RolloutEvent } from '../event.ts';
import type { Plan } from '../plan.ts';
import {
  DAY_MS,
  entered,
  type Happening,
  HOUR_MS,
  opening,
  SAMPLE_PLAN,
  START_AT,
  sampleHappenings,
  snapshots,
  verdict,
} from './arbitraries.contract.ts';

const BASELINE = {
  version: 2,
  source: 'history' as const,
  fromAt: START_AT - 7 * DAY_MS,
  toAt: START_AT - HOUR_MS,
  metrics: {
    errorRate: { value: 0.00104, count: 812_345, low: 0.00091, high: 0.00119 },
    p99Latency: { value: 0.403, count: 811_002, low: 0.39, high: 0.41 },
  },
};

/** The check that is breached in the rich story. */
export const BREACHED = verdict({
  check: 'abort:errorRate:1%',
  tier: 'abort',
  status: 'fail',
  value: 0.0213,
  interval: [0.0171, 0.0262],
  treatmentCount: 12_345,
  controlCount: 37_011,
  logEFail: 6.52,
  logEPass: -140,
});

const judged = (after: number, value: number, logEFail: number): Happening => [
  after,
  'rampart',
  {
    type: 'ChecksJudged',
    verdicts: [{ ...BREACHED, status: 'inconclusive', value, logEFail, interval: [value / 2, value * 2] }],
    metrics: snapshots(value, 0.42),
  },
];

const ABORTED: RolloutEvent = {
  type: 'RolloutAborted',
  kind: 'criterion',
  reason: 'errorRate is 2.13 %, beyond 1 %',
  incident: 1,
  stage: 'beta',
  epoch: 4,
  verdict: BREACHED,
  people: { treatment: 1203, control: 3607, targeted: 34, exposed: { atLeast: 611, atMost: 1844 } },
  metrics: snapshots(0.0213, 0.4),
  assignee: 'agent:triage',
  failed: [BREACHED.check],
};
const AT = 4 * DAY_MS + 7 * HOUR_MS;
const MINUTE_MS = 60_000;

/** A plan that says why it overrides a rule. */
export const RICH_PLAN: Plan = { ...SAMPLE_PLAN, override: 'day 1 at 25 % was agreed with 3 teams' };

/**
 * A rollout to which nearly everything happens: baseline, judgements, an abort that is slow to take, triage, work on the incident, and a second
 * attempt with a new version.
 */
export function richHappenings(plan: Plan = RICH_PLAN): readonly Happening[] {
  const [first, ...rest] = sampleHappenings(plan);
  const start = opening(plan).length - 1;
  return [
    ...(first ? [first] : []),
    ...rest.slice(0, start - 1),
    [-30 * MINUTE_MS, 'ana', { type: 'BaselineCaptured', baseline: BASELINE, reason: 'week 52 was odd' }],
    ...rest.slice(start - 1),
    judged(4 * DAY_MS + HOUR_MS, 0.0041, 0.4),
    judged(4 * DAY_MS + 2 * HOUR_MS, 0.0093, 1.73),
    [4 * DAY_MS + 3 * HOUR_MS, 'bo', { type: 'StageExtended', byMs: DAY_MS, reason: 'only 4,812 users' }],
    [AT - MINUTE_MS, 'rampart', { type: 'ChecksJudged', verdicts: [BREACHED], metrics: snapshots(0.0213, 0.4) }],
    [AT, 'rampart', ABORTED],
    [
      AT + MINUTE_MS,
      'rampart',
      { type: 'AbortUnconfirmed', incident: 1, acknowledged: 9, connected: 12, treated: 57, treating: 3 },
    ],
    [AT + 92_000, 'rampart', { type: 'AbortTookEffect', incident: 1, acknowledged: 12, connected: 12 }],
    [AT + 131_000, 'rampart', { type: 'ExposureFell', incident: 1, reports: 37 }],
    [AT + 5 * MINUTE_MS, 'agent:triage', { type: 'IncidentAcknowledged', incident: 1 }],
    [AT + 6 * MINUTE_MS, 'bo', { type: 'IncidentRated', incident: 1, severity: 'critical', reason: '34 targeted' }],
    [AT + 7 * MINUTE_MS, 'bo', { type: 'IncidentNoted', incident: 1, text: 'Pool of 5 at 100 % since 11:08' }],
    [
      AT + 8 * MINUTE_MS,
      'bo',
      { type: 'IncidentLinked', incident: 1, title: 'Errors', url: 'https://grafana.example/d/77?from=1' },
    ],
    [AT + HOUR_MS, 'agent:triage', { type: 'RootCauseRecorded', incident: 1, text: 'Pool of 5 connections' }],
    [
      AT + 2 * HOUR_MS,
      'bo',
      {
        type: 'ActionAdded',
        incident: 1,
        action: 1,
        text: 'Alert at 80 % of the pool',
        owner: 'team-db',
        link: 'https://t.example/811',
      },
    ],
    [AT + 2 * HOUR_MS, 'bo', { type: 'ActionAdded', incident: 1, action: 2, text: 'Load test with 50' }],
    [AT + 3 * HOUR_MS, 'cy', { type: 'ActionDone', incident: 1, action: 2 }],
    [
      AT + 4 * HOUR_MS,
      'bo',
      { type: 'FixRecorded', incident: 1, text: 'Pool of 50', reference: 'https://git.example/pull/7' },
    ],
    [AT + 5 * HOUR_MS, 'bo', { type: 'IncidentResolved', incident: 1 }],
    [
      AT + 6 * HOUR_MS,
      'ana',
      { type: 'AttemptStarted', attempt: 2, version: 'build-4712', statistics: 2, salt: 'feature-xyz#2' },
    ],
    [AT + 6 * HOUR_MS, 'rampart', entered(0, 5, plan)],
    [AT + 9 * HOUR_MS, 'rampart', { type: 'ChecksJudged', verdicts: [verdict()], metrics: snapshots(0.0012, 0.42) }],
  ];
}

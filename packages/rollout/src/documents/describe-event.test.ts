import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../event.ts';
import { SAMPLE_PLAN, START_AT, verdict } from './arbitraries.contract.ts';
import { describeEvent } from './describe-event.ts';

const people = { treatment: 1200, control: 3, targeted: 34 };
const told = (event: RolloutEvent, by = 'ana') => describeEvent({ version: 1, at: START_AT, by, event });
const warning = { severity: 'warning', code: 'x', message: 'weak gate', path: '' } as const;
const baseline = { fromAt: START_AT, toAt: START_AT + 60_000, metrics: {} };
const layers = [{ weight: 500 }];
const aborted = {
  type: 'RolloutAborted',
  kind: 'gate',
  reason: 'errors',
  incident: 1,
  stage: 'beta',
  epoch: 4,
  people,
  metrics: [],
  failed: [],
} as const;

const LINES: readonly (readonly [RolloutEvent, string])[] = [
  [
    { type: 'RolloutCreated', id: 'r', plan: SAMPLE_PLAN, warnings: [warning] },
    'ana created the rollout of feature-xyz build-4711 in production, with warnings: weak gate',
  ],
  [{ type: 'PreflightStarted', items: [] }, 'ana started pre-flight, which has no items'],
  [{ type: 'PreflightStarted', items: ['a', 'b'] }, 'ana started pre-flight, which needs: a, b'],
  [
    { type: 'ItemAttested', list: 'confirmation', item: 'beta: OK', note: 'saw it' },
    'ana confirmed "beta: OK": saw it',
  ],
  [{ type: 'ItemAttested', list: 'exit', item: 'docs', evidence: 'u' }, 'ana gave the exit item "docs" (evidence: u)'],
  [{ type: 'BaselineStarted' }, 'ana started to capture the baseline'],
  [
    { type: 'BaselineCaptured', baseline },
    'ana captured the baseline from 2026-01-05 09:00 UTC to 2026-01-05 09:01 UTC: no metric had data',
  ],
  [
    { type: 'StageEntered', index: 3, name: 'ga', layers, epoch: 1, durationMs: 0, why: 'passed' },
    'ana entered stage ga, exposing 0.5 % of everyone: passed',
  ],
  [{ type: 'StagePassed', index: 0, name: 'beta', metrics: [], verdicts: [] }, 'ana passed stage beta'],
  [
    { type: 'StagePassed', index: 0, name: 'beta', metrics: [], verdicts: [], overridden: true },
    'ana moved past stage beta by override',
  ],
  [
    { type: 'ChecksJudged', metrics: [], verdicts: [verdict(), verdict({ status: 'no-data' })] },
    'Checks judged: errorRate (1 %) pass, errorRate (1 %) no-data',
  ],
  [{ type: 'ChecksJudged', metrics: [], verdicts: [] }, 'Checks judged: none'],
  [
    { type: 'AlertRaised', check: 'c', verdict: verdict({ value: 0.021 }) },
    'Alert raised: errorRate 2.1 % against limit 1 %',
  ],
  [{ type: 'AlertCleared', check: 'c' }, 'Alert cleared: c'],
  [{ type: 'DataFoundInvalid', why: '60:40' }, 'Data found invalid, comparisons do not count: 60:40'],
  [{ type: 'DataFoundValid' }, 'Data found valid again'],
  [{ type: 'RolloutHeld', reason: 'legal' }, 'ana held the rollout: legal'],
  [{ type: 'RolloutResumed' }, 'ana resumed the rollout'],
  [{ type: 'RolloutResumed', reason: 'done' }, 'ana resumed the rollout: done'],
  [{ type: 'StageExtended', byMs: 604_800_000, reason: 'unsure' }, 'ana extended the stage by 7 d: unsure'],
  [{ type: 'StageExtended', byMs: 17_280, reason: 'unsure' }, 'ana extended the stage by 17 s: unsure'],
  [{ type: 'SightLost', since: START_AT, why: 'silent' }, 'No fresh evidence since 2026-01-05 09:00 UTC: silent'],
  [
    { type: 'GateAnswered', gate: 'change-calendar', open: false, why: 'it answered 503' },
    'ana found gate change-calendar closed: it answered 503',
  ],
  [
    { type: 'GateAnswered', gate: 'change-calendar', open: true, why: 'it answered 200' },
    'ana found gate change-calendar open: it answered 200',
  ],
  [
    { type: 'RolloutStuck', since: START_AT, waitingFor: ['confirmation "x"', 'fresh evidence'] },
    'It could go on by time since 2026-01-05 09:00 UTC, and waits for confirmation "x"; fresh evidence',
  ],
  [
    { type: 'IncidentUnattended', incident: 2, since: START_AT },
    'Nobody has taken on incident 2 since 2026-01-05 09:00 UTC',
  ],
  [
    { type: 'BlindLimitReached', since: START_AT },
    'Still no fresh evidence since 2026-01-05 09:00 UTC: on-call is told',
  ],
  [
    {
      type: 'JudgeCalibrated',
      ...{ metric: 'faithfulness', goldenSet: 'g-1', items: 30, failed: 2, judge: 'gpt-judge', cost: 1 },
      ...{ mean: 0.71, deviation: 0.21, tolerance: 0.05, drifted: true },
    },
    'ana calibrated the judge of faithfulness (gpt-judge) on g-1: mean 0.71 over 30 items, 2 could not be scored, off by 0.21 of 0.05 allowed: it has drifted, its scores do not count',
  ],
  [
    { type: 'JudgeBudgetSpent', metric: 'faithfulness', cost: 20.4, budget: 20 },
    'Judging faithfulness has cost $20.40 of its budget of $20.00',
  ],
  [{ type: 'SightReturned' }, 'Fresh evidence is back'],
  [{ type: 'PrincipalAsked', question: 'go?', undecided: [] }, 'ana asked a principal to decide: go?'],
  [
    { type: 'PrincipalAsked', question: 'go?', undecided: ['a'] },
    'ana asked a principal to decide: go? (undecided: a)',
  ],
  [{ type: 'ProposalMade', number: 1, action: 'kill', reason: 'bad' }, 'ana made proposal 1 to kill: bad'],
  [{ type: 'ProposalDecided', number: 1, approved: true }, 'ana approved proposal 1'],
  [{ type: 'ProposalDecided', number: 1, approved: false, reason: 'no' }, 'ana declined proposal 1: no'],
  [{ type: 'OverrideRecorded', what: 'proceed', reason: 'launch' }, 'ana overrode "proceed": launch'],
  [{ type: 'KillSwitchTripped', reason: 'bad' }, 'ana tripped the kill switch: bad'],
  [{ type: 'KillSwitchRearmed', reason: 'ok' }, 'ana re-armed the kill switch, exposure stays 0: ok'],
  [aborted, 'ana set exposure to 0 in stage beta: errors (incident 1, at most 1,234 people had been exposed)'],
  [
    { ...aborted, issue: 'Fix errors' },
    'ana set exposure to 0 in stage beta: errors (incident 1, at most 1,234 people had been exposed, issue opened: Fix errors)',
  ],
  [
    { type: 'AbortTookEffect', incident: 1, acknowledged: 9, connected: 10 },
    'Exposure 0 took effect for incident 1: 9 of 10 connected SDKs confirmed it',
  ],
  [
    { ...aborted, people: { ...people, exposed: { atLeast: 7, atMost: 1300 } } },
    'ana set exposure to 0 in stage beta: errors (incident 1, between 7 and 1,300 people had been exposed)',
  ],
  [
    { ...aborted, people: { ...people, exposed: { atLeast: 7, atMost: 7 } } },
    'ana set exposure to 0 in stage beta: errors (incident 1, 7 people had been exposed)',
  ],
  [
    { type: 'ExposureFell', incident: 1, reports: 1 },
    'Exposure fell after incident 1: nobody treated in 1 report of telemetry gathered since',
  ],
  [
    { type: 'ExposureFell', incident: 1, reports: 12 },
    'Exposure fell after incident 1: nobody treated in 12 reports of telemetry gathered since',
  ],
  [
    { type: 'AbortUnconfirmed', incident: 1, acknowledged: 9, connected: 12, treated: 0, treating: 0 },
    'Abort of incident 1 not confirmed in time: 9 of 12 connected SDKs have confirmed exposure 0: on-call is told',
  ],
  [
    { type: 'AbortUnconfirmed', incident: 1, acknowledged: 12, connected: 12, treated: 40, treating: 1 },
    'Abort of incident 1 not confirmed in time: 12 of 12 connected SDKs have confirmed exposure 0, 40 observations of the feature since in 1 process: on-call is told',
  ],
  [
    { type: 'AbortUnconfirmed', incident: 1, acknowledged: 12, connected: 12, treated: 40, treating: 2 },
    'Abort of incident 1 not confirmed in time: 12 of 12 connected SDKs have confirmed exposure 0, 40 observations of the feature since in 2 processes: on-call is told',
  ],
  [{ type: 'IncidentAcknowledged', incident: 1 }, 'ana began the triage of incident 1'],
  [{ type: 'IncidentRated', incident: 1, severity: 'minor', reason: 'few' }, 'ana rated incident 1 minor: few'],
  [{ type: 'IncidentNoted', incident: 1, text: 'pool' }, 'ana noted on incident 1: pool'],
  [
    { type: 'IncidentLinked', incident: 1, title: 'Logs', url: 'https://l.example' },
    'ana linked Logs to incident 1: https://l.example',
  ],
  [
    { type: 'ActionAdded', incident: 1, action: 2, text: 'alert', owner: 'bo', link: 'https://t.example' },
    'ana added action item 2 of incident 1 for bo: alert (https://t.example)',
  ],
  [{ type: 'ActionAdded', incident: 1, action: 2, text: 'alert' }, 'ana added action item 2 of incident 1: alert'],
  [{ type: 'ActionDone', incident: 1, action: 2 }, 'ana completed action item 2 of incident 1'],
  [{ type: 'IncidentResolved', incident: 1, reason: 'duplicate' }, 'ana resolved incident 1: duplicate'],
  [{ type: 'IncidentAssigned', incident: 1, assignee: 'bo' }, 'ana assigned incident 1 to bo'],
  [{ type: 'RootCauseRecorded', incident: 1, text: 'pool' }, 'ana recorded the root cause of incident 1: pool'],
  [
    { type: 'FixRecorded', incident: 1, text: 'bigger', reference: '#7' },
    'ana recorded the fix of incident 1: bigger (#7)',
  ],
  [{ type: 'FixRecorded', incident: 1, text: 'bigger' }, 'ana recorded the fix of incident 1: bigger'],
  [{ type: 'IncidentResolved', incident: 1 }, 'ana resolved incident 1'],
  [
    { type: 'AttemptStarted', attempt: 2, version: 'v2', statistics: 2, salt: 's' },
    'ana started attempt 2 with version v2, statistics lineage 2 and people bucketed by salt s',
  ],
  [{ type: 'IssueAdded', number: 1, title: 'T', severity: 'major' }, 'ana added major issue 1: T'],
  [{ type: 'IssueChanged', number: 1, status: 'closed' }, 'ana set issue 1 to closed'],
  [{ type: 'MonitoringStarted', untilAt: START_AT }, 'ana started monitoring, until 2026-01-05 09:00 UTC'],
  [{ type: 'RolloutCompleted', metrics: [], verdicts: [] }, 'ana completed the rollout: the exit gate holds'],
  [{ type: 'RolloutCancelled', reason: 'moot' }, 'ana cancelled the rollout: moot'],
];

describe('describeEvent', () => {
  it.each(LINES.map(([event, line]) => [event.type, event, line] as const))(
    'tells %s in plain English',
    (_, event, line) => {
      expect(told(event)).toBe(line);
    },
  );

  it('names Rampart when it acts by itself', () => {
    expect(told({ type: 'RolloutHeld', reason: 'data' }, 'rampart')).toBe('Rampart held the rollout: data');
  });

  it("prints values in the plan's units, which may differ from the catalog's", () => {
    const metrics = { latency: { ...SAMPLE_PLAN.metrics.p99Latency!, name: 'latency' } };
    const event: RolloutEvent = {
      type: 'AlertRaised',
      check: 'c',
      verdict: verdict({ metric: 'latency', value: 0.25 }),
    };
    const record = { version: 1, at: START_AT, by: 'ana', event };
    expect(describeEvent(record, metrics)).toContain('latency 250 ms');
    expect(describeEvent(record)).toContain('latency 0.25 against');
  });

  it('stays one line that a terminal cannot be steered by, whatever people write', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, who) => {
        expect(told({ type: 'RolloutHeld', reason: text }, who)).not.toMatch(/[\p{Cc}\u2028\u2029\u202A-\u202E]/u);
      }),
    );
  });
});

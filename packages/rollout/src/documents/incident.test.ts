import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../event.ts';
import type { Plan } from '../plan.ts';
import type { AbortKind } from '../state.ts';
import {
  DAY_MS,
  entered,
  type Happening,
  HOUR_MS,
  opening,
  recordsFrom,
  SAMPLE_PLAN,
  START_AT,
  sampleHappenings,
  snapshots,
  stateOf,
  verdict,
} from './arbitraries.contract.ts';
import { renderIncident } from './incident.ts';

const BREACH = verdict({
  check: 'abort:errorRate:1%',
  tier: 'abort',
  status: 'fail',
  value: 0.021,
  interval: [0.018, 0.025],
  logEFail: 6.5,
});
const ABORT_AT = 4 * DAY_MS + 90_000;

function aborted(change: Partial<Extract<RolloutEvent, { type: 'RolloutAborted' }>> = {}): RolloutEvent {
  return {
    type: 'RolloutAborted',
    kind: 'criterion',
    reason: 'errorRate beyond 1 %',
    incident: 1,
    stage: 'beta',
    epoch: 4,
    verdict: BREACH,
    people: { treatment: 1200, control: 3600, targeted: 34 },
    metrics: snapshots(0.021, 0.4),
    assignee: 'agent:triage',
    failed: [BREACH.check],
    ...change,
  };
}

const breached = (plan?: Plan): readonly Happening[] => [
  ...sampleHappenings(plan),
  [4 * DAY_MS + 60_000, 'rampart', { type: 'ChecksJudged', verdicts: [BREACH], metrics: snapshots(0.021, 0.4) }],
];
const story: readonly Happening[] = [...breached(), [ABORT_AT, 'rampart', aborted()]];
const worked: readonly Happening[] = [
  ...story,
  [ABORT_AT + 1200, 'rampart', { type: 'AbortTookEffect', incident: 1, acknowledged: 10, connected: 10 }],
  [ABORT_AT + 40_000, 'rampart', { type: 'ExposureFell', incident: 1, reports: 12 }],
  [ABORT_AT + 300_000, 'agent:triage', { type: 'IncidentAcknowledged', incident: 1 }],
  [ABORT_AT + HOUR_MS, 'agent:triage', { type: 'RootCauseRecorded', incident: 1, text: 'Pool of 5 connections' }],
  [ABORT_AT + 2 * HOUR_MS, 'bo', { type: 'FixRecorded', incident: 1, text: 'Pool of 50', reference: '#7' }],
  [ABORT_AT + 3 * HOUR_MS, 'bo', { type: 'IncidentResolved', incident: 1 }],
];
const retry: readonly Happening[] = [
  [ABORT_AT + 4 * HOUR_MS, 'ana', { type: 'AttemptStarted', attempt: 2, version: 'build-4712', statistics: 2 }],
  [ABORT_AT + 4 * HOUR_MS, 'rampart', entered(0, 5)],
];

function incident(happenings: readonly Happening[], number = 1, now = START_AT + 5 * DAY_MS): string {
  const records = recordsFrom(happenings);
  return renderIncident(records, stateOf(records), number, { now }) ?? 'none';
}

const section = (markdown: string, title: string) => markdown.split(`## ${title}\n\n`)[1]?.split(/\n+## |\n$/)[0];
const SECTIONS = [
  'Status',
  'Summary',
  'Abort Protocol',
  'Breached Criterion',
  'Blast Radius',
  'Timeline',
  'Configuration Changes',
  'Root Cause',
  'Fix',
  'Action Items',
  'Links and Notes',
  'Next Step',
];

describe('renderIncident', () => {
  it('tells when each step of the abort protocol was done, from the first sight of the breach', () => {
    expect(section(incident(worked), 'Abort Protocol')).toBe(`| No. | Step | Done at | By | After the breach | Detail |
| --- | --- | --- | --- | --- | --- |
| – | Breach seen | 2026-01-09 09:01 UTC | – | 0 ms | abort:errorRate:1% |
| 1 | Flag to 0 % | 2026-01-09 09:01:30 UTC | Rampart | 30 s | in the transaction that recorded the abort |
| – | SDKs confirmed | 2026-01-09 09:01:31 UTC | Rampart | 31 s | 10 of 10 connected SDKs evaluate by exposure 0 |
| – | Exposure fell | 2026-01-09 09:02:10 UTC | Rampart | 1 min 10 s | 12 reports since, nobody treated in them |
| 2 | Notified | 2026-01-09 09:01:30 UTC | Rampart | 30 s | on-call, team-web, agent:triage, product@example.com; queued in the transaction of the abort, one message per destination |
| 3 | Triage assigned | 2026-01-09 09:01:30 UTC | Rampart | 30 s | to agent:triage |
| – | Triage begun | 2026-01-09 09:06:30 UTC | agent:triage | 5 min 30 s | – |
| 4 | Incident document | 2026-01-09 09:01:30 UTC | Rampart | 30 s | written from the events: this page |
| 5 | Root cause recorded | 2026-01-09 10:01:30 UTC | agent:triage | 1 h | – |
| – | Fix recorded | 2026-01-09 11:01:30 UTC | bo | 2 h | – |
| – | Action items | – | – | – | none recorded |
| – | Resolved | 2026-01-09 12:01:30 UTC | bo | 3 h | – |
| 6 | Retry from stage 1 | – | – | – | 0 of 3 retries used; not before 2026-01-09 10:01:30 UTC |`);
  });

  it('sums up what happened, to whom, and on what evidence', () => {
    const text = incident(story);
    expect(text).toMatch(/^# Incident 1: XYZ rolled back in beta\n/);
    expect(section(text, 'Summary')).toBe(
      'Exposure of feature-xyz in production went to 0 in stage beta because an abort criterion failed: errorRate beyond 1 %. ' +
        'Observed: errorRate 2.1 % against limit 1 %. It had reached at most 1,234 people. It took 30 s from the first sight of the breach to exposure 0.',
    );
    expect(section(text, 'Breached Criterion')).toContain('- Evidence of a breach: log e 6.5 of 4.4 needed');
    expect(section(text, 'Breached Criterion')).toContain('| errorRate | 0.1 % | 2.1 % | 12,000 | ✅ Pass |');
    expect(section(text, 'Blast Radius')?.split('\n\n')[0]).toBe(
      [
        '- **People exposed**: at most 1,234 people (in the largest stage 1,200 by random split, 34 targeted)',
        '- **Control, not exposed**: 3,600',
        '- **Bad events it caused**: errorRate: about 239 (202 to 287) more than without the feature, of 12,000 counted per request',
        '- **Exposure at the abort**: 0.5 % of team + 25 % of everyone',
        '- **Exposed for**: 4 d',
      ].join('\n'),
    );
  });

  it('says what is still to do, with the open issues', () => {
    expect(section(incident(story), 'Action Items')).toBe(
      [
        '- [ ] Record the root cause',
        '- [ ] Record the fix',
        '- [ ] Resolve the incident',
        '- [ ] Issue 2: Memory grows (major, monitoring, found in canary, https://t.example/2)',
      ].join('\n'),
    );
    const closed: Happening = [ABORT_AT + 5 * HOUR_MS, 'bo', { type: 'IssueChanged', number: 2, status: 'closed' }];
    const done = incident([...worked, closed]);
    expect(section(done, 'Action Items')).toBe('None open.');
    expect(section(done, 'Root Cause')).toBe('Pool of 5 connections');
    expect(section(done, 'Fix')).toBe('Pool of 50 (#7)');
    const unlinked: Happening = [ABORT_AT, 'bo', { type: 'IssueAdded', number: 3, title: 'Bare', severity: 'minor' }];
    expect(incident([...story, unlinked])).toContain('- [ ] Issue 3: Bare (minor, open, found in aborted)');
  });

  it('names the status that the recorded steps amount to', () => {
    const unassigned = [...breached(), [ABORT_AT, 'rampart', aborted({ assignee: undefined as never })]] as const;
    const assigned: Happening = [ABORT_AT + 1000, 'ana', { type: 'IncidentAssigned', incident: 1, assignee: 'cy' }];
    const expected = [
      ...['Triage assigned', 'Triage assigned', 'Triage assigned', 'In triage'],
      ...['Root cause known', 'Fix recorded', 'Resolved'],
    ];
    const statuses = expected.map((_, index) => incident(worked.slice(0, story.length + index)));
    expect(statuses.map((text) => /\*\*Status\*\*: (.*)/.exec(text)?.[1])).toEqual(expected);
    expect(incident(unassigned)).toContain('- **Status**: Open');
    expect(incident(unassigned)).toContain('- [ ] Assign the triage');
    expect(incident(unassigned)).toContain('| 3 | Triage assigned | – | – | – | nobody yet |');
    expect(incident([...unassigned, assigned])).toContain('| ana | 31 s | to cy |');
  });

  it('compares the configuration with the attempt before', () => {
    expect(section(incident(story), 'Configuration Changes')).toMatch(/^First attempt: there is none before it/);
    const second: readonly Happening[] = [
      ...worked,
      ...retry,
      [
        ABORT_AT + DAY_MS,
        'ana',
        aborted({ incident: 2, kind: 'person', reason: 'Looks odd!', stage: 'internal', verdict: undefined as never }),
      ],
    ];
    const text = incident(second, 2);
    expect(section(text, 'Configuration Changes')).toBe(`| Setting | Attempt before | This attempt | Change |
| --- | --- | --- | --- |
| Plan version | build-4711 | build-4712 | changed |
| Bucketing salt (who is picked) | feature-xyz (the flag's own) | feature-xyz (the flag's own) | same |
| Statistics | lineage 1 | lineage 2 | changed |
| Percentages reached | internal: 0.5 % of team; canary: 0.5 % of team + 5 % of everyone; beta: 0.5 % of team + 25 % of everyone | internal: 0.5 % of team | changed |`);
    expect(section(text, 'Breached Criterion')).toMatch(/^No check was breached: a principal aborted it\./);
    expect(text).toContain('a principal aborted it: Looks odd! It had reached at most 1,234 people.\n');
    expect(text).toContain('| – | SDKs confirmed | – | – | – | not yet |');
  });

  it('gives the conditions of a retry and which of them still lack', () => {
    expect(section(incident(story, 1, START_AT + ABORT_AT), 'Next Step')).toBe(
      [
        'Retry from stage 1 as attempt 2 (0 of 3 retries used), with the same people unless it asks otherwise. It needs:\n',
        '- the cool-down of 1 h, which ends 2026-01-09 10:01:30 UTC (open)',
        '- a recorded fix (missing) and a new version, because the same version continues statistics in which these failed: abort:errorRate:1%',
      ].join('\n'),
    );
    const killed: readonly Happening[] = [
      ...breached(),
      [ABORT_AT, 'ana', { type: 'KillSwitchTripped', reason: 'x' }],
      [ABORT_AT, 'ana', aborted({ kind: 'kill', failed: [] })],
    ];
    const text = section(incident(killed), 'Next Step');
    expect(text).toContain('(over)');
    expect(text).toContain(
      '- either the same version, with a reason or a recorded fix (missing), which continues the statistics, or a recorded fix (missing)',
    );
    expect(text).toContain('- the kill switch re-armed by a person with a reason (still latched)');
  });

  it('says when nothing can follow, or something has already', () => {
    const noRetries = { ...SAMPLE_PLAN, retry: { ...SAMPLE_PLAN.retry, limit: 0 } };
    const cancelled: Happening = [ABORT_AT + HOUR_MS, 'ana', { type: 'RolloutCancelled', reason: 'moot' }];
    expect(section(incident([...breached(noRetries), [ABORT_AT, 'ana', aborted()]]), 'Next Step')).toBe(
      'None: 0 of 0 retries are used. A new rollout is needed.',
    );
    expect(section(incident([...story, cancelled]), 'Next Step')).toBe('None: the rollout is cancelled.');
    expect(section(incident([...worked, ...retry]), 'Next Step')).toBe(
      'Attempt 2 started at 2026-01-09 13:01:30 UTC with version build-4712.',
    );
  });

  it('copes with an abort before exposure and without people to name', () => {
    const plan = { ...SAMPLE_PLAN, owners: { stakeholders: [] } };
    const early = (from: readonly Happening[]) =>
      incident([
        ...from,
        [
          0,
          'ana',
          aborted({ stage: 'preflight', metrics: [], verdict: undefined as never, assignee: undefined as never }),
        ],
      ]);
    const text = early(sampleHappenings(plan).slice(0, 3));
    expect(section(text, 'Blast Radius')).toContain('- **Exposed for**: never');
    expect(section(text, 'Configuration Changes')).toContain('| Percentages reached | none |');
    expect(text).toContain('| on-call; queued in the transaction');
    expect(section(early(sampleHappenings(plan).slice(0, 1)), 'Configuration Changes')).toBe(
      'The attempt had not started.',
    );
  });

  it('shows what people recorded on it, and what became of its messages', () => {
    const text = incident([
      ...story,
      [ABORT_AT + 1000, 'bo', { type: 'IncidentRated', incident: 1, severity: 'minor', reason: 'few saw it' }],
      [ABORT_AT + 1000, 'bo', { type: 'IncidentNoted', incident: 1, text: 'pool is full' }],
      [ABORT_AT + 1000, 'bo', { type: 'IncidentLinked', incident: 1, title: 'Logs', url: 'https://l.example/1' }],
      [ABORT_AT + 1000, 'bo', { type: 'ActionAdded', incident: 1, action: 1, text: 'alert on it', owner: 'cy' }],
      [ABORT_AT + 2000, 'cy', { type: 'ActionDone', incident: 1, action: 1 }],
      [ABORT_AT + 3000, 'bo', { type: 'IncidentResolved', incident: 1, reason: 'duplicate of 7' }],
    ]);
    expect(text).toContain('- **Severity**: minor\n');
    expect(section(text, 'Links and Notes')).toBe(
      '- **Logs**: https://l.example/1\n- **2026-01-09 09:01:31 UTC bo**: pool is full',
    );
    expect(section(text, 'Action Items')).toContain('- [x] alert on it (owner cy, done by cy)');
    expect(text).toContain('| Action items | 2026-01-09 09:01:32 UTC | cy | 32 s | 1 of 1 done |');
    expect(text).toContain('| Resolved | 2026-01-09 09:01:33 UTC | bo | 33 s | duplicate of 7 |');
    const records = recordsFrom(story);
    const deliveries = [{ destination: 'webhook:ops', state: 'dead' as const }];
    const known = renderIncident(records, stateOf(records), 1, { now: START_AT, deliveries });
    expect(known).toContain('product@example.com; webhook:ops: given up |');
  });

  it('says that an abort did not take in time, and when exposure had fallen after all', () => {
    const late: Happening = [
      ABORT_AT + 60_000,
      'rampart',
      { type: 'AbortUnconfirmed', incident: 1, acknowledged: 9, connected: 12, treated: 40, treating: 2 },
    ];
    const text = incident([...story, late]);
    expect(text).toContain(
      '| SDKs confirmed | – | – | – | not in time: 3 of 12 SDKs had not confirmed; on-call was told |',
    );
    expect(text).toContain('| 40 observations of the feature were made after the abort in 2 SDK processes |');
    const fell: Happening = [ABORT_AT + 90_000, 'rampart', { type: 'ExposureFell', incident: 1, reports: 6 }];
    expect(incident([...story, late, fell])).toContain(
      '6 reports since, nobody treated in them; before that 40 observations of the feature',
    );
  });

  it('says between how many and how many people saw the feature, and cross-checks it against control', () => {
    const only = (exposed: { atLeast: number; atMost: number }) =>
      incident([
        ...opening().slice(0, -1),
        [HOUR_MS, 'rampart', entered(1, 2)],
        [ABORT_AT, 'rampart', aborted({ people: { treatment: 190, control: 3600, targeted: 0, exposed } })],
      ]);
    const text = only({ atLeast: 95, atMost: 190 });
    expect(text).toContain('It had reached between 95 and 190 people.');
    expect(text).toContain('(incident 1, between 95 and 190 people had been exposed)');
    expect(section(text, 'Blast Radius')).toContain(
      '- **Cross-check**: control and the share of 5 % make about 189 treated people expect; counted were 190',
    );
    expect(only({ atLeast: 190, atMost: 190 })).toContain('It had reached 190 people.');
    expect(only({ atLeast: 190, atMost: 190 })).toContain('(incident 1, 190 people had been exposed)');
  });

  it('rates an incident by what happened until somebody does', () => {
    const rated = (change: Parameters<typeof aborted>[0]) =>
      /\*\*Severity\*\*: (\w+)/.exec(incident([...breached(), [ABORT_AT, 'rampart', aborted(change)]]))?.[1];
    expect(rated({})).toBe('major');
    expect(rated({ kind: 'kill' })).toBe('critical');
    expect(rated({ people: { treatment: 0, control: 5, targeted: 0 } })).toBe('minor');
  });

  it('gives nothing for a number that no abort has', () => {
    expect(incident(story, 2)).toBe('none');
  });

  it('keeps its structure and never throws, whatever people write', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('\n', '## ', '|', '\\', '<b>', '- [ ] ', '\u001b[2J', 'a'))
        .map((parts) => parts.join('')),
    );
    const kinds: readonly AbortKind[] = [
      'criterion',
      'gate',
      'kill',
      'person',
      'telemetry-missing',
      'blind',
      'external-gate',
    ];
    fc.assert(
      fc.property(hostile, hostile, fc.constantFrom(...kinds), (one, two, kind) => {
        const plan = { ...SAMPLE_PLAN, title: one, flag: two, version: one };
        const bad = {
          ...BREACH,
          check: one,
          metric: two,
          limit: one,
          method: two,
          source: one,
          wouldChange: two,
          note: one,
        };
        const text = incident([
          ...breached(plan),
          [ABORT_AT, two, aborted({ kind, reason: one, verdict: bad, assignee: two, stage: one, failed: [two] })],
          [ABORT_AT, one, { type: 'RootCauseRecorded', incident: 1, text: two }],
          [ABORT_AT, two, { type: 'FixRecorded', incident: 1, text: one, reference: two }],
        ]);
        expect(text.match(/^## .*$/gm)?.map((line) => line.slice(3))).toEqual(SECTIONS);
        expect(text.match(/^# /gm)).toHaveLength(1);
        expect(text).not.toMatch(/</);
      }),
      { numRuns: 100 },
    );
  });
});

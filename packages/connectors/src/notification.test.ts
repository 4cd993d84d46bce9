import type { EventRecord, Plan, RolloutEvent, RolloutState, Verdict } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { notificationsOf, notificationsOfDecision } from './notification.ts';

/** Only what the mapping reads. */
const state = {
  id: 'r1',
  attempt: 2,
  incidents: [] as RolloutState['incidents'],
  plan: { title: 'Feature XYZ', flag: 'feature-xyz', environment: 'production', blindLimitMs: 1_200_000 },
} as RolloutState;
const verdict = { metric: 'errorRate', limit: '1%', value: 0.03 } as Verdict;
const record = (event: RolloutEvent, version = 12): EventRecord => ({ version, at: 1000, by: 'rampart', event });
const told = (event: RolloutEvent) => notificationsOf(record(event), state);

const aborted: RolloutEvent = {
  type: 'RolloutAborted',
  kind: 'criterion',
  reason: 'errorRate is above 1%',
  incident: 1,
  stage: 'canary',
  epoch: 4,
  people: { treatment: 40, control: 800, targeted: 2 },
  metrics: [],
  assignee: 'agent:triage',
  failed: ['abort:errorRate:1%'],
};

describe('notificationsOf', () => {
  it('pages everyone of an abort, with blast radius, incident and who did it', () => {
    expect(told(aborted)).toEqual([
      {
        id: 'r1:12',
        type: 'rollout.aborted',
        at: 1000,
        severity: 'page',
        audience: ['on-call', 'stakeholders'],
        group: 'rollout/r1/2',
        rollout: 'r1',
        flag: 'feature-xyz',
        environment: 'production',
        version: 12,
        by: 'rampart',
        text: 'Feature XYZ (production) was aborted in stage canary: errorRate is above 1%. Exposure is 0. 42 people had seen it. Incident 1, triage: agent:triage.',
        data: {
          kind: 'criterion',
          reason: 'errorRate is above 1%',
          incident: 1,
          stage: 'canary',
          people: { treatment: 40, control: 800, targeted: 2 },
          assignee: 'agent:triage',
          failed: ['abort:errorRate:1%'],
        },
      },
    ]);
  });

  it('tells of a gate that closes, and not of one that is open as usual', () => {
    expect(told({ type: 'GateAnswered', gate: 'change-calendar', open: true, why: 'it answered 200' })).toEqual([]);
    expect(told({ type: 'GateAnswered', gate: 'change-calendar', open: false, why: 'it answered 503' })).toMatchObject([
      {
        type: 'gate.closed',
        severity: 'info',
        text: 'Feature XYZ (production): gate change-calendar is closed: it answered 503',
      },
    ]);
  });

  it('warns of what does not move, with all it waits for and whose it is', () => {
    const owned = { ...state, plan: { ...state.plan, owners: { operator: 'team-web', analyst: 'agent:triage' } } };
    const toldOf = (event: RolloutEvent) => notificationsOf(record(event), owned as RolloutState);
    const since = Date.UTC(2026, 0, 5, 9);
    expect(toldOf({ type: 'RolloutStuck', since, waitingFor: ['confirmation "x"', 'fresh evidence'] })).toMatchObject([
      {
        type: 'rollout.stuck',
        severity: 'warn',
        audience: ['on-call'],
        text: 'Feature XYZ (production) could have gone on by time since 2026-01-05T09:00:00.000Z, and waits for confirmation "x"; fresh evidence. Its operator is team-web.',
        data: { since, waitingFor: ['confirmation "x"', 'fresh evidence'], operator: 'team-web' },
      },
    ]);
    expect(toldOf({ type: 'IncidentUnattended', incident: 1, since })).toMatchObject([
      {
        type: 'incident.unattended',
        severity: 'warn',
        text: 'Nobody has taken on incident 1 of Feature XYZ (production) since 2026-01-05T09:00:00.000Z. Its analyst is agent:triage.',
      },
    ]);
  });

  it('has one key per rollout and event version, the same every time', () => {
    expect(notificationsOf(record(aborted), state)).toEqual(notificationsOf(record(aborted), state));
    const ids = [1, 2, 3].map((version) => notificationsOf(record(aborted, version), state)[0]!.id);
    expect(new Set(ids).size).toBe(3);
  });

  it.each<[RolloutEvent, string, string, readonly string[]]>([
    [{ type: 'KillSwitchTripped', reason: 'cost' }, 'kill-switch.tripped', 'page', ['on-call']],
    [{ type: 'BlindLimitReached', since: 1 }, 'sight.lost', 'page', ['on-call']],
    [{ type: 'AlertRaised', check: 'c', verdict }, 'alert.raised', 'warn', ['on-call']],
    [
      {
        type: 'JudgeCalibrated',
        ...{
          metric: 'm',
          goldenSet: 'g',
          items: 9,
          failed: 0,
          mean: 0.7,
          deviation: 0.2,
          tolerance: 0.1,
          drifted: true,
        },
      },
      'judge.drifted',
      'warn',
      ['on-call'],
    ],
    [{ type: 'JudgeBudgetSpent', metric: 'm', cost: 2, budget: 1 }, 'judge.budget', 'warn', ['on-call']],
    [{ type: 'DrillFinished', number: 1, passed: false, why: 'w' }, 'drill.failed', 'warn', ['on-call']],
    [
      { type: 'OverlapsFound', overlaps: [{ rollout: 'g-1', flag: 'g', metrics: [], isConfounded: true }] },
      'overlap.confounded',
      'warn',
      ['on-call'],
    ],
    [{ type: 'RolloutHeld', reason: 'lunch' }, 'rollout.held', 'warn', ['on-call']],
    [{ type: 'PrincipalAsked', question: 'Go on?', undecided: [] }, 'decision.needed', 'warn', ['on-call']],
    [{ type: 'ProposalMade', number: 1, action: 'proceed', reason: 'r' }, 'approval.needed', 'warn', ['on-call']],
    [{ type: 'IncidentAssigned', incident: 1, assignee: 'ana' }, 'incident.assigned', 'warn', ['on-call']],
    [{ type: 'IncidentAcknowledged', incident: 1 }, 'incident.acknowledged', 'info', ['on-call']],
    [
      { type: 'IncidentRated', incident: 1, severity: 'minor', reason: 'few' },
      'incident.rated',
      'info',
      ['on-call', 'stakeholders'],
    ],
    [{ type: 'ActionAdded', incident: 1, action: 1, text: 't' }, 'incident.action-added', 'info', ['on-call']],
    [{ type: 'IncidentResolved', incident: 1 }, 'incident.resolved', 'info', ['on-call', 'stakeholders']],
    [
      { type: 'StagePassed', index: 1, name: 'canary', metrics: [], verdicts: [] },
      'stage.passed',
      'info',
      ['stakeholders'],
    ],
    [{ type: 'RolloutCompleted', metrics: [], verdicts: [] }, 'rollout.completed', 'info', ['on-call', 'stakeholders']],
    [{ type: 'IssueAdded', number: 1, title: 't', severity: 'critical' }, 'issue.added', 'warn', ['on-call']],
    [{ type: 'IssueAdded', number: 1, title: 't', severity: 'minor' }, 'issue.added', 'info', ['on-call']],
  ])('tells of %o', (event, type, severity, audience) => {
    expect(told(event)).toMatchObject([{ type, severity, audience }]);
    expect(told(event)[0]!.text).toContain('Feature XYZ (production)');
  });

  it('tells that evidence is back where people were told that it was lost', () => {
    const returned = record({ type: 'SightReturned' });
    expect(notificationsOf(returned, state, { ...state, blindAlertedAt: 1 })).toMatchObject([
      { type: 'sight.returned' },
    ]);
    expect(notificationsOf(returned, state, state)).toEqual([]);
  });

  it('keeps what is told of an incident in the matter of its own attempt, and names the stage and what is to be confirmed', () => {
    const incidents = [{ number: 1, attempt: 1 }] as unknown as RolloutState['incidents'];
    const [resolved] = notificationsOf(record({ type: 'IncidentResolved', incident: 1 }), { ...state, incidents });
    expect(resolved!.group).toBe('rollout/r1/1');
    const stages = [{ name: 'canary', confirmations: ['No critical bugs'] }] as unknown as Plan['stages'];
    const entered = {
      type: 'StageEntered',
      index: 0,
      name: 'canary',
      layers: [],
      epoch: 1,
      durationMs: 1,
      why: '',
    } as const;
    const staged = { ...state, plan: { ...state.plan, stages }, stage: { index: 0 } as RolloutState['stage'] };
    expect(notificationsOf(record(entered), staged)).toMatchObject([
      { stage: 'canary', data: { confirmations: ['No critical bugs'] } },
    ]);
  });

  it('says how long there was no evidence, and what the value is beyond', () => {
    expect(told({ type: 'BlindLimitReached', since: 1 })[0]!.text).toContain('no evidence for 20 min');
    const gaps = { type: 'BlindLimitReached', since: 1, inAllMs: 24 * 60_000 } as const;
    expect(told(gaps)[0]!.text).toContain('comes and goes: it was missing for 24 min in all');
    expect(told({ type: 'AlertRaised', check: 'c', verdict })[0]!.text).toContain('errorRate is beyond 1%');
  });

  it('ends the sentence when there is no reason', () => {
    expect(told({ type: 'RolloutResumed' })[0]!.text).toBe('Feature XYZ (production) goes on.');
  });

  it.each<RolloutEvent>([
    { type: 'ChecksJudged', verdicts: [], metrics: [] },
    { type: 'SightLost', since: 1, why: 'w' },
    { type: 'SightReturned' },
    { type: 'PreflightStarted', items: [] },
    { type: 'ItemAttested', list: 'exit', item: 'i' },
  ])('keeps $type for the record only', (event) => {
    expect(told(event)).toEqual([]);
  });
});

describe('notificationsOfDecision', () => {
  const killed = { ...state, killed: true } as RolloutState;
  const tripped = { record: record({ type: 'KillSwitchTripped', reason: 'cost' }, 11), state };
  const abort = { record: record({ ...aborted, kind: 'kill', verdict: { ...verdict, check: 'c' } }), state: killed };
  const assigned = { record: record({ type: 'IncidentAssigned', incident: 1, assignee: 'ana' }, 13), state: killed };

  it('makes one message of an abort with its kill trip and its assignment, and says all of them in it', () => {
    const messages = notificationsOfDecision([tripped, abort, assigned]);
    expect(messages).toMatchObject([
      {
        id: 'r1:12',
        type: 'rollout.aborted',
        data: {
          killed: true,
          incident: 1,
          assignee: 'agent:triage',
          check: 'c',
          metric: 'errorRate',
          limit: '1%',
          value: 0.03,
        },
      },
    ]);
    expect(messages[0]!.text).toContain('Its kill switch is on.');
  });

  it('says between how many and how many people had seen it, and that nobody has the triage yet', () => {
    const { assignee, ...unassigned } = aborted;
    const people = { ...aborted.people, exposed: { atLeast: 20, atMost: 44 } };
    const [message] = notificationsOfDecision([{ record: record({ ...unassigned, people }), state }]);
    expect(message!.text).toContain('Between 20 and 44 people had seen it. Incident 1, triage: nobody yet.');
    expect(message!.data.people).toEqual({ treatment: 40, control: 800, targeted: 2, atLeast: 20, atMost: 44 });
    const known = { ...aborted, people: { ...aborted.people, exposed: { atLeast: 42, atMost: 42 } } };
    expect(notificationsOfDecision([{ record: record(known), state }])[0]!.text).toContain('42 people had seen it.');
  });

  it('leaves every other decision as it is', () => {
    expect(notificationsOfDecision([tripped, assigned]).map(({ type }) => type)).toEqual([
      'kill-switch.tripped',
      'incident.assigned',
    ]);
    expect(notificationsOfDecision([])).toEqual([]);
  });

  it('pages on-call of an abort that did not take, with what is known', () => {
    const counts = { incident: 1, acknowledged: 9, connected: 12, treated: 0, treating: 0 };
    expect(told({ type: 'AbortUnconfirmed', ...counts })).toMatchObject([
      { type: 'abort.unconfirmed', severity: 'page', audience: ['on-call'], data: counts },
    ]);
    expect(told({ type: 'AbortUnconfirmed', ...counts })[0]!.text).toBe(
      'The abort of Feature XYZ (production) is not confirmed: 3 of 12 SDKs have not taken it.',
    );
    expect(told({ type: 'AbortUnconfirmed', ...counts, treated: 7, treating: 1 })[0]!.text).toContain(
      '7 observations of the feature were made since.',
    );
    const all = { ...counts, acknowledged: 12, treated: 7, treating: 1 };
    expect(told({ type: 'AbortUnconfirmed', ...all })[0]!.text).toContain(
      'all 12 SDKs say they took it, but 7 observations of the feature were made since.',
    );
  });
});

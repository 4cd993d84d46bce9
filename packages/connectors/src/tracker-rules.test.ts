import { type EventRecord, parsePlan, type RolloutEvent, type RolloutState, replay } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { trackerOf, trackerOpsOf } from './tracker-rules.ts';
import { htmlOf, markdownOf } from './tracker-text.ts';

const PLAN = `
flag: checkout
title: Feature XYZ
version: build-1
tracker: { name: plane, project: ROLL, priority: 3, state: Doing, labels: [release, web] }
stages:
  - { name: canary, percentage: 10, duration: 1d }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
`;
const LINKS = { publicUrl: 'https://r.example' };

function planOf(text: string) {
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.plan;
}
const recordOf = (event: RolloutEvent, version = 9): EventRecord => ({ version, at: 1_000, by: 'ana', event });
const stateOf = (text = PLAN): RolloutState =>
  replay([recordOf({ type: 'RolloutCreated', id: 'r1', plan: planOf(text), warnings: [] }, 1)])!;
const opsOf = (event: RolloutEvent, state = stateOf(), links: { publicUrl?: string } = LINKS) =>
  trackerOpsOf(recordOf(event), state, links);
const verdict = {
  check: 'c1',
  tier: 'abort',
  metric: 'errorRate',
  limit: '2%',
  status: 'fail',
  value: 0.08,
} as unknown as NonNullable<Extract<RolloutEvent, { type: 'RolloutAborted' }>['verdict']>;
const people = { treatment: 10, control: 10, targeted: 0 };

/** Every event, and the operations it leads to, in order. */
const EVENTS: readonly (readonly [RolloutEvent, readonly string[]])[] = [
  [{ type: 'RolloutCreated', id: 'r1', plan: planOf(PLAN), warnings: [] }, []],
  [{ type: 'PreflightStarted', items: [] }, ['issue', 'link']],
  [{ type: 'ItemAttested', list: 'exit', item: 'docs' }, []],
  [{ type: 'BaselineStarted' }, []],
  [{ type: 'BaselineCaptured', baseline: { fromAt: 0, toAt: 1, metrics: {} } as never }, ['comment']],
  [
    { type: 'StageEntered', index: 0, name: 'canary', layers: [], epoch: 1, durationMs: 1, why: 'w' },
    ['comment', 'deployment'],
  ],
  [{ type: 'StagePassed', index: 0, name: 'canary', metrics: [], verdicts: [verdict] }, ['comment', 'deployment']],
  [{ type: 'ChecksJudged', verdicts: [], metrics: [] }, []],
  [{ type: 'AlertRaised', check: 'c', verdict }, []],
  [{ type: 'AlertCleared', check: 'c' }, []],
  [{ type: 'DataFoundInvalid', why: 'w' }, []],
  [{ type: 'DataFoundValid' }, []],
  [{ type: 'JudgeBudgetSpent', metric: 'm', cost: 1, budget: 1 }, []],
  [{ type: 'RolloutHeld', reason: 'r' }, ['comment']],
  [{ type: 'RolloutResumed' }, ['comment']],
  [{ type: 'StageExtended', byMs: 1, reason: 'r' }, ['comment']],
  [{ type: 'SightLost', since: 1, why: 'w' }, []],
  [{ type: 'BlindLimitReached', since: 1 }, ['comment']],
  [{ type: 'SightReturned' }, []],
  [{ type: 'PrincipalAsked', question: 'q', undecided: [] }, ['comment']],
  [{ type: 'ProposalMade', number: 1, action: 'kill', reason: 'r' }, []],
  [{ type: 'ProposalDecided', number: 1, approved: true }, []],
  [{ type: 'OverrideRecorded', what: 'w', reason: 'r' }, ['comment']],
  [{ type: 'KillSwitchTripped', reason: 'r' }, ['comment']],
  [{ type: 'KillSwitchRearmed', reason: 'r' }, ['comment']],
  [
    {
      ...{ type: 'RolloutAborted', kind: 'criterion', reason: 'r', incident: 1, stage: 'canary', epoch: 1 },
      ...{ verdict, people, metrics: [], failed: [] },
    },
    ['comment', 'transition', 'deployment'],
  ],
  [{ type: 'AbortTookEffect', incident: 1, acknowledged: 1, connected: 1 }, ['comment']],
  [{ type: 'IncidentAssigned', incident: 1, assignee: 'a' }, ['comment']],
  [{ type: 'RootCauseRecorded', incident: 1, text: 't' }, ['comment']],
  [{ type: 'FixRecorded', incident: 1, text: 't' }, ['comment']],
  [{ type: 'IncidentResolved', incident: 1 }, ['comment']],
  [{ type: 'AttemptStarted', attempt: 1, version: 'v', statistics: 1 }, []],
  [{ type: 'AttemptStarted', attempt: 2, version: 'v', statistics: 2 }, ['comment', 'transition']],
  [{ type: 'IssueAdded', number: 1, title: 't', severity: 'minor' }, ['comment']],
  [{ type: 'IssueChanged', number: 1, status: 'fixed' }, []],
  [{ type: 'MonitoringStarted', untilAt: 1 }, ['comment']],
  [{ type: 'RolloutCompleted', metrics: [], verdicts: [] }, ['comment', 'task', 'transition']],
  [{ type: 'RolloutCancelled', reason: 'r' }, ['comment', 'transition']],
];

describe('trackerOpsOf', () => {
  it.each(EVENTS.map(([event, kinds]) => ({ event, kinds, type: event.type })))(
    'makes of $type: $kinds',
    ({ event, kinds }) => {
      const ops = opsOf(event);
      expect(ops.map(({ kind }) => kind)).toEqual(kinds);
      expect(opsOf(event)).toEqual(ops);
    },
  );

  it('makes nothing of any event where the plan names no tracker, or holds what older plans did', () => {
    const bare = stateOf(PLAN.replace(/^tracker:.*\n/m, ''));
    const old = { ...bare, plan: { ...bare.plan, tracker: { plane: 'FEAT-12' } as never } };
    for (const [event] of EVENTS) expect([opsOf(event, bare), opsOf(event, old)]).toEqual([[], []]);
    expect(trackerOf(old)).toBeUndefined();
  });

  it('drafts the issue as the plan says, and links to the rollout only where it can be reached', () => {
    const [issue, link] = opsOf({ type: 'PreflightStarted', items: [] });
    expect(issue).toMatchObject({
      draft: {
        externalId: 'rollout:r1',
        project: 'ROLL',
        title: 'Release: Feature XYZ Progressive Rollout',
        priority: 3,
        labels: ['release', 'web'],
        state: 'Doing',
      },
    });
    expect(link).toEqual({ kind: 'link', title: 'Rollout', url: 'https://r.example/rollouts/r1' });
    expect(opsOf({ type: 'PreflightStarted', items: [] }, stateOf(), {}).map(({ kind }) => kind)).toEqual(['issue']);
  });

  it('has urgency while aborted, and the priority of the plan again with the next attempt', () => {
    const aborted = EVENTS.find(([{ type }]) => type === 'RolloutAborted')?.[0];
    const ops = aborted === undefined ? [] : opsOf(aborted);
    expect(ops[0]).toMatchObject({
      externalId: 'rollout:r1:evt:9',
      text: {
        lines: ['errorRate 8 % against limit 2%: fail'],
        links: [{ title: 'Incident 1', url: 'https://r.example/rollouts/r1/incidents/1' }],
      },
    });
    expect(ops[1]).toEqual({ kind: 'transition', transition: { status: 'aborted', state: 'Doing', priority: 1 } });
    const retry = opsOf({ type: 'AttemptStarted', attempt: 2, version: 'v', statistics: 2 });
    expect(retry[1]).toMatchObject({ transition: { status: 'working', priority: 3 } });
  });
});

describe('texts of trackers', () => {
  const text = {
    heading: 'a & b',
    lines: ["<img src=x onerror='alert(1)'>", 'ask @ops about #7 and GH-8 [x](http://evil.example)'],
    isList: true,
    links: [{ title: '<i>', url: 'https://r.example/a b?x="y"' }],
  };

  it('as HTML hold nothing that was not written here', () => {
    expect(htmlOf(text)).toBe(
      '<p><strong>a &amp; b</strong></p><ul><li>&lt;img src=x onerror=&#39;alert(1)&#39;&gt;</li>' +
        '<li>ask @ops about #7 and GH-8 [x](http://evil.example)</li></ul>' +
        '<p><a href="https://r.example/a b?x=&quot;y&quot;">&lt;i&gt;</a></p>',
    );
  });

  it('as Markdown call nobody, touch no issue and hold no links of others', () => {
    expect(markdownOf(text)).toBe(
      "**a & b**\n\n- &lt;img src=x onerror='alert(1)'>\n- ask @\u200Bops about #\u200B7 and GH-\u200B8 \\[x\\](http://evil.example)\n\n" +
        '[&lt;i>](<https://r.example/a%20b?x=%22y%22>)',
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../event.ts';
import type { Plan } from '../plan.ts';
import { recordsFrom, SAMPLE_PLAN, START_AT, snapshots } from './arbitraries.contract.ts';
import type { Block } from './page.ts';
import { blockMarkdown, lineMarkdown } from './page-markdown.ts';
import { ownersLine, peopleTable } from './people.ts';

const abort: RolloutEvent = {
  type: 'RolloutAborted',
  kind: 'person',
  reason: 'x',
  incident: 1,
  stage: 'beta',
  epoch: 1,
  people: { treatment: 0, control: 0, targeted: 0 },
  metrics: snapshots(0, 0),
  failed: [],
};

const markdownOf = (block: Block | undefined) => (block && blockMarkdown(block)) ?? '';
const ownersOf = (plan: Plan) => lineMarkdown(ownersLine(plan, [1]));

const steps = (by: string, ...events: readonly RolloutEvent[]) =>
  markdownOf(peopleTable(recordsFrom(events.map((event) => [0, by, event] as const)), { now: START_AT }))
    .split('\n')
    .slice(2);

describe('peopleTable', () => {
  it('gives each step to the role whose step it is in the workflow', () => {
    const rows = steps(
      'bo',
      { type: 'ProposalMade', number: 1, action: 'kill', reason: 'x' },
      { type: 'ProposalDecided', number: 1, approved: true },
      { type: 'ProposalDecided', number: 2, approved: false },
      { type: 'OverrideRecorded', what: 'proceed from beta', reason: 'x' },
      abort,
      { type: 'IncidentAssigned', incident: 1, assignee: 'cy' },
      { type: 'IncidentAcknowledged', incident: 1 },
      { type: 'IncidentRated', incident: 1, severity: 'minor', reason: 'x' },
      { type: 'ActionAdded', incident: 1, action: 1, text: 'x' },
      { type: 'ActionDone', incident: 1, action: 1 },
      { type: 'RootCauseRecorded', incident: 1, text: 'x' },
      { type: 'FixRecorded', incident: 1, text: 'x' },
      { type: 'IncidentResolved', incident: 1 },
      { type: 'BaselineStarted' },
    );
    expect(rows.map((row) => row.replace('| 2026-01-05 09:00 UTC ', ''))).toEqual([
      '| operator | bo | Proposed to kill |',
      '| approver | bo | Approved proposal 1 |',
      '| approver | bo | Declined proposal 2 |',
      '| operator | bo | Overrode proceed from beta |',
      '| operator | bo | Rolled back from beta |',
      '| analyst | bo | Assigned incident 1 to cy |',
      '| analyst | bo | Began the triage of incident 1 |',
      '| analyst | bo | Rated incident 1 minor |',
      '| analyst | bo | Added action item 1 of incident 1 |',
      '| analyst | bo | Completed action item 1 of incident 1 |',
      '| analyst | bo | Recorded the root cause of incident 1 |',
      '| analyst | bo | Recorded the fix of incident 1 |',
      '| analyst | bo | Resolved incident 1 |',
      '| observer | bo | Started the baseline |',
    ]);
  });

  it('calls the role system where Rampart acted by itself, and leaves observations out', () => {
    expect(steps('rampart', { type: 'SightReturned' }, abort)).toEqual([
      '| 2026-01-05 09:00 UTC | system | Rampart | Rolled back from beta |',
    ]);
  });
});

describe('ownersLine', () => {
  it('names whom the plan names', () => {
    expect(ownersOf(SAMPLE_PLAN)).toBe(
      'Owners: operator team-web; analyst agent:triage; stakeholders product@example.com',
    );
    expect(ownersOf({ ...SAMPLE_PLAN, owners: { stakeholders: [] } })).toBe('Owners: none named');
  });
});

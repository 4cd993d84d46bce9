import { describe, expect, it } from 'vitest';
import { AGENT, ANA, BATCH_MS, BEN, Drive, HOUR_MS, OTHER_AGENT, planOf } from '../arbitraries.contract.ts';
import { planFromObject } from '../plan/parse-plan.ts';
import { RAMPART } from '../principal.ts';

const refused = (code: string) => ({ ok: false, code });
const LINK = 'https://wiki.example.com/launch';

describe('a hold', () => {
  it('of an agent or of Rampart is taken over by a person, and is a person’s from then on', () => {
    for (const holder of [AGENT, RAMPART]) {
      const drive = new Drive().reach('canary');
      drive.command({ type: 'Hold', reason: 'odd latency' }, holder);
      expect(drive.command({ type: 'Hold', reason: 'me too' }, OTHER_AGENT)).toMatchObject(refused('ALREADY_HELD'));
      drive.serve(BATCH_MS);
      const { servedMs } = drive.state.stage!;
      expect(drive.command({ type: 'Hold', reason: 'legal asks' })).toMatchObject({ ok: true });
      expect(drive.state).toMatchObject({ hold: { by: 'ana', reason: 'legal asks', byPerson: true } });
      expect(drive.state.stage).toMatchObject({ servedMs });
      expect(drive.command({ type: 'Hold', reason: 'and I' }, BEN)).toMatchObject(refused('ALREADY_HELD'));
      expect(drive.command({ type: 'Resume' }, AGENT)).toMatchObject(refused('FORBIDDEN'));
    }
  });

  it('of Rampart is lifted by a person only: what a failed check stopped is no matter of agents', () => {
    const drive = new Drive().reach('canary');
    drive.command({ type: 'Hold', reason: 'judging has spent its budget' }, RAMPART);
    expect(drive.command({ type: 'Resume', reason: 'x' }, AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ type: 'Resume', reason: 'x' }, ANA)).toMatchObject({ ok: true });
  });
});

describe('the approval of a plan', () => {
  it('is a person’s where the plan asks for four eyes', () => {
    const drive = new Drive(planOf({ fourEyes: true }));
    drive.command({ type: 'Start' }, ANA);
    expect(drive.command({ type: 'Approve', item: 'plan-approved' }, OTHER_AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ type: 'Approve', item: 'plan-approved' }, ANA)).toMatchObject(
      refused('ANOTHER_PRINCIPAL_REQUIRED'),
    );
    expect(drive.command({ type: 'Approve', item: 'plan-approved' }, BEN)).toMatchObject({ ok: true });
  });

  it('is never given by what Rampart finds', () => {
    const drive = new Drive();
    drive.command({ type: 'Start' }, AGENT);
    const findings = [{ item: 'plan-approved', evidence: 'it answered 200' }];
    expect(drive.command({ type: 'CheckPreflight', findings }, RAMPART)).toEqual({ ok: true, events: [] });
    expect(drive.state.preflight['plan-approved']).toBeNull();
  });

  it('cannot be bound to an address, a source or a hook by the plan that it approves', () => {
    for (const way of [{ url: LINK }, { hook: 'launches' }, { source: 'prom', query: 'up' }]) {
      const result = planFromObject(
        {
          flag: 'f',
          version: 'v1',
          preflight: [{ item: 'plan-approved', ...way }],
          stages: [
            { name: 'canary', percentage: 5, duration: '48h' },
            { name: 'ga', percentage: 100, duration: 'permanent' },
          ],
        },
        { now: 0 },
      );
      expect(result).toMatchObject({ ok: false, issues: [{ code: 'misplaced-key' }] });
    }
  });
});

describe('a proposed kill', () => {
  it('is declined by a person only, and approved by anyone who may approve', () => {
    const drive = new Drive(
      planOf({
        killSwitch: { flag: 'k', autoTrip: false, trip: [{ metric: 'errorRate', limit: '10%' }] },
        abortCriteria: [],
        stages: [
          {
            name: 'canary',
            percentage: 5,
            duration: '1h',
            onFail: 'hold',
            gate: [{ metric: 'errorRate', limit: '1%' }],
          },
          { name: 'ga', percentage: 100, duration: 'permanent', monitor: '1h' },
        ],
      }),
    ).reach('canary');
    drive.serve(BATCH_MS, 0.3);
    expect(drive.state.proposals).toMatchObject([{ action: 'kill' }]);
    const no = { type: 'Decline', proposal: 1, reason: 'noise' } as const;
    expect(drive.command(no, AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, AGENT)).toMatchObject({ ok: true });
    expect(drive.state).toMatchObject({ phase: 'aborted', killed: true });
  });
});

describe('a retry that another agent approves', () => {
  it('shows the feature to the people the plan says, and to others only once a person approves it', () => {
    const drive = new Drive().reach('canary');
    drive.command({ type: 'Abort', reason: 'x' });
    drive.command({ type: 'RecordFix', incident: 1, text: 'fixed' });
    drive.now += HOUR_MS;
    drive.command({ type: 'Retry', version: 'v2', people: 'fresh' }, AGENT);
    drive.command({ type: 'Retry', version: 'v2' }, AGENT);
    const approve = (number: number) => ({ type: 'Approve', item: `proposal ${number}` }) as const;
    expect(drive.command(approve(1), OTHER_AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command(approve(2), OTHER_AGENT)).toMatchObject({ ok: true });
    expect(drive.state).toMatchObject({ attempt: 2, phase: 'exposing' });
  });
});

describe('strangers as the first to see it', () => {
  it('are accepted by a person only (semantics §5)', () => {
    const item = 'accept-random-internal';
    const drive = new Drive(planOf({ preflight: [item] }));
    drive.command({ type: 'Start' }, ANA);
    expect(drive.command({ type: 'Approve', item }, AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ type: 'Approve', item }, BEN)).toMatchObject({ ok: true });
  });
});

describe('four eyes', () => {
  it('are needed for a waiver too: whoever asked for the start gives none', () => {
    const drive = new Drive(planOf({ fourEyes: true }));
    drive.command({ type: 'Start' }, ANA);
    const waiver = { type: 'Approve', item: 'launch-readiness', waive: true, note: 'a try-out' } as const;
    expect(drive.command(waiver, ANA)).toMatchObject(refused('ANOTHER_PRINCIPAL_REQUIRED'));
    const other = { id: 'cleo', kind: 'person', roles: ['operator'] } as const;
    expect(drive.command(waiver, other)).toMatchObject({ ok: true });
  });
});

describe('evidence of pre-flight', () => {
  it('that is too old when the last item is given keeps pre-flight open', () => {
    const drive = new Drive(planOf({ preflight: ['legal', { item: 'security', requires: 'evidence', maxAge: '2h' }] }));
    drive.command({ type: 'Start' });
    drive.command({ type: 'Approve', item: 'security', evidence: LINK }, BEN);
    drive.now += 3 * HOUR_MS;
    drive.command({ type: 'Approve', item: 'legal' }, BEN);
    expect(drive.state).toMatchObject({ phase: 'preflight', preflight: { security: null } });
    drive.command({ type: 'Approve', item: 'security', evidence: LINK }, BEN);
    expect(drive.state.phase).toBe('baseline');
  });

  it('of a rollback that a drill has just failed is no note: a person waives it, or a drill passes', () => {
    const drive = new Drive(planOf({ preflight: ['rollback-tested'] }));
    drive.command({ type: 'Start' });
    drive.command({ type: 'Drill', connected: 2 }, RAMPART);
    drive.command({ type: 'FinishDrill', drill: 1, why: 'SDK b did not follow' }, RAMPART);
    const note = { type: 'Approve', item: 'rollback-tested', note: 'it is fine, really' } as const;
    expect(drive.command(note, AGENT)).toMatchObject({
      ...refused('ITEM_NOT_BY_HAND'),
      message: expect.stringContaining('rampart drill r'),
    });
    expect(drive.command({ ...note, waive: true }, AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ ...note, waive: true }, ANA)).toMatchObject({ ok: true });
    expect(drive.state.overrides).toHaveLength(1);
  });
});

describe('a proposal', () => {
  it('that is still open is not made again by whoever repeats itself', () => {
    const drive = new Drive().reach('canary');
    for (const reason of ['go', 'please go']) drive.command({ type: 'Proceed', reason }, AGENT);
    expect(drive.state.proposals).toMatchObject([{ number: 1, by: 'agent:ops', reason: 'go' }]);
    drive.command({ type: 'Proceed', reason: 'I too' }, OTHER_AGENT);
    drive.command({ type: 'Decline', proposal: 1, reason: 'not yet' }, BEN);
    drive.command({ type: 'Proceed', reason: 'now?' }, AGENT);
    expect(drive.state.proposals.map(({ by }) => by)).toEqual(['agent:ops', 'agent:other', 'agent:ops']);
    drive.command({ type: 'Abort', reason: 'x' });
    drive.command({ type: 'RecordFix', incident: 1, text: 'fixed' });
    drive.now += HOUR_MS;
    for (const version of ['v2', 'v2', 'v3']) drive.command({ type: 'Retry', version }, AGENT);
    expect(drive.state.proposals.slice(3)).toMatchObject([{ version: 'v2' }, { version: 'v3' }]);
  });
});

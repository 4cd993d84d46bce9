import { describe, expect, it } from 'vitest';
import {
  AGENT,
  BATCH_MS,
  BEN,
  Drive,
  HOUR_MS,
  MINUTE_MS,
  OTHER_AGENT,
  planOf,
  VIEWER,
} from '../arbitraries.contract.ts';
import { renderReport } from '../documents/report.ts';
import { currentVersion } from './decide-abort.ts';

const canary = (plan = planOf()) => new Drive(plan).reach('canary');
const refused = (code: string) => ({ ok: false, code });
const aborted = (plan = planOf()) => {
  const drive = canary(plan);
  drive.command({ type: 'Abort', reason: 'a bug' });
  return drive;
};
const fixed = (drive: Drive) => {
  drive.command({ type: 'RecordFix', incident: drive.state.incidents.length, text: 'fixed', reference: 'PR 1' });
  drive.now += HOUR_MS;
  return drive;
};

describe('a proposal', () => {
  it('to proceed lapses with its stage: approved later it would skip the next one', () => {
    const drive = canary();
    drive.command({ type: 'Approve', item: 'No critical bugs' });
    expect(drive.command({ type: 'Proceed', reason: 'looks good' }, AGENT)).toMatchObject({
      ok: true,
      events: [{ type: 'ProposalMade' }],
    });
    drive.serve(90 * MINUTE_MS);
    expect(drive.state).toMatchObject({
      stage: { index: 1 },
      proposals: [{ decided: { by: 'rampart', approved: false } }],
    });
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, BEN)).toMatchObject(refused('PROPOSAL_UNKNOWN'));
    expect(drive.state.stage?.index).toBe(1);
  });

  it('to retry may be approved by another agent once a fix is recorded, for then it is inside the plan', () => {
    const drive = aborted();
    drive.now += HOUR_MS;
    const retry = { type: 'Retry', version: 'v1', reason: 'again' } as const;
    drive.command(retry, AGENT);
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, OTHER_AGENT)).toMatchObject(refused('FORBIDDEN'));
    drive.command({ type: 'RecordFix', incident: 1, text: 'fixed' }, OTHER_AGENT);
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, AGENT)).toMatchObject(
      refused('ANOTHER_PRINCIPAL_REQUIRED'),
    );
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, OTHER_AGENT)).toMatchObject({ ok: true });
    expect(drive.state).toMatchObject({ attempt: 2, stage: { index: 0 } });
  });

  it('that raises exposure is approved by another principal, who is a person', () => {
    const drive = canary();
    drive.command({ type: 'Proceed', reason: 'looks good' }, AGENT);
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, AGENT)).toMatchObject(
      refused('ANOTHER_PRINCIPAL_REQUIRED'),
    );
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, OTHER_AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, VIEWER)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ type: 'Approve', item: 'proposal 1', note: 'yes' }, BEN)).toMatchObject({ ok: true });
    expect(drive.state).toMatchObject({ stage: { index: 1 }, proposals: [{ decided: { by: 'ben', approved: true } }] });
    expect(drive.command({ type: 'Approve', item: 'proposal 1' }, BEN)).toMatchObject({
      ok: false,
      message: expect.stringContaining('approved by ben'),
    });
  });

  it('to retry keeps the version and the people it was made for', () => {
    const drive = fixed(aborted());
    drive.command({ type: 'Retry', version: 'v2', people: 'fresh' }, AGENT);
    drive.command({ type: 'Retry', version: 'v2' }, OTHER_AGENT);
    expect(drive.state).toMatchObject({ phase: 'aborted' });
    drive.command({ type: 'Approve', item: 'proposal 1' }, BEN);
    expect(drive.state).toMatchObject({
      phase: 'exposing',
      attempt: 2,
      statistics: 2,
      salt: 'f#2',
      proposals: [{ decided: { approved: true } }, { decided: { approved: false } }],
    });
    expect(currentVersion(drive.state)).toBe('v2');
  });

  it('to kill is made once per attempt without autoTrip, and not again after it was declined', () => {
    const plan = planOf({
      killSwitch: { flag: 'k', autoTrip: false, trip: [{ metric: 'errorRate', limit: '10%' }] },
      abortCriteria: { errorRate: '90%' },
      alerts: {},
      stages: [
        { name: 'canary', percentage: 5, duration: '30m', gate: [] },
        { name: 'ga', percentage: 100, duration: 'permanent' },
      ],
    } as never);
    const drive = canary(plan).serve(30 * MINUTE_MS, 0.4);
    expect(drive.all('ProposalMade')).toHaveLength(1);
    drive.command({ type: 'Decline', proposal: 1, reason: 'known' });
    drive.serve(90 * MINUTE_MS, 0.4);
    expect(drive.all('ProposalMade')).toHaveLength(1);
    expect(drive.state, 'no advance while a trip stands').toMatchObject({ phase: 'exposing', stage: { index: 0 } });
    const other = canary(plan).serve(30 * MINUTE_MS, 0.4);
    other.command({ type: 'Approve', item: 'proposal 1' }, OTHER_AGENT);
    expect(other.state).toMatchObject({ killed: true, layers: [], phase: 'aborted' });
  });

  it('to retry the same version carries its reason, which its approval records as an override', () => {
    const drive = aborted();
    drive.now += HOUR_MS;
    expect(drive.command({ type: 'Retry' }, AGENT)).toMatchObject(refused('FIX_REQUIRED'));
    drive.command({ type: 'Retry', reason: 'the source was down' }, AGENT);
    drive.command({ type: 'Approve', item: 'proposal 1' }, BEN);
    expect(drive.state).toMatchObject({ attempt: 2, overrides: [{ by: 'ben', reason: 'the source was down' }] });
  });

  it("is what a person's proceed and retry are under four eyes", () => {
    const drive = new Drive(planOf({ fourEyes: true }));
    drive.command({ type: 'Start' });
    for (const item of ['launch-readiness', 'plan-approved']) {
      drive.command({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, BEN);
    }
    for (let count = 0; count < 4 && drive.state.phase === 'baseline'; count += 1) drive.serve(BATCH_MS);
    drive.command({ type: 'Proceed', reason: 'go' });
    expect(drive.state).toMatchObject({ stage: { index: 0 }, proposals: [{ action: 'proceed', by: 'ana' }] });
  });
});

describe('a person who proceeds past a gate', () => {
  it('leaves the stage overridden, by name', () => {
    const drive = canary();
    drive.command({ type: 'Proceed', reason: 'looks good' });
    expect(drive.state.history).toMatchObject([
      { name: 'canary', result: 'overridden', overriddenBy: 'ana' },
      { name: 'wide', result: 'in-progress' },
    ]);
    const report = renderReport(drive.records, drive.state, { now: drive.now });
    expect(report).toContain('⏭ Overridden by ana');
    expect(report).toContain('ana moved past stage canary by override');
  });

  it('may not while nothing is seen', () => {
    const drive = canary();
    drive.tick(30 * MINUTE_MS);
    expect(drive.state.blindSince).toBeDefined();
    expect(drive.command({ type: 'Proceed', reason: 'looks good' })).toMatchObject({
      ok: false,
      code: 'GATE_NOT_REACHED',
      message: expect.stringMatching(/^blind: /),
    });
  });
});

describe('a hold', () => {
  it('of a person is lifted by a person only; an agent may lift its own, and proposes the rest', () => {
    const drive = canary();
    drive.command({ type: 'Hold', reason: 'legal asks' });
    expect(drive.command({ type: 'Resume', reason: 'enough' }, AGENT)).toMatchObject({
      ...refused('FORBIDDEN'),
      message: expect.stringContaining('ana holds it (legal asks)'),
    });
    expect(drive.command({ type: 'Proceed', reason: 'enough' }, AGENT)).toMatchObject({
      ok: true,
      events: [{ type: 'ProposalMade' }],
    });
    expect(drive.command({ type: 'Resume' })).toMatchObject({ ok: true });
    drive.command({ type: 'Hold', reason: 'odd latency' }, AGENT);
    expect(drive.command({ type: 'Resume' }, OTHER_AGENT)).toMatchObject({ ok: true });
  });
});

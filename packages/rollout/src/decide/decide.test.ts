import { describe, expect, it } from 'vitest';
import { AGENT, ANA, BATCH_MS, BEN, Drive, HOUR_MS, planOf, START_AT, VIEWER } from '../arbitraries.contract.ts';
import type { RolloutCommand } from '../command.ts';
import { RAMPART } from '../principal.ts';
import { decide } from './decide.ts';
import { enterStage } from './exposure.ts';
import { assertInvariants, InvariantError } from './invariants.ts';

const canary = (plan = planOf()) => new Drive(plan).reach('canary');
const refused = (code: string) => ({ ok: false, code });

describe('authority', () => {
  it.each<[RolloutCommand]>([
    [{ type: 'Start' }],
    [{ type: 'Hold', reason: 'x' }],
    [{ type: 'Resume' }],
    [{ type: 'Extend', reason: 'x' }],
    [{ type: 'Proceed', reason: 'x' }],
    [{ type: 'Abort', reason: 'x' }],
    [{ type: 'Kill', reason: 'x' }],
    [{ type: 'Rearm', reason: 'x' }],
    [{ type: 'Retry' }],
    [{ type: 'Cancel', reason: 'x' }],
    [{ type: 'Approve', item: 'x' }],
    [{ type: 'Decline', proposal: 1, reason: 'x' }],
    [{ type: 'Tick' }],
    [{ type: 'AddIssue', title: 'x', severity: 'minor' }],
    [{ type: 'ChangeIssue', number: 1, status: 'fixed' }],
    [{ type: 'RecordFix', incident: 1, text: 'x' }],
    [{ type: 'ConfirmEffect', incident: 1, acknowledged: 1, connected: 1 }],
    [{ type: 'CaptureBaseline', baseline: { fromAt: 0, toAt: 1, metrics: {} } }],
  ])('of a viewer does not reach to %o', (command) => {
    expect(canary().command(command, VIEWER)).toMatchObject(refused('FORBIDDEN'));
  });

  it.each<[RolloutCommand]>([
    [{ type: 'Hold', reason: ' ' }],
    [{ type: 'Extend', reason: '' }],
    [{ type: 'Proceed', reason: '' }],
    [{ type: 'Abort', reason: '' }],
    [{ type: 'Kill', reason: '' }],
    [{ type: 'Rearm', reason: '' }],
    [{ type: 'Cancel', reason: '' }],
    [{ type: 'Decline', proposal: 1, reason: '' }],
    [{ type: 'RecordFix', incident: 1, text: '' }],
    [{ type: 'RecordRootCause', incident: 1, text: '' }],
    [{ type: 'AssignIncident', incident: 1, assignee: '' }],
    [{ type: 'AddIssue', title: '', severity: 'minor' }],
  ])('needs a reason for %o', (command) => {
    expect(canary().command(command)).toMatchObject(refused('REASON_REQUIRED'));
  });

  it.each<[RolloutCommand, string]>([
    [{ type: 'Create', id: 'r', plan: planOf(), warnings: [] }, 'ROLLOUT_EXISTS'],
    [{ type: 'Start' }, 'WRONG_PHASE'],
    [{ type: 'Resume' }, 'NOT_HELD'],
    [{ type: 'Rearm', reason: 'x' }, 'NOT_KILLED'],
    [{ type: 'Retry' }, 'WRONG_PHASE'],
    [{ type: 'Approve', item: 'tea' }, 'ITEM_UNKNOWN'],
    [{ type: 'Approve', item: 'proposal 7' }, 'PROPOSAL_UNKNOWN'],
    [{ type: 'RecordFix', incident: 9, text: 'x' }, 'INCIDENT_UNKNOWN'],
    [{ type: 'ConfirmEffect', incident: 9, acknowledged: 1, connected: 1 }, 'INCIDENT_UNKNOWN'],
    [{ type: 'ChangeIssue', number: 9, status: 'fixed' }, 'ISSUE_UNKNOWN'],
    [{ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' }, 'ITEM_ALREADY_GIVEN'],
  ])('cannot make sense of %o in canary', (command, code) => {
    expect(canary().command(command)).toMatchObject(refused(code));
  });

  it('creates before anything else', () => {
    expect(decide(undefined, { type: 'Start' }, ANA, 0)).toMatchObject(refused('ROLLOUT_UNKNOWN'));
    expect(decide(undefined, { type: 'Create', id: 'r', plan: planOf(), warnings: [] }, VIEWER, 0)).toMatchObject(
      refused('FORBIDDEN'),
    );
  });
});

describe('starting', () => {
  it('waits for every pre-flight item, and for another principal where an agent starts', () => {
    const drive = new Drive();
    drive.command({ type: 'Start' }, AGENT);
    expect(drive.command({ type: 'Approve', item: 'plan-approved' }, AGENT)).toMatchObject(
      refused('ANOTHER_PRINCIPAL_REQUIRED'),
    );
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://ci/1', note: 'ok' }, AGENT);
    expect(drive.state.phase).toBe('preflight');
    drive.command({ type: 'Approve', item: 'plan-approved' }, BEN);
    expect(drive.state).toMatchObject({
      phase: 'baseline',
      preflight: { 'launch-readiness': { evidence: 'https://ci/1', note: 'ok' } },
    });
  });

  it('goes straight to the baseline without pre-flight items, and enters stage 1 only once nothing holds it', () => {
    const drive = new Drive(planOf({ preflight: [] }));
    drive.command({ type: 'Start' });
    drive.command({ type: 'Hold', reason: 'wait' });
    for (let count = 0; count < 4; count += 1) drive.serve(BATCH_MS);
    expect(drive.state).toMatchObject({ phase: 'baseline', baseline: expect.anything(), layers: [] });
    drive.command({ type: 'Resume', reason: 'go' });
    drive.tick(0);
    expect(drive.state).toMatchObject({ phase: 'exposing', stage: { index: 0 } });
  });

  it('begins again in pre-flight where the attempt before ended there', () => {
    const drive = new Drive(planOf({ fourEyes: true }));
    drive.command({ type: 'Start' });
    drive.command({ type: 'Abort', reason: 'not yet' }, BEN);
    drive.now += HOUR_MS;
    drive.command({ type: 'Retry', reason: 'the day had passed' });
    drive.command({ type: 'Approve', item: 'proposal 1' }, { ...BEN, id: 'cy' });
    expect(drive.state).toMatchObject({
      phase: 'preflight',
      attempt: 2,
      layers: [],
      preflight: { 'plan-approved': null },
    });
  });
});

describe('the last line of defence', () => {
  it('throws at a decision that would break an invariant', () => {
    const { state, now } = canary();
    expect(() => assertInvariants(state, enterStage(state, 2, now, 'skip'), RAMPART, now)).toThrow(InvariantError);
    expect(() =>
      assertInvariants({ ...state, killed: true }, [{ type: 'KillSwitchRearmed', reason: 'x' }], AGENT, now),
    ).toThrow(/I6: agent:ops lifted/);
    expect(() => assertInvariants(state, [{ type: 'KillSwitchTripped', reason: 'x' }], RAMPART, now)).toThrow(/I4/);
    expect(enterStage(state, 9, now, 'x')).toEqual([]);
    expect(START_AT).toBeLessThan(now);
  });
});

import { describe, expect, it } from 'vitest';
import { AGENT, BATCH_MS, Drive, HOUR_MS, MINUTE_MS, planOf } from '../arbitraries.contract.ts';
import { RAMPART } from '../principal.ts';
import { waitingFor } from './tick-advance.ts';

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

describe('ending an attempt', () => {
  it('by kill latches, and exposes nobody in the same decision', () => {
    const drive = canary();
    drive.command({ type: 'Kill', reason: 'fire', people: { treatment: 1, control: 2, targeted: 0 } }, AGENT);
    expect(drive.state).toMatchObject({
      killed: true,
      layers: [],
      phase: 'aborted',
      incidents: [{ people: { treatment: 1 } }],
    });
    expect(drive.command({ type: 'Kill', reason: 'again' })).toEqual({ ok: true, events: [] });
    fixed(drive);
    expect(drive.command({ type: 'Retry', version: 'v2' })).toMatchObject(refused('KILL_SWITCH_LATCHED'));
    expect(drive.command({ type: 'Rearm', reason: 'x' }, AGENT)).toMatchObject(refused('FORBIDDEN'));
    drive.command({ type: 'Rearm', reason: 'fixed' });
    expect(drive.state).toMatchObject({ killed: false, layers: [] });
    expect(drive.command({ type: 'Retry', version: 'v2' })).toMatchObject({ ok: true });
  });

  it('keeps the failure that stood: the same version cannot be retried past it', () => {
    const drive = canary(
      planOf({
        stages: [
          {
            name: 'canary',
            percentage: 5,
            duration: '1h',
            onFail: 'hold',
            gate: [{ metric: 'errorRate', limit: '1%' }],
          },
          { name: 'ga', percentage: 100, duration: 'permanent' },
        ],
        abortCriteria: { errorRate: '50%' },
      } as never),
    );
    drive.serve(30 * MINUTE_MS, 0.05);
    drive.command({ type: 'Abort', reason: 'enough' });
    fixed(drive);
    expect(drive.command({ type: 'Retry' })).toMatchObject({
      ok: false,
      code: 'STATISTICS_STILL_FAIL',
      message: expect.stringContaining('gate:errorRate:1%'),
    });
    drive.command({ type: 'Retry', version: 'v2' });
    drive.command({ type: 'Abort', reason: 'x' });
    fixed(drive);
    drive.command({ type: 'Retry', version: 'v1' });
    expect(drive.state.statistics, 'a version that was tried is not new').toBe(2);
  });

  it('allows a retry after the cool-down, with a fix for a new version, as often as the plan says', () => {
    const drive = aborted(planOf({ retry: { cooldown: '10m', limit: 1, people: 'fresh' } }));
    expect(drive.command({ type: 'Retry' })).toMatchObject(refused('COOLDOWN'));
    drive.now += 10 * MINUTE_MS;
    expect(drive.command({ type: 'Retry', version: 'v2' })).toMatchObject(refused('FIX_REQUIRED'));
    for (const reason of [undefined, ' ']) {
      expect(drive.command({ type: 'Retry', ...(reason !== undefined && { reason }) })).toMatchObject({
        ok: false,
        code: 'FIX_REQUIRED',
        message: expect.stringContaining('why version "v1" may be shown again'),
      });
    }
    drive.command({ type: 'Retry', reason: 'the source was down' });
    expect(drive.state).toMatchObject({
      attempt: 2,
      statistics: 1,
      salt: 'f#2',
      overrides: [{ by: 'ana', what: 'retry with the same version', reason: 'the source was down' }],
    });
    drive.command({ type: 'Abort', reason: 'x' });
    drive.now += HOUR_MS;
    expect(drive.command({ type: 'Retry' })).toMatchObject(refused('RETRY_LIMIT'));
  });

  it('needs no reason for the same version once a fix is recorded', () => {
    const drive = fixed(aborted());
    drive.command({ type: 'Retry' });
    expect(drive.state).toMatchObject({ attempt: 2, statistics: 1, overrides: [] });
  });

  it('keeps the people of the attempt before unless it asks for fresh ones', () => {
    const drive = fixed(aborted());
    drive.command({ type: 'Retry', version: 'v2', people: 'fresh' });
    drive.command({ type: 'Abort', reason: 'x' });
    fixed(drive);
    drive.command({ type: 'Retry', version: 'v3', people: 'same' });
    expect(drive.state.salt).toBe('f#2');
  });

  it('is documented step by step, also after the rollout was cancelled', () => {
    const drive = aborted();
    const endedAt = drive.state.attempts[0]?.endedAt;
    drive.now += MINUTE_MS;
    drive.command({ type: 'Cancel', reason: 'no more' });
    expect(drive.state.attempts[0], 'it was aborted, not cancelled').toMatchObject({ outcome: 'aborted', endedAt });
    const confirm = { type: 'ConfirmEffect', incident: 1, acknowledged: 3, connected: 3 } as const;
    drive.command(confirm, RAMPART);
    expect(drive.command(confirm, RAMPART)).toEqual({ ok: true, events: [] });
    drive.command({ type: 'AssignIncident', incident: 1, assignee: 'agent:triage' });
    drive.command({ type: 'RecordRootCause', incident: 1, text: 'a typo' });
    drive.command({ type: 'RecordFix', incident: 1, text: 'spelled right' });
    drive.command({ type: 'ResolveIncident', incident: 1 });
    expect(drive.command({ type: 'ResolveIncident', incident: 1 })).toEqual({ ok: true, events: [] });
    expect(drive.state.incidents[0]).toMatchObject({
      tookEffectAt: drive.now,
      assignee: 'agent:triage',
      rootCause: 'a typo',
      fix: { text: 'spelled right' },
      resolvedAt: drive.now,
    });
    expect(drive.command({ type: 'Kill', reason: 'x' })).toMatchObject(refused('WRONG_PHASE'));
    expect(drive.command({ type: 'Tick' }, RAMPART)).toEqual({ ok: true, events: [] });
  });

  it('can be re-armed after it was cancelled, by a person, and exposes nobody by that', () => {
    const drive = new Drive().begin();
    drive.command({ type: 'Kill', reason: 'x' });
    drive.command({ type: 'Cancel', reason: 'another plan' });
    expect(drive.state).toMatchObject({ phase: 'cancelled', killed: true });
    drive.command({ type: 'Rearm', reason: 'fixed' });
    expect(drive.state).toMatchObject({ phase: 'cancelled', killed: false, layers: [] });
    expect(drive.command({ type: 'Rearm', reason: 'again' })).toMatchObject(refused('NOT_KILLED'));
  });

  it('may be cancelled from every phase but the last two', () => {
    const drives = [new Drive(), new Drive(), new Drive().begin(), new Drive().reach('ga'), aborted()];
    drives[1]?.command({ type: 'Start' });
    for (const drive of drives) {
      drive.command({ type: 'Cancel', reason: 'no more' });
      expect(drive.state).toMatchObject({ phase: 'cancelled', layers: [], alerting: [] });
      expect(drive.state.attempts.every((one) => one.endedAt !== undefined)).toBe(true);
      expect(drive.command({ type: 'Cancel', reason: 'x' })).toMatchObject(refused('WRONG_PHASE'));
    }
  });

  it('ends well after the monitoring, once the exit items are given', () => {
    const drive = new Drive().reach('ga').serve(90 * MINUTE_MS);
    expect(waitingFor(drive.state, drive.judgement, drive.now)).toEqual(['exit item "docs-updated"']);
    drive.command({ type: 'Approve', item: 'docs-updated' });
    drive.serve(BATCH_MS);
    expect(drive.state).toMatchObject({
      phase: 'complete',
      layers: [{ weight: 100_000 }],
      attempts: [{ outcome: 'completed' }],
    });
  });
});

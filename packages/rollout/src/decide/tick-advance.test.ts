import { describe, expect, it } from 'vitest';
import { BATCH_MS, Drive, HOUR_MS, MINUTE_MS, planOf } from '../arbitraries.contract.ts';
import { waitingFor } from './tick-advance.ts';

const canary = (plan = planOf()) => new Drive(plan).reach('canary');
const refused = (code: string) => ({ ok: false, code });

describe('a stage', () => {
  it('counts no time while held, blind, or both at once', () => {
    const drive = canary().serve(12 * MINUTE_MS);
    drive.command({ type: 'Hold', reason: 'look' });
    expect(drive.command({ type: 'Hold', reason: 'again' })).toMatchObject(refused('ALREADY_HELD'));
    drive.tick(8 * MINUTE_MS);
    expect(drive.state.blindSince).toBeDefined();
    drive.command({ type: 'Resume' });
    expect(drive.state.stage?.countingSince, 'resumed while blind').toBeUndefined();
    drive.command({ type: 'Hold', reason: 'again' });
    drive.serve(BATCH_MS);
    expect(drive.state.blindSince).toBeUndefined();
    expect(drive.state.stage, 'sight is back, the hold is not over').toMatchObject({ servedMs: 12 * MINUTE_MS });
    expect(drive.state.stage?.countingSince).toBeUndefined();
    drive.command({ type: 'Resume' });
    expect(drive.state.stage?.countingSince).toBe(drive.now);
  });

  it('does not count downtime that ended with a hold before anyone looked', () => {
    const drive = canary().serve(12 * MINUTE_MS);
    drive.now += 72 * HOUR_MS;
    drive.command({ type: 'Hold', reason: 'we were down' });
    drive.tick(0);
    expect(drive.state.stage?.servedMs).toBe(12 * MINUTE_MS);
  });

  it('proceeds once its time is served, its gate passed and its confirmations given, and not before', () => {
    const drive = canary().serve(90 * MINUTE_MS);
    expect(waitingFor(drive.state, drive.judgement, drive.now)).toEqual(['confirmation "No critical bugs"']);
    drive.command({ type: 'AddIssue', title: 'Crash', severity: 'critical', link: 'https://t/1' });
    expect(drive.command({ type: 'Approve', item: 'No critical bugs' })).toMatchObject(refused('CRITICAL_ISSUE_OPEN'));
    drive.command({ type: 'ChangeIssue', number: 1, status: 'fixed' });
    expect(drive.command({ type: 'ChangeIssue', number: 1, status: 'fixed' })).toEqual({ ok: true, events: [] });
    drive.command({ type: 'Approve', item: 'No critical bugs' });
    drive.command({ type: 'AddIssue', title: 'Leak', severity: 'critical' });
    drive.serve(BATCH_MS);
    expect(drive.state.stage?.index, 'a critical issue found later takes the confirmation back').toBe(0);
    drive.command({ type: 'ChangeIssue', number: 2, status: 'closed' });
    drive.serve(BATCH_MS);
    expect(drive.state.stage?.index).toBe(1);
  });

  it('says everything it waits for', () => {
    const drive = canary(planOf({ calendar: { freeze: ['2026-01-05..2026-01-06'] } }));
    expect(drive.state.phase, 'no stage is entered in a freeze').toBe('baseline');
    expect(waitingFor(drive.state, drive.judgement, drive.now)).toEqual([]);
    const other = canary();
    other.command({ type: 'Hold', reason: 'look' });
    other.tick(8 * MINUTE_MS);
    expect(waitingFor(other.state, undefined, other.now)).toEqual([
      'held by ana: look',
      'blind: no evidence to decide on',
      'minimum duration of canary: 1 h to serve',
      'fresh evidence',
      'evidence for gate:errorRate:1%',
      'confirmation "No critical bugs"',
    ]);
  });

  it('is extended by its own length where no other is given, and never shortened', () => {
    const drive = canary();
    drive.command({ type: 'Extend', reason: 'x', byMs: -HOUR_MS });
    drive.command({ type: 'Extend', reason: 'x', byMs: MINUTE_MS });
    expect(drive.state.stage?.durationMs).toBe(2 * HOUR_MS + MINUTE_MS);
    const ga = new Drive().reach('ga');
    ga.command({ type: 'Extend', reason: 'x' });
    expect(ga.state).toMatchObject({ phase: 'monitoring', stage: { durationMs: 2 * HOUR_MS } });
  });

  const UNDECIDED = { name: 'canary', percentage: 5, duration: '1h', gate: [{ metric: 'errorRate', limit: '1%' }] };
  const GA = { name: 'ga', percentage: 100, duration: 'permanent', monitor: '1h' };
  const lenient = { abortCriteria: { errorRate: '50%' }, killSwitch: undefined, alerts: {} };

  it('asks a principal after its longest duration, and again once an extension is served', () => {
    const drive = canary(planOf({ ...lenient, stages: [{ ...UNDECIDED, maxDuration: '90m' }, GA] } as never));
    drive.serve(2 * HOUR_MS, 0.01);
    expect(drive.all('PrincipalAsked')).toHaveLength(1);
    drive.command({ type: 'Hold', reason: 'think' });
    drive.command({ type: 'Resume' });
    drive.command({ type: 'Extend', reason: 'more', byMs: 3 * HOUR_MS });
    drive.serve(HOUR_MS, 0.01);
    expect(drive.all('PrincipalAsked')).toHaveLength(1);
    drive.serve(90 * MINUTE_MS, 0.01);
    expect(drive.all('PrincipalAsked')).toHaveLength(2);
  });

  it('does not ask while held, whatever the time', () => {
    const drive = canary(planOf({ ...lenient, stages: [UNDECIDED, GA] } as never));
    drive.serve(30 * MINUTE_MS, 0.01);
    drive.command({ type: 'Hold', reason: 'x' });
    drive.serve(4 * HOUR_MS, 0.01);
    expect(drive.all('PrincipalAsked')).toEqual([]);
  });

  it('with onFail extend takes more time instead of less exposure', () => {
    const drive = canary(
      planOf({ ...lenient, stages: [{ ...UNDECIDED, onFail: 'extend', maxDuration: '2h' }, GA] } as never),
    );
    drive.serve(65 * MINUTE_MS, 0.05);
    expect(drive.judgement?.verdicts.find((one) => one.tier === 'gate')?.status).toBe('fail');
    expect(drive.state).toMatchObject({ phase: 'exposing', stage: { durationMs: 2 * HOUR_MS } });
    expect(drive.command({ type: 'Proceed', reason: 'x' })).toMatchObject(refused('GATE_NOT_REACHED'));
  });

  it('with onFail hold holds once; a principal who resumes is not held again for the same failure', () => {
    const drive = canary(planOf({ ...lenient, stages: [{ ...UNDECIDED, onFail: 'hold' }, GA] } as never));
    drive.serve(20 * MINUTE_MS, 0.05);
    expect(drive.state.hold?.reason).toMatch(/errorRate breaches 1%.*gate of canary/);
    drive.command({ type: 'Resume', reason: 'known' });
    drive.serve(2 * HOUR_MS, 0.05);
    expect(drive.all('RolloutHeld')).toHaveLength(1);
    expect(drive.state).toMatchObject({ phase: 'exposing', stage: { index: 0 } });
    expect(waitingFor(drive.state, drive.judgement, drive.now)).toContain('gate:errorRate:1%, which fails');
  });

  it('with onFail fix opens an issue and lowers exposure', () => {
    const drive = canary(planOf({ ...lenient, stages: [{ ...UNDECIDED, onFail: 'fix' }, GA] } as never));
    drive.serve(HOUR_MS, 0.05);
    expect(drive.state).toMatchObject({
      phase: 'aborted',
      layers: [],
      issues: [{ title: 'canary: errorRate breaches 1%' }],
      incidents: [{ kind: 'gate' }],
    });
  });

  it('holds and does not abort where control breaches too and attribution is required, for gates as for criteria', () => {
    const shared = [{ metric: 'errorRate', limit: '2%', attribution: 'required' }];
    const drive = canary(
      planOf({
        abortCriteria: shared,
        killSwitch: { flag: 'k', trip: [{ metric: 'errorRate', limit: '3%', attribution: 'required' }] },
        alerts: {},
        stages: [{ ...UNDECIDED, gate: shared }, GA],
      } as never),
    );
    drive.serve(HOUR_MS, 0.3, 0.3);
    expect(drive.state).toMatchObject({
      phase: 'exposing',
      killed: false,
      hold: { reason: expect.stringContaining('so does control') },
    });
    expect(drive.command({ type: 'Proceed', reason: 'the provider was down' })).toMatchObject({ ok: true });
    expect(drive.state).toMatchObject({ phase: 'monitoring', overrides: [{ reason: 'the provider was down' }] });
    expect(drive.state.hold).toBeUndefined();
  });

  it('does not finish the last stage while a gate of it fails', () => {
    const ga = { ...GA, onFail: 'extend', gate: [{ metric: 'errorRate', limit: '1%' }] };
    const drive = new Drive(
      planOf({
        ...lenient,
        exit: [],
        stages: [{ ...UNDECIDED, gate: [{ metric: 'errorRate', limit: '40%' }] }, ga],
      } as never),
    ).reach('ga');
    drive.serve(3 * HOUR_MS, 0.05);
    expect(drive.state.phase).toBe('monitoring');
    expect(drive.command({ type: 'Proceed', reason: 'x' })).toMatchObject(refused('WRONG_PHASE'));
  });

  it('is left by an override only when the calendar is open', () => {
    const drive = canary(planOf({ calendar: { advance: 'Mon-Fri 09:00-10:00 UTC' } }));
    drive.serve(HOUR_MS);
    expect(drive.command({ type: 'Proceed', reason: 'now' })).toMatchObject(refused('CALENDAR_CLOSED'));
    expect(waitingFor(drive.state, drive.judgement, drive.now).at(-1)).toMatch(/^the calendar: outside the hours/);
  });

  it('clears an alert once safety is shown or the evidence of harm is used up', () => {
    const drive = canary(
      planOf({
        abortCriteria: { errorRate: '50%' },
        killSwitch: undefined,
        stages: [{ ...UNDECIDED, duration: '30d', gate: [{ metric: 'errorRate', limit: '50%' }] }, GA],
      } as never),
    );
    drive.serve(30 * MINUTE_MS, 0.04);
    expect(drive.state.alerting).toEqual(['alert:errorRate:control+1%']);
    expect(waitingFor(drive.state, drive.judgement, drive.now)).toContain('alert alert:errorRate:control+1% to clear');
    drive.serve(30 * HOUR_MS, 0.001);
    expect(drive.state.alerting).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { AGENT, ANA, BEN, Drive, planOf } from '../arbitraries.contract.ts';
import { RAMPART } from '../principal.ts';

const refused = (code: string) => ({ ok: false, code });
const NOTHING = { ok: true, events: [] };
const aborted = () => {
  const drive = new Drive(planOf()).reach('canary');
  drive.command({ type: 'Abort', reason: 'a bug' });
  return drive;
};

describe('an incident', () => {
  it('keeps who began its triage, once', () => {
    const drive = aborted();
    drive.command({ type: 'AcknowledgeIncident', incident: 1 });
    expect(drive.state.incidents[0]?.acknowledged).toEqual({ by: ANA.id, at: drive.now });
    expect(drive.command({ type: 'AcknowledgeIncident', incident: 1 })).toEqual(NOTHING);
    expect(drive.command({ type: 'AcknowledgeIncident', incident: 2 })).toMatchObject(refused('INCIDENT_UNKNOWN'));
  });

  it('is rated with a reason', () => {
    const drive = aborted();
    const rate = { type: 'RateIncident', incident: 1, severity: 'minor', reason: 'few saw it' } as const;
    expect(drive.command({ ...rate, reason: ' ' })).toMatchObject(refused('REASON_REQUIRED'));
    drive.command(rate);
    expect(drive.state.incidents[0]?.severity).toBe('minor');
    expect(drive.command(rate)).toEqual(NOTHING);
  });

  it('keeps notes with who wrote them when, and links once each', () => {
    const drive = aborted();
    drive.command({ type: 'NoteIncident', incident: 1, text: 'pool is full' });
    const link = { type: 'LinkIncident', incident: 1, title: 'Logs', url: 'https://l.example' } as const;
    drive.command(link);
    expect(drive.command(link)).toEqual(NOTHING);
    expect(drive.state.incidents[0]).toMatchObject({
      notes: [{ by: ANA.id, at: drive.now, text: 'pool is full' }],
      links: [{ title: 'Logs', url: 'https://l.example' }],
    });
    expect(drive.command({ type: 'NoteIncident', incident: 1, text: ' ' })).toMatchObject(refused('REASON_REQUIRED'));
    expect(drive.command({ ...link, title: '' })).toMatchObject(refused('REASON_REQUIRED'));
    expect(drive.command({ ...link, url: '' })).toMatchObject(refused('REASON_REQUIRED'));
  });

  it('has action items, numbered, that are done once', () => {
    const drive = aborted();
    const add = {
      type: 'AddAction',
      incident: 1,
      text: 'alert on it',
      owner: 'bo',
      link: 'https://t.example',
    } as const;
    drive.command(add);
    drive.command({ type: 'AddAction', incident: 1, text: 'load test' });
    drive.command({ type: 'CompleteAction', incident: 1, action: 2 });
    expect(drive.command({ type: 'CompleteAction', incident: 1, action: 2 })).toEqual(NOTHING);
    expect(drive.state.incidents[0]?.actions).toMatchObject([
      { number: 1, text: 'alert on it', owner: 'bo', link: 'https://t.example', addedBy: ANA.id },
      { number: 2, text: 'load test', done: { by: ANA.id, at: drive.now } },
    ]);
    expect(drive.state.incidents[0]?.actions?.[0]?.done).toBeUndefined();
    const unknown = drive.command({ type: 'CompleteAction', incident: 1, action: 3 });
    expect(unknown).toMatchObject({ ...refused('ACTION_UNKNOWN'), message: expect.stringContaining('known: 1, 2') });
    expect(aborted().command({ type: 'CompleteAction', incident: 1, action: 1 })).toMatchObject({
      message: expect.stringContaining('known: none'),
    });
  });

  it('is resolved once root cause and fix are recorded, or with a reason that is kept', () => {
    const drive = aborted();
    const resolve = (reason?: string) =>
      drive.command({ type: 'ResolveIncident', incident: 1, ...(reason !== undefined && { reason }) });
    expect(resolve()).toMatchObject({ message: expect.stringContaining('has no root cause and no fix') });
    drive.command({ type: 'RecordRootCause', incident: 1, text: 'a typo' });
    expect(resolve(' ')).toMatchObject({
      ...refused('REASON_REQUIRED'),
      message: expect.stringContaining('has no fix'),
    });
    expect(resolve('duplicate')).toMatchObject({ events: [{ type: 'IncidentResolved', reason: 'duplicate' }] });
    expect(drive.state.incidents[0]).toMatchObject({ resolvedAt: drive.now, resolvedBecause: 'duplicate' });
    expect(resolve()).toEqual(NOTHING);
    const fixed = aborted();
    fixed.command({ type: 'RecordRootCause', incident: 1, text: 'a typo' });
    fixed.command({ type: 'RecordFix', incident: 1, text: 'spelled right' });
    fixed.command({ type: 'ResolveIncident', incident: 1, reason: 'not needed' });
    expect(fixed.state.incidents[0]?.resolvedBecause).toBeUndefined();
  });

  it('is worked on by those who triage, agents too, and by nobody else', () => {
    const drive = aborted();
    expect(drive.command({ type: 'NoteIncident', incident: 1, text: 'x' }, AGENT)).toMatchObject({ ok: true });
    expect(drive.command({ type: 'NoteIncident', incident: 1, text: 'x' }, BEN)).toMatchObject(refused('FORBIDDEN'));
  });
});

describe('whether an abort took', () => {
  const counts = { incident: 1, acknowledged: 9, connected: 12, treated: 0, treating: 0 } as const;
  const confirm = { type: 'ConfirmEffect', incident: 1, acknowledged: 12, connected: 12 } as const;
  const fell = { type: 'ConfirmExposureFell', incident: 1, reports: 4 } as const;

  it('is told by exposure only after the SDKs have confirmed, and once', () => {
    const drive = aborted();
    expect(drive.command(fell, RAMPART)).toEqual(NOTHING);
    drive.command(confirm, RAMPART);
    drive.command(fell, RAMPART);
    expect(drive.state.incidents[0]).toMatchObject({ tookEffectAt: drive.now, exposureFellAt: drive.now });
    expect(drive.command(fell, RAMPART)).toEqual(NOTHING);
    expect(drive.command({ ...fell, incident: 2 }, RAMPART)).toMatchObject(refused('INCIDENT_UNKNOWN'));
    expect(drive.command(fell, BEN)).toMatchObject(refused('FORBIDDEN'));
  });

  it('is in doubt once per incident: SDKs that have not confirmed, or people who still see the feature', () => {
    const drive = aborted();
    const doubt = { type: 'ReportUnconfirmed', ...counts } as const;
    expect(drive.command(doubt, RAMPART)).toMatchObject({ events: [{ ...counts, type: 'AbortUnconfirmed' }] });
    expect(drive.command(doubt, RAMPART)).toEqual(NOTHING);
    const confirmed = aborted();
    confirmed.command(confirm, RAMPART);
    expect(confirmed.command(doubt, RAMPART)).toEqual(NOTHING);
    expect(confirmed.command({ ...doubt, treated: 3, treating: 1 }, RAMPART)).toMatchObject({
      events: [{ type: 'AbortUnconfirmed', treated: 3 }],
    });
    const fallen = aborted();
    fallen.command(confirm, RAMPART);
    fallen.command(fell, RAMPART);
    expect(fallen.command({ ...doubt, treated: 3, treating: 1 }, RAMPART)).toEqual(NOTHING);
  });
});

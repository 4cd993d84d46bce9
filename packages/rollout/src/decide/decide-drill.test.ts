import { describe, expect, it } from 'vitest';
import { AGENT, BEN, Drive, planOf, VIEWER } from '../arbitraries.contract.ts';
import { describeEvent } from '../documents/describe-event.ts';
import { renderReport } from '../documents/report.ts';
import { RAMPART } from '../principal.ts';
import { describeDrill, drillSwitch, runningDrill } from './decide-drill.ts';

const LEG = { confirmed: 12, evaluated: 12, worstMs: 400, slowest: [{ instance: 'a', ms: 400 }] };

function started(): Drive {
  const drive = new Drive(planOf({ preflight: ['rollback-tested', 'legal'] }));
  drive.command({ type: 'Start' });
  return drive;
}

function drill(drive: Drive, why?: string): void {
  drive.command({ type: 'Drill', connected: 12 }, RAMPART);
  const number = drive.state.drills?.length ?? 0;
  drive.command({ type: 'SwitchDrillOff', drill: number, on: LEG }, RAMPART);
  drive.command({ type: 'FinishDrill', drill: number, off: LEG, ...(why !== undefined && { why }) }, RAMPART);
}

describe('a drill', () => {
  it('switches its flag on and off, and gives the item once SDKs followed', () => {
    const drive = started();
    expect(drillSwitch(drive.state)).toBeUndefined();
    drive.command({ type: 'Drill', connected: 12 });
    expect([drillSwitch(drive.state), runningDrill(drive.state)?.number]).toEqual(['on', 1]);
    expect(describeDrill(drive.state.drills?.[0] ?? never())).toBe('drill 1 is running in 12 SDKs');
    drive.command({ type: 'SwitchDrillOff', drill: 1, on: LEG }, RAMPART);
    expect(drillSwitch(drive.state)).toBe('off');
    drive.command({ type: 'FinishDrill', drill: 1, off: LEG }, RAMPART);
    expect(drillSwitch(drive.state)).toBeUndefined();
    expect(drive.state.preflight['rollback-tested']).toMatchObject({
      by: 'rampart',
      evidence: 'drill 1: off in 0.40 s in 12 of 12 SDKs',
    });
    expect(renderReport(drive.records, drive.state, { now: drive.now })).toContain(
      'Rollback drill 1: off in 0.40 s in 12 of 12 SDKs.',
    );
  });

  it('that an SDK did not follow leaves the item open, and takes back what a person had said', () => {
    const drive = started();
    drive.command({ type: 'Approve', item: 'rollback-tested', note: 'tried on staging' }, BEN);
    drill(drive, 'SDK b did not confirm within 30 s that it was off');
    expect(drive.state).toMatchObject({
      preflight: { 'rollback-tested': null },
      preflightFailures: {
        'rollback-tested': {
          why: 'drill 1 failed: SDK b did not confirm within 30 s that it was off; off in 0.40 s in 12 of 12 SDKs',
        },
      },
    });
    drill(drive);
    expect(drive.state.preflight['rollback-tested']).not.toBeNull();
    expect(drive.records.map((one) => describeEvent(one))).toEqual(
      expect.arrayContaining([
        'Rampart finished rollback drill 1: failed: SDK b did not confirm within 30 s that it was off, off in 0.40 s in 12 SDKs',
        'Rampart finished rollback drill 2: passed, off in 0.40 s in 12 SDKs',
      ]),
    );
  });

  it('may be run by hand at any time after the start, one at a time, where an SDK is connected', () => {
    const drive = new Drive(planOf());
    expect(drive.command({ type: 'Drill', connected: 1 })).toMatchObject({ ok: false, code: 'WRONG_PHASE' });
    drive.reach('canary');
    expect(drive.command({ type: 'Drill' })).toMatchObject({ ok: false, code: 'NO_SDK_CONNECTED' });
    expect(drive.command({ type: 'Drill', connected: 1 }, VIEWER)).toMatchObject({ ok: false, code: 'FORBIDDEN' });
    expect(drive.command({ type: 'Drill', connected: 1 }, AGENT)).toMatchObject({ ok: true });
    expect(drive.command({ type: 'Drill', connected: 1 })).toMatchObject({ ok: false, code: 'DRILL_RUNNING' });
    const { layers, phase, stage } = drive.state;
    drive.command({ type: 'SwitchDrillOff', drill: 1, on: LEG }, RAMPART);
    drive.command({ type: 'FinishDrill', drill: 1, why: 'SDK x did not follow' }, RAMPART);
    // Nobody is exposed more or less for it.
    expect(drive.state).toMatchObject({ layers, phase, stage });
  });

  it('ends with the rollout, and its end can still be put on record', () => {
    const drive = started();
    drive.command({ type: 'Drill', connected: 1 });
    drive.command({ type: 'Cancel', reason: 'no' });
    expect(drillSwitch(drive.state)).toBeUndefined();
    drive.command({ type: 'FinishDrill', drill: 1, why: 'cancelled' }, RAMPART);
    expect(drive.state).toMatchObject({ phase: 'cancelled', drills: [{ passed: false }] });
  });

  it('is switched and finished by Rampart alone, and once', () => {
    const drive = started();
    drive.command({ type: 'Drill', connected: 1 });
    expect(drive.command({ type: 'SwitchDrillOff', drill: 1, on: LEG })).toMatchObject({ code: 'FORBIDDEN' });
    expect(drive.command({ type: 'FinishDrill', drill: 1 })).toMatchObject({ code: 'FORBIDDEN' });
    expect(drive.command({ type: 'SwitchDrillOff', drill: 2, on: LEG }, RAMPART)).toMatchObject({ events: [] });
    drive.command({ type: 'FinishDrill', drill: 1, off: LEG }, RAMPART);
    expect(drive.command({ type: 'FinishDrill', drill: 1, off: LEG }, RAMPART)).toMatchObject({ events: [] });
  });

  it('says how many SDKs said what they evaluate, and how many had left', () => {
    const off = { ...LEG, confirmed: 10, evaluated: 9, left: 2 };
    const finished = { number: 3, by: 'ana', startedAt: 0, connected: 12, off, finishedAt: 1, passed: true };
    expect(describeDrill(finished)).toBe(
      'drill 3: off in 0.40 s in 10 of 12 SDKs (9 of them by evaluating it) (2 ended meanwhile)',
    );
  });
});

function never(): never {
  throw new Error('the rollout has no drill');
}

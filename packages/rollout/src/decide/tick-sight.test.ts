import { describe, expect, it } from 'vitest';
import { ANA, BATCH_MS, BEN, bothArms, Drive, HOUR_MS, MINUTE_MS, planOf } from '../arbitraries.contract.ts';
import type { Plan } from '../plan.ts';
import { RAMPART } from '../principal.ts';
import { openItems } from './decide-start.ts';

const canary = (plan = planOf()) => new Drive(plan).reach('canary');
/** Eight minutes without evidence, then some with. */
const gap = (drive: Drive, seenMs: number) => {
  drive.tick(8 * MINUTE_MS);
  drive.serve(seenMs);
};
const inBaseline = (plan: Plan) => {
  const drive = new Drive(plan);
  drive.command({ type: 'Start' });
  for (const item of openItems(drive.state))
    drive.command({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, BEN);
  return drive;
};

describe('blindness before the first stage', () => {
  it('is none of the stage: nobody is told of it there, and nothing is rolled back for it', () => {
    const drive = new Drive(planOf({ onBlind: 'rollback' }));
    drive.command({ type: 'Start' });
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'OPS-1' });
    for (let count = 0; count < 12; count += 1) drive.tick(HOUR_MS);
    expect(drive.all('BlindLimitReached')).toHaveLength(1);
    const { now } = drive;
    const baseline = { fromAt: now - HOUR_MS, toAt: now, metrics: {}, source: 'history' } as const;
    drive.command({ type: 'CaptureBaseline', baseline }, RAMPART);
    expect(drive.state).toMatchObject({ phase: 'exposing', blindSince: now });
    drive.tick(BATCH_MS, { failures: [{ metric: 'errorRate', message: '500' }] });
    expect(drive.state.phase).toBe('exposing');
    drive.serve(BATCH_MS);
    expect(drive.state.blindMs ?? 0).toBeLessThanOrEqual(2 * BATCH_MS);
    expect(drive.all('BlindLimitReached')).toHaveLength(1);
  });
});

describe('blindness', () => {
  it('tells people after the limit, and rolls back only where the plan says so', () => {
    const drive = canary();
    drive.tick(30 * MINUTE_MS);
    drive.tick(30 * MINUTE_MS);
    expect(drive.all('BlindLimitReached')).toHaveLength(1);
    expect(drive.state.phase).toBe('exposing');
    const other = canary(planOf({ onBlind: 'rollback' }));
    other.tick(10 * MINUTE_MS);
    other.command({ type: 'Tick' }, RAMPART);
    other.tick(30 * MINUTE_MS);
    expect(other.state).toMatchObject({ phase: 'aborted', incidents: [{ kind: 'blind' }] });
  });

  it('counts a gap that was over before anyone looked as blind', () => {
    const drive = canary().serve(12 * MINUTE_MS);
    drive.tick(60 * MINUTE_MS, { series: bothArms(drive.state, 'errorRate', 0, 0) });
    expect(drive.all('SightReturned')).toHaveLength(1);
    expect(drive.state.stage).toMatchObject({ servedMs: 12 * MINUTE_MS, countingSince: drive.now });
  });

  it('does not trust a judgement from the future', () => {
    const drive = canary();
    const judgement = { ...drive.judgement!, at: drive.now + 1, telemetryMissing: 'x' };
    expect(drive.command({ type: 'Tick', judgement }, RAMPART)).toEqual({ ok: true, events: [] });
  });

  it('tells people of short gaps once they add up to the limit, and not again before they do so anew', () => {
    const drive = canary();
    const gaps = (times: number) => {
      for (let time = 0; time < times; time += 1) gap(drive, 12 * MINUTE_MS);
    };
    gaps(1);
    expect(drive.all('BlindLimitReached')).toEqual([]);
    gaps(1);
    expect(drive.all('BlindLimitReached')).toHaveLength(1);
    expect(drive.all('BlindLimitReached')[0]?.inAllMs).toBeGreaterThanOrEqual(20 * MINUTE_MS);
    gaps(1);
    expect(drive.all('BlindLimitReached')).toHaveLength(1);
    gaps(1);
    expect(drive.all('BlindLimitReached')).toHaveLength(2);
  });

  it('forgets gaps that a fresh window of evidence lies between', () => {
    const drive = canary();
    for (let time = 0; time < 6; time += 1) gap(drive, 72 * MINUTE_MS);
    expect(drive.all('SightLost').length).toBeGreaterThan(3);
    expect(drive.all('BlindLimitReached')).toEqual([]);
  });

  it('never rolls back for gaps that only add up', () => {
    const drive = canary(planOf({ onBlind: 'rollback' }));
    for (let time = 0; time < 8; time += 1) gap(drive, 12 * MINUTE_MS);
    expect(drive.all('BlindLimitReached').length).toBeGreaterThan(0);
    expect(drive.state.phase).toBe('exposing');
  });

  it('waits, after Rampart was down, until it has seen for itself that nothing comes', () => {
    const drive = canary(planOf({ onBlind: 'rollback' }));
    drive.tick(72 * HOUR_MS);
    expect(drive.state).toMatchObject({ phase: 'exposing', blindNoticedAt: drive.now });
    drive.tick(4 * MINUTE_MS);
    expect(drive.all('BlindLimitReached')).toEqual([]);
    drive.tick(2 * MINUTE_MS);
    expect(drive.state.phase).toBe('aborted');
  });

  it('waits anew where Rampart is started while a rollout is blind', () => {
    const drive = canary(planOf({ onBlind: 'rollback' }));
    drive.tick(6 * MINUTE_MS);
    drive.now += 72 * HOUR_MS;
    drive.command({ type: 'ResumeWatch' }, RAMPART);
    drive.tick(0);
    expect(drive.state.phase).toBe('exposing');
    drive.tick(6 * MINUTE_MS);
    expect(drive.state.phase).toBe('aborted');
    expect(drive.command({ type: 'ResumeWatch' }, ANA)).toMatchObject({ ok: false, code: 'FORBIDDEN' });
  });
});

describe('the baseline', () => {
  it('that nobody reports for is told to people, and never ends the attempt', () => {
    const drive = inBaseline(planOf({ onBlind: 'rollback', baseline: { window: '10h' } }));
    for (let minute = 0; minute < 40; minute += 4) drive.tick(4 * MINUTE_MS);
    expect(drive.all('BlindLimitReached')).toHaveLength(1);
    expect(drive.state.phase).toBe('baseline');
  });

  it('is not frozen before half of its window was seen', () => {
    const drive = inBaseline(planOf({ baseline: { window: '2h' } }));
    drive.tick(3 * HOUR_MS);
    drive.serve(56 * MINUTE_MS);
    expect(drive.state).toMatchObject({ phase: 'baseline' });
    expect(drive.state.baseline).toBeUndefined();
    drive.serve(12 * MINUTE_MS);
    expect(drive.state.phase).toBe('exposing');
  });
});

import { describe, expect, it } from 'vitest';
import { AGENT, ANA, BATCH_MS, BEN, bothArms, Drive, HOUR_MS, planOf } from '../arbitraries.contract.ts';
import { exitGateOf } from './exit-gate.ts';
import { waitingFor } from './tick-advance.ts';

const DAY_MS = 24 * HOUR_MS;
const GA = { name: 'ga', percentage: 100, duration: 'permanent', monitor: '48h' };
const CANARY = { name: 'canary', percentage: 5, duration: '1h', gate: [{ metric: 'errorRate', limit: '40%' }] };
const EXIT = ['ga-stable', 'no-abort', 'docs-updated', 'flag-cleanup-scheduled'];
/** Two quiet days, with ratings that come half a day late. */
const plan = (parts: Parameters<typeof planOf>[0] = {}) =>
  planOf({
    metrics: { rating: { kind: 'mean', unit: 'score', harm: 'lower', lag: '12h' } },
    stages: [CANARY, GA],
    abortCriteria: [
      { metric: 'errorRate', limit: '2%' },
      { metric: 'rating', limit: 0.5 },
    ],
    killSwitch: undefined,
    alerts: {},
    exit: [],
    ...parts,
  } as never);

/** Time in which errors arrive, and ratings where they are told to. */
function serve(drive: Drive, forMs: number, rated = true): void {
  for (let left = forMs; left > 0 && drive.state.phase !== 'complete'; left -= BATCH_MS) {
    const ratings = rated ? bothArms(drive.state, 'rating', 0.8, 0.8, true, drive.batches.length) : [];
    drive.tick(BATCH_MS, { series: [...bothArms(drive.state, 'errorRate', 0.001, 0.001), ...ratings] });
  }
}

function atGa(parts: Parameters<typeof planOf>[0] = {}): Drive {
  return toGa(new Drive(plan(parts)).begin());
}

function toGa(drive: Drive): Drive {
  for (let left = 200; left > 0 && drive.state.phase !== 'monitoring'; left -= 1) serve(drive, BATCH_MS);
  expect(drive.state.phase, waits(drive).join('; ')).toBe('monitoring');
  return drive;
}

const waits = (drive: Drive) => waitingFor(drive.state, drive.judgement, drive.now);
const gate = (drive: Drive) => exitGateOf(drive.state, drive.judgement, waits(drive));

describe('the quiet time', () => {
  it('ends once what comes late has told of its end, and not before', () => {
    const drive = atGa();
    serve(drive, 2 * DAY_MS + HOUR_MS);
    expect(waits(drive)).toEqual([expect.stringMatching(/^late data of rating: 11 h/)]);
    serve(drive, 12 * HOUR_MS);
    expect(drive.state.phase).toBe('complete');
    const { monitoringSince = 0, attempts } = drive.state;
    expect((attempts[0]?.endedAt ?? 0) - monitoringSince).toBeGreaterThanOrEqual(2.5 * DAY_MS);
  });

  it('waits for a metric whose last report is of before its end', () => {
    const drive = atGa();
    serve(drive, 2 * DAY_MS + 11 * HOUR_MS);
    serve(drive, 2 * HOUR_MS, false);
    expect(waits(drive)).toEqual(['rating, which has not reported for the end of the quiet time']);
    serve(drive, BATCH_MS);
    expect(drive.state.phase).toBe('complete');
  });

  it('lasts as long as the window of a count that is longer', () => {
    const complaints = [
      { metric: 'errorRate', limit: '2%' },
      { metric: 'userComplaints', limit: '10 per 72h' },
    ];
    const drive = atGa({ abortCriteria: complaints as never, metrics: undefined });
    serve(drive, 2 * DAY_MS + HOUR_MS, false);
    expect(waits(drive)).toEqual([expect.stringMatching(/^the whole window of userComplaints: 23 h/)]);
    serve(drive, DAY_MS, false);
    expect(drive.state.phase, waits(drive).join()).toBe('complete');
  });

  it('is not quiet while nothing measures a criterion, until a person ends it without and says why', () => {
    const drive = atGa();
    serve(drive, 4 * DAY_MS, false);
    expect(waits(drive)[0]).toBe('blind: no evidence to decide on');
    expect(gate(drive)).toEqual([
      expect.objectContaining({
        item: 'rating measured',
        isMet: false,
        how: ['approve', 'r', 'without rating', '--note', '…'],
      }),
    ]);
    const item = 'without rating';
    expect(drive.command({ type: 'Approve', item })).toMatchObject({ ok: false, code: 'REASON_REQUIRED' });
    expect(drive.command({ type: 'Approve', item, note: 'x' }, AGENT)).toMatchObject({ ok: false, code: 'FORBIDDEN' });
    expect(drive.command({ type: 'Approve', item, note: 'x' }, BEN)).toMatchObject({ ok: false, code: 'FORBIDDEN' });
    const other = drive.command({ type: 'Approve', item: 'without errorRate', note: 'x' });
    expect(other).toMatchObject({ ok: false, code: 'ITEM_UNKNOWN' });
    drive.command({ type: 'Approve', item, note: 'the survey was closed' });
    expect(drive.state.overrides).toEqual([
      expect.objectContaining({
        by: 'ana',
        what: 'end the quiet time without rating',
        reason: 'the survey was closed',
      }),
    ]);
    serve(drive, 2 * DAY_MS, false);
    expect(drive.state.phase).toBe('complete');
  });

  it('does not wait for a criterion that is optional', () => {
    const abortCriteria = [
      { metric: 'errorRate', limit: '2%' },
      { metric: 'rating', limit: 0.5, optional: true },
    ];
    const drive = atGa({ abortCriteria: abortCriteria as never });
    serve(drive, 2 * DAY_MS + HOUR_MS, false);
    expect(drive.state.phase).toBe('complete');
  });

  it('aborts by the same criteria to its end, and the attempt that follows starts its own exit gate', () => {
    const drive = atGa({ exit: EXIT });
    drive.command({ type: 'Approve', item: 'docs-updated', evidence: 'https://docs.example.com/xyz' });
    drive.command({ type: 'ScheduleCleanup', dueAt: drive.now + DAY_MS });
    serve(drive, DAY_MS);
    drive.serve(2 * HOUR_MS, 0.2);
    expect(drive.state).toMatchObject({ phase: 'aborted', layers: [], incidents: [{ stage: 'ga' }] });
    drive.command({ type: 'RecordFix', incident: 1, text: 'fixed' });
    drive.now += HOUR_MS;
    drive.command({ type: 'Retry', version: 'v2' });
    expect(drive.state.cleanup).toBeUndefined();
    toGa(drive);
    expect(gate(drive).map(({ item, isMet }) => [item, isMet])).toEqual([
      ['ga-stable', false],
      ['no-abort', true],
      ['docs-updated', false],
      ['flag-cleanup-scheduled', false],
    ]);
    expect(gate(drive)[1]?.detail).toBe(
      'attempt 2 reached 100 % without an abort; 1 earlier attempt was aborted, see the report',
    );
  });
});

describe('the exit gate as a list', () => {
  it('says of each item what it lacks and how to give it, then who gave it', () => {
    const drive = atGa({ exit: [...EXIT, 'legal informed'] });
    expect(gate(drive).map(({ how }) => how?.join(' '))).toEqual([
      undefined,
      undefined,
      'approve r docs-updated --evidence LINK',
      'flag cleanup f --by DATE',
      'approve r legal informed',
    ]);
    drive.command({ type: 'Approve', item: 'docs-updated' });
    expect(gate(drive)[2]).toMatchObject({ isMet: true, detail: 'by ana, without a link' });
    const link = 'https://docs.example.com/xyz';
    drive.command({ type: 'Approve', item: 'docs-updated', evidence: link }, BEN);
    expect(gate(drive)[2]).toEqual({ item: 'docs-updated', isMet: true, detail: `by ben: ${link}` });
    const again = drive.command({ type: 'Approve', item: 'docs-updated', evidence: 'other' });
    expect(again).toMatchObject({ ok: false, code: 'ITEM_ALREADY_GIVEN' });
    drive.command({ type: 'Approve', item: 'flag-cleanup-scheduled', evidence: '2026-03-01' }, ANA);
    expect(gate(drive)[3]).toMatchObject({ isMet: true, detail: 'by ana: due 2026-03-01' });
    drive.command({ type: 'Approve', item: 'legal informed' });
    serve(drive, 3 * DAY_MS);
    expect(drive.state.phase).toBe('complete');
    expect(gate(drive).every(({ isMet }) => isMet)).toBe(true);
  });
});

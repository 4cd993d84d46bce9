import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANA, BEN, Drive, HOUR_MS, planOf, VIEWER } from '../arbitraries.contract.ts';
import { RAMPART } from '../principal.ts';
import { nextReminderAt } from './decide-cleanup.ts';

const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
const ITEM = 'flag-cleanup-scheduled';

const atGa = (parts: Parameters<typeof planOf>[0] = {}) => new Drive(planOf({ exit: [ITEM], ...parts })).reach('ga');
function completed(): Drive {
  const drive = atGa();
  drive.command({ type: 'ScheduleCleanup', dueAt: drive.now + 10 * DAY_MS, owner: 'team-web' });
  drive.serve(2 * HOUR_MS);
  expect(drive.state.phase).toBe('complete');
  return drive;
}
const remind = (drive: Drive) => drive.command({ type: 'RemindCleanup' }, RAMPART);

describe('the removal of a flag', () => {
  it('that somebody has dated in an earlier stage is not dated anew by the plan', () => {
    const drive = new Drive(planOf({ exit: [ITEM], cleanup: { after: '10d' } })).reach('canary');
    const dueAt = drive.now + 90 * DAY_MS;
    drive.command({ type: 'ScheduleCleanup', dueAt, owner: 'ben' });
    drive.reach('ga');
    expect(drive.state).toMatchObject({ phase: 'monitoring', cleanup: { dueAt, owner: 'ben' } });
  });

  it.each([
    ['a date', '2026-03-01', { dueAt: Date.UTC(2026, 2, 1) }],
    ['an instant', '2026-03-01T09:00+02:00', { dueAt: Date.UTC(2026, 2, 1, 7) }],
    ['a link', 'https://plane.example.com/RMP-7', { link: 'https://plane.example.com/RMP-7' }],
    ['words', 'the old variant stays', {}],
    ['nothing', undefined, {}],
  ])('is scheduled by giving the exit item with %s', (_, evidence, expected) => {
    const drive = atGa({ owners: { operator: 'team-web' } });
    drive.command({ type: 'Approve', item: ITEM, ...(evidence !== undefined && { evidence }) });
    const quietAt = drive.now + HOUR_MS;
    expect(drive.state.cleanup).toMatchObject({
      by: 'ana',
      owner: 'team-web',
      dueAt: quietAt + 30 * DAY_MS,
      ...expected,
    });
    expect(drive.state.exit[ITEM]).toMatchObject({ by: 'ana' });
  });

  it('that is scheduled gives the exit item', () => {
    const drive = atGa();
    const dueAt = Date.UTC(2026, 2, 1);
    drive.command({ type: 'ScheduleCleanup', dueAt, link: 'https://t/1' }, BEN);
    expect(drive.state.exit[ITEM]).toMatchObject({ by: 'ben', evidence: 'https://t/1' });
    drive.command({ type: 'ScheduleCleanup', dueAt: dueAt + DAY_MS });
    expect(drive.all('ItemAttested').filter(({ item }) => item === ITEM)).toHaveLength(1);
    expect(drive.state.cleanup).toMatchObject({ by: 'ana', dueAt: dueAt + DAY_MS });
  });

  it('is scheduled by Rampart itself where the plan says how long the flag may stay', () => {
    const drive = atGa({ cleanup: { after: '14d', owner: 'team-web' } });
    expect(drive.state.cleanup).toMatchObject({ by: 'rampart', owner: 'team-web' });
    expect(drive.state.cleanup?.dueAt).toBe(drive.now + HOUR_MS + 14 * DAY_MS);
    expect(drive.state.exit[ITEM]).toMatchObject({ by: 'rampart' });
  });

  it('is scheduled by nobody before exposure, nor by a viewer', () => {
    const early = new Drive(planOf());
    expect(early.command({ type: 'ScheduleCleanup' })).toMatchObject({ ok: false, code: 'WRONG_PHASE' });
    const drive = atGa();
    expect(drive.command({ type: 'ScheduleCleanup' }, VIEWER)).toMatchObject({ ok: false, code: 'FORBIDDEN' });
  });

  it('is reminded of at its date and each week after, once for all the time that was slept through', () => {
    const drive = completed();
    const dueAt = drive.state.cleanup?.dueAt ?? 0;
    drive.now = dueAt - 1;
    expect(remind(drive)).toEqual({ ok: true, events: [] });
    drive.now = dueAt;
    remind(drive);
    remind(drive);
    expect(drive.all('FlagCleanupDue')).toHaveLength(1);
    drive.now = dueAt + 5 * WEEK_MS + DAY_MS;
    remind(drive);
    remind(drive);
    expect(drive.all('FlagCleanupDue')).toEqual([
      { type: 'FlagCleanupDue', dueAt, reminder: 1 },
      { type: 'FlagCleanupDue', dueAt, reminder: 2 },
    ]);
    expect(nextReminderAt(drive.state)).toBe(dueAt + 6 * WEEK_MS);
    drive.command({ type: 'ScheduleCleanup', dueAt: drive.now + DAY_MS });
    expect(nextReminderAt(drive.state), 'a new date begins anew').toBe(drive.now + DAY_MS);
  });

  it('is never reminded of before the end, twice in a week, or once the flag is gone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20 * DAY_MS }), { maxLength: 30 }),
        fc.nat(30),
        (gaps, removedAfter) => {
          const drive = completed();
          const dueAt = drive.state.cleanup?.dueAt ?? 0;
          const at: number[] = [];
          for (const [index, gap] of gaps.entries()) {
            drive.now += gap;
            if (index === removedAfter) drive.command({ type: 'RecordFlagRemoval' }, ANA);
            const decision = remind(drive);
            if (decision.ok && decision.events.length > 0) at.push(drive.now);
            if (drive.state.flagRemoved) expect(decision).toEqual({ ok: true, events: [] });
          }
          const weeks = at.map((one) => Math.floor((one - dueAt) / WEEK_MS));
          expect(new Set(weeks).size).toBe(weeks.length);
          expect(Math.min(0, ...weeks)).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is recorded once, and by nobody while the rollout runs', () => {
    const running = atGa();
    expect(running.command({ type: 'RecordFlagRemoval' })).toMatchObject({ ok: false, code: 'WRONG_PHASE' });
    const drive = completed();
    drive.command({ type: 'RecordFlagRemoval' });
    expect(drive.command({ type: 'RecordFlagRemoval' }, RAMPART)).toEqual({ ok: true, events: [] });
    expect(drive.state.flagRemoved).toMatchObject({ by: 'ana' });
    expect(drive.command({ type: 'ScheduleCleanup' })).toMatchObject({ ok: false, code: 'ITEM_ALREADY_GIVEN' });
  });
});

describe('a hand-over', () => {
  it('is recorded once it is told, after the end only, and what failed may still succeed', () => {
    const tell = (isDelivered: boolean) => ({ type: 'RecordHandover', name: 'feedback', isDelivered }) as const;
    expect(atGa().command(tell(true), RAMPART)).toMatchObject({ ok: false, code: 'WRONG_PHASE' });
    const drive = completed();
    expect(drive.command(tell(true), ANA)).toMatchObject({ ok: false, code: 'FORBIDDEN' });
    drive.command({ ...tell(false), why: 'it answered 404' }, RAMPART);
    drive.command(tell(true), RAMPART);
    drive.command(tell(true), RAMPART);
    expect(drive.all('HandoverTold')).toHaveLength(2);
    expect(drive.state.handovers).toEqual([{ name: 'feedback', isDelivered: true, at: drive.now }]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Calendar } from '../plan.ts';
import { calendarOpen, isTimeZone } from './calendar.ts';

const at = (text: string) => Date.parse(text);
const paris: Calendar = {
  advance: { days: [1, 2, 3, 4], fromMinute: 9 * 60, toMinute: 16 * 60, timeZone: 'Europe/Paris' },
  freeze: [{ from: '2026-12-18', to: '2027-01-04' }],
  timeZone: 'Europe/Paris',
};

describe('the calendar', () => {
  it('is always open without rules', () => {
    expect(calendarOpen({ freeze: [], timeZone: 'UTC' }, 0)).toEqual({ open: true });
  });

  it('opens and closes at local time: from is inside, to is not', () => {
    expect(calendarOpen(paris, at('2026-11-23T08:00:00Z')).open).toBe(true);
    expect(calendarOpen(paris, at('2026-11-23T07:59:59Z')).open).toBe(false);
    expect(calendarOpen(paris, at('2026-11-23T14:59:59Z')).open).toBe(true);
    expect(calendarOpen(paris, at('2026-11-23T15:00:00Z'))).toEqual({
      open: false,
      reopensAt: at('2026-11-24T08:00:00Z'),
      why: 'outside the hours for advances (Europe/Paris)',
    });
  });

  it('follows daylight saving: nine in Paris is 07:00 UTC in summer', () => {
    expect(calendarOpen(paris, at('2026-07-06T07:00:00Z')).open).toBe(true);
    // The clocks go back on Sunday 25 October 2026.
    expect(calendarOpen(paris, at('2026-10-23T10:00:00Z'))).toMatchObject({ reopensAt: at('2026-10-26T08:00:00Z') });
    expect(calendarOpen(paris, at('2026-03-27T10:00:00Z'))).toMatchObject({ reopensAt: at('2026-03-30T07:00:00Z') });
  });

  it('waits for a freeze to end and then for the next window', () => {
    expect(calendarOpen(paris, at('2026-12-20T10:00:00Z'))).toEqual({
      open: false,
      reopensAt: at('2027-01-05T08:00:00Z'),
      why: 'frozen from 2026-12-18 to 2027-01-04 (Europe/Paris)',
    });
    // Friday before the freeze, which starts the same night.
    expect(calendarOpen(paris, at('2026-12-17T15:30:00Z'))).toMatchObject({ reopensAt: at('2027-01-05T08:00:00Z') });
  });

  it('ends a freeze at local midnight, also when freezes touch', () => {
    const calendar: Calendar = {
      freeze: [
        { from: '2026-12-24', to: '2026-12-26' },
        { from: '2026-12-27', to: '2026-12-27' },
      ],
      timeZone: 'America/New_York',
    };
    expect(calendarOpen(calendar, at('2026-12-25T12:00:00Z'))).toMatchObject({ reopensAt: at('2026-12-28T05:00:00Z') });
    expect(calendarOpen(calendar, at('2026-12-24T04:59:59Z')).open).toBe(true);
  });

  it('opens after the gap when the clocks skip the opening hour, and at the earlier of two', () => {
    const night = (fromMinute: number): Calendar => ({
      advance: { days: [7], fromMinute, toMinute: 24 * 60, timeZone: 'America/New_York' },
      freeze: [],
      timeZone: 'America/New_York',
    });
    // 2026-03-08: 02:00 becomes 03:00 (07:00 UTC).
    expect(calendarOpen(night(150), at('2026-03-08T05:00:00Z'))).toMatchObject({
      reopensAt: at('2026-03-08T07:00:00Z'),
    });
    // 2026-11-01: 01:30 comes twice, first at 05:30 UTC.
    expect(calendarOpen(night(90), at('2026-11-01T04:30:00Z'))).toMatchObject({
      reopensAt: at('2026-11-01T05:30:00Z'),
    });
  });

  it('says so when it never opens again', () => {
    const never: Calendar = {
      advance: { days: [], fromMinute: 0, toMinute: 60, timeZone: 'UTC' },
      freeze: [],
      timeZone: 'UTC',
    };
    expect(calendarOpen(never, 0)).toEqual({ open: false, why: 'not a day for advances (UTC)' });
  });

  it('reopens at an instant that is open, just after one that is closed', () => {
    const zone = fc.constantFrom('Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC');
    const calendars = fc
      .record({
        zone,
        days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        from: fc.integer({ min: 0, max: 1400 }),
      })
      .map(
        ({ zone: timeZone, days, from }): Calendar => ({
          advance: { days, fromMinute: from, toMinute: from + 40, timeZone },
          freeze: [{ from: '2026-04-01', to: '2026-04-20' }],
          timeZone,
        }),
      );
    const instant = fc.integer({ min: at('2026-01-01') / 1000, max: at('2027-01-01') / 1000 });
    fc.assert(
      fc.property(calendars, instant, (calendar, seconds) => {
        const { open, reopensAt } = calendarOpen(calendar, seconds * 1000);
        if (open) return;
        expect(reopensAt).toBeGreaterThan(seconds * 1000);
        expect(calendarOpen(calendar, reopensAt!).open).toBe(true);
        expect(calendarOpen(calendar, reopensAt! - 1000).open).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it('knows time zones', () => {
    expect(isTimeZone('Europe/Paris')).toBe(true);
    expect(isTimeZone('Europe/Atlantis')).toBe(false);
  });
});

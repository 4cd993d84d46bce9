import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Calendar } from '../plan.ts';
import { calendarOpen, closedWords } from './calendar.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './duration.ts';
import { planFromObject } from './parse-plan.ts';

const at = (text: string) => Date.parse(text);
const minuteOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** A calendar of one window a day, on the days given (1 is Monday). Default: every day. */
function window(timeZone: string, from: string, to: string, days = [1, 2, 3, 4, 5, 6, 7]): Calendar {
  return {
    advance: { days, fromMinute: minuteOf(from), toMinute: minuteOf(to), timeZone },
    freeze: [],
    timeZone,
  };
}

const STEP_MS = 5 * MINUTE_MS;

/** Stretches in which a calendar is open within a range, to five minutes, as UTC times of day. */
function opened(calendar: Calendar, from: string, to: string): readonly string[] {
  const stretches: string[] = [];
  let since: number | undefined;
  for (let now = at(from); now <= at(to); now += STEP_MS) {
    const isOpen = now < at(to) && calendarOpen(calendar, now).open;
    if (isOpen && since === undefined) since = now;
    if (isOpen || since === undefined) continue;
    stretches.push(`${new Date(since).toISOString().slice(11, 16)}-${new Date(now).toISOString().slice(11, 16)}`);
    since = undefined;
  }
  return stretches;
}

const opensAt = (calendar: Calendar, now: string) => {
  const { reopensAt } = calendarOpen(calendar, at(now));
  return reopensAt === undefined ? undefined : new Date(reopensAt).toISOString();
};

describe('business hours on the days that clocks change', () => {
  it.each([
    // Paris 2026: 29 March 02:00 becomes 03:00 (01:00 UTC), 25 October 03:00 becomes 02:00 (01:00 UTC).
    ['Europe/Paris', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', ['07:00-14:00']],
    ['Europe/Paris', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', ['08:00-15:00']],
    // New York 2026: 8 March 02:00 becomes 03:00 (07:00 UTC), 1 November 02:00 becomes 01:00 (06:00 UTC).
    ['America/New_York', '2026-03-08T05:00:00Z', '2026-03-09T04:00:00Z', ['13:00-20:00']],
    ['America/New_York', '2026-11-01T04:00:00Z', '2026-11-02T05:00:00Z', ['14:00-21:00']],
    // Lord Howe 2026: 5 April 02:00 (UTC+11) becomes 01:30 (UTC+10:30), 4 October 02:00 becomes 02:30.
    ['Australia/Lord_Howe', '2026-04-04T13:00:00Z', '2026-04-05T13:30:00Z', ['22:30-05:30']],
    ['Australia/Lord_Howe', '2026-10-03T13:30:00Z', '2026-10-04T13:00:00Z', ['22:00-05:00']],
    ['Asia/Kolkata', '2026-03-28T18:30:00Z', '2026-03-29T18:30:00Z', ['03:30-10:30']],
  ])('are those of the wall in %s from %s', (zone, from, to, expected) => {
    expect(opened(window(zone, '09:00', '16:00'), from, to)).toEqual(expected);
  });

  it.each([
    // The window lies in the hour that is skipped: it does not open that day.
    ['Europe/Paris', '02:10', '02:50', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', []],
    ['America/New_York', '02:10', '02:50', '2026-03-08T05:00:00Z', '2026-03-09T04:00:00Z', []],
    ['Australia/Lord_Howe', '02:05', '02:25', '2026-10-03T13:30:00Z', '2026-10-04T13:00:00Z', []],
    // It begins in it: it opens when the clocks have jumped.
    ['Europe/Paris', '02:30', '04:00', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', ['01:00-02:00']],
    ['Australia/Lord_Howe', '02:15', '03:30', '2026-10-03T13:30:00Z', '2026-10-04T13:00:00Z', ['15:30-16:30']],
    // It lies in the hour that comes twice: it opens twice, or once for twice as long.
    ['Europe/Paris', '02:10', '02:50', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', ['00:10-00:50', '01:10-01:50']],
    ['America/New_York', '01:00', '02:00', '2026-11-01T04:00:00Z', '2026-11-02T05:00:00Z', ['05:00-07:00']],
    [
      'America/New_York',
      '01:30',
      '02:00',
      '2026-11-01T04:00:00Z',
      '2026-11-02T05:00:00Z',
      ['05:30-06:00', '06:30-07:00'],
    ],
    // Half an hour comes twice: the clocks are put back into the middle of the window.
    [
      'Australia/Lord_Howe',
      '01:15',
      '01:45',
      '2026-04-04T13:00:00Z',
      '2026-04-05T13:30:00Z',
      ['14:15-14:45', '15:00-15:15'],
    ],
  ])('%s %s-%s from %s', (zone, from, to, start, end, expected) => {
    expect(opened(window(zone, from, to), start, end)).toEqual(expected);
  });

  it('says exactly when it opens again, also in the second of two hours', () => {
    expect(opensAt(window('Europe/Paris', '02:10', '02:50'), '2026-10-25T00:50:00Z')).toBe('2026-10-25T01:10:00.000Z');
    expect(opensAt(window('America/New_York', '01:30', '02:00'), '2026-11-01T06:00:00Z')).toBe(
      '2026-11-01T06:30:00.000Z',
    );
    expect(opensAt(window('Australia/Lord_Howe', '01:15', '01:45'), '2026-04-04T14:50:00Z')).toBe(
      '2026-04-04T15:00:00.000Z',
    );
    expect(opensAt(window('Europe/Paris', '02:10', '02:50', [7]), '2026-03-28T12:00:00Z')).toBe(
      '2026-04-05T00:10:00.000Z',
    );
  });
});

describe('a freeze of whole days on the days that clocks change', () => {
  it.each([
    // 23, 25, 23, 25, 23.5 and 24.5 hours long, and 24 where clocks never change.
    ['Europe/Paris', '2026-03-29', '2026-03-28T23:00:00Z', 23],
    ['Europe/Paris', '2026-10-25', '2026-10-24T22:00:00Z', 25],
    ['America/New_York', '2026-03-08', '2026-03-08T05:00:00Z', 23],
    ['America/New_York', '2026-11-01', '2026-11-01T04:00:00Z', 25],
    ['Australia/Lord_Howe', '2026-10-04', '2026-10-03T13:30:00Z', 23.5],
    ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00Z', 24.5],
    ['Asia/Kolkata', '2026-03-29', '2026-03-28T18:30:00Z', 24],
  ])('in %s on %s lasts from its midnight to the next', (timeZone, day, begins, hours) => {
    const calendar: Calendar = { freeze: [{ from: day, to: day }], timeZone };
    const ends = at(begins) + hours * HOUR_MS;
    expect(calendarOpen(calendar, at(begins) - 1000).open).toBe(true);
    expect(calendarOpen(calendar, at(begins))).toMatchObject({ open: false, reopensAt: ends });
    expect(calendarOpen(calendar, ends - 1000)).toMatchObject({ open: false, reopensAt: ends });
    expect(calendarOpen(calendar, ends).open).toBe(true);
  });
});

describe('when a calendar opens again', () => {
  it('is the first open minute, as clocks show it, whatever the zone, window and freeze', () => {
    const zones = ['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'];
    // Around the four changes, and around none.
    const days = ['2026-03-08', '2026-03-29', '2026-04-04', '2026-10-03', '2026-10-25', '2026-11-01', '2026-07-01'];
    const cases = fc.record({
      zone: fc.constantFrom(...zones),
      day: fc.constantFrom(...days),
      now: fc.integer({ min: -2 * 1440, max: 2 * 1440 }),
      seconds: fc.integer({ min: 0, max: 59_999 }),
      from: fc.oneof(fc.integer({ min: 0, max: 240 }), fc.integer({ min: 0, max: 1439 })),
      length: fc.integer({ min: 1, max: 300 }),
      isFrozen: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ zone, day, now, seconds, from, length, isFrozen }) => {
        const calendar: Calendar = {
          advance: {
            days: [1, 2, 3, 4, 5, 6, 7],
            fromMinute: from,
            toMinute: Math.min(1440, from + length),
            timeZone: zone,
          },
          freeze: isFrozen ? [{ from: day, to: day }] : [],
          timeZone: zone,
        };
        const instant = at(day) + now * MINUTE_MS + seconds;
        const { open, reopensAt } = calendarOpen(calendar, instant);
        if (open) return;
        let first = Math.floor(instant / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
        while (!isOpenByWall(calendar, zone, first) && first < instant + 5 * DAY_MS) first += MINUTE_MS;
        expect(reopensAt).toBe(first);
      }),
      { numRuns: 60 },
    );
  });

  it('is told in the zone of the calendar, with the offset that tells two equal hours apart', () => {
    const told = (calendar: Calendar, now: string) => closedWords(calendar, calendarOpen(calendar, at(now)));
    expect(told(window('Europe/Paris', '09:00', '16:00', [1, 2, 3, 4]), '2026-03-27T10:00:00Z')).toBe(
      'not a day for advances (Europe/Paris); it opens on Mon 2026-03-30 09:00 Europe/Paris (UTC+02:00)',
    );
    const night = window('America/New_York', '01:30', '02:00');
    expect(told(night, '2026-11-01T05:00:00Z')).toMatch(/Sun 2026-11-01 01:30 America\/New_York \(UTC-04:00\)$/);
    expect(told(night, '2026-11-01T06:00:00Z')).toMatch(/Sun 2026-11-01 01:30 America\/New_York \(UTC-05:00\)$/);
    expect(told(window('Australia/Lord_Howe', '09:00', '10:00'), '2026-10-04T00:00:00Z')).toMatch(/\(UTC\+11:00\)$/);
    expect(told(window('UTC', '09:00', '10:00', []), '2026-10-04T00:00:00Z')).toBe(
      'not a day for advances (UTC); it never opens again',
    );
  });
});

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether a calendar is open by what an independent reading of the zone's clock says. */
function isOpenByWall({ advance, freeze }: Calendar, timeZone: string, instant: number): boolean {
  const style = { timeZone, dateStyle: 'short', timeStyle: 'short' } as const;
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('sv-SE', style);
  formats.set(timeZone, format);
  const [date = '', time = ''] = format.format(instant).split(' ');
  const minute = minuteOf(time);
  const isFrozen = freeze.some(({ from, to }) => from <= date && date <= to);
  return !isFrozen && advance !== undefined && minute >= advance.fromMinute && minute < advance.toMinute;
}

describe('hours that cross midnight', () => {
  it.each(['daily 22:00-06:00', 'Mon-Fri 09:00-09:00 Europe/Paris'])('are refused: %s', (advance) => {
    const result = planFromObject({
      flag: 'f',
      stages: [{ name: 'ga', percentage: 100, duration: 'permanent' }],
      abortCriteria: { errorRate: '1%' },
      calendar: { advance },
      override: 'x',
    });
    const errors = result.ok ? [] : result.issues.filter(({ severity }) => severity === 'error');
    expect(errors).toMatchObject([
      { code: 'invalid-calendar', message: expect.stringContaining('hours lie within one day') },
    ]);
  });
});

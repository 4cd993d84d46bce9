import type { Calendar } from '../plan.ts';
import { DAY_MS, MINUTE_MS } from './duration.ts';

/** Whether advances are allowed at an instant, and if not, when they are again (epoch ms; absent: never) and why. */
export type CalendarState = { readonly open: boolean; readonly reopensAt?: number; readonly why?: string };

/** Whether the runtime knows an IANA time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

type Advance = NonNullable<Calendar['advance']>;

/** Reads wall clocks of one zone as "local epoch" ms: the instant at which UTC's clocks show the same. */
type WallClock = (instant: number) => number;

/** One per zone: making a format costs a hundred times what using it does. */
const clocks = new Map<string, WallClock>();

function wallClockOf(timeZone: string): WallClock {
  const clock = clocks.get(timeZone) ?? newWallClock(timeZone);
  clocks.set(timeZone, clock);
  return clock;
}

function newWallClock(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (instant) => {
    const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
    return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  };
}

/** The first instant at which a zone's clocks show at least `wall`: the earlier of two, and just after a gap. */
function instantOf(wall: number, clock: WallClock): number {
  const candidates = [wall - DAY_MS, wall + DAY_MS].map((near) => wall - (clock(near) - near));
  const shown = candidates.filter((instant) => clock(instant) === wall);
  if (shown.length > 0) return Math.min(...shown);
  let before = Math.min(...candidates);
  let after = Math.max(...candidates);
  while (after - before > 1000) {
    const middle = before + Math.floor((after - before) / 2000) * 1000;
    if (clock(middle) >= wall) after = middle;
    else before = middle;
  }
  return after;
}

function dateOf(wall: number): string {
  return new Date(wall).toISOString().slice(0, 10);
}

/** Day of the week, 1 (Monday) to 7; 1970-01-01 was a Thursday. */
function weekdayOf(wall: number): number {
  return ((((Math.floor(wall / DAY_MS) + 3) % 7) + 7) % 7) + 1;
}

function freezeOn(calendar: Calendar, wall: number): Calendar['freeze'][number] | undefined {
  const date = dateOf(wall);
  return calendar.freeze.find(({ from, to }) => from <= date && date <= to);
}

function whyClosed(calendar: Calendar, now: number): string | undefined {
  const frozen = freezeOn(calendar, wallClockOf(calendar.timeZone)(now));
  if (frozen) return `frozen from ${frozen.from} to ${frozen.to} (${calendar.timeZone})`;
  const { advance } = calendar;
  if (!advance) return undefined;
  const wall = wallClockOf(advance.timeZone)(now);
  if (!advance.days.includes(weekdayOf(wall))) return `not a day for advances (${advance.timeZone})`;
  return isInWindow(advance, wall) ? undefined : `outside the hours for advances (${advance.timeZone})`;
}

/** The first instant after the freeze in force at `now`, or `now` itself. */
function endOfFreeze(calendar: Calendar, now: number): number {
  const clock = wallClockOf(calendar.timeZone);
  const frozen = freezeOn(calendar, clock(now));
  return frozen ? instantOf(Date.parse(frozen.to) + DAY_MS, clock) : now;
}

/** When the clocks of a zone are changed between two instants, to the second; `undefined` where they are not. */
function changeBetween(from: number, to: number, clock: WallClock): number | undefined {
  const offset = (instant: number) => clock(instant) - instant;
  if (offset(from) === offset(to)) return undefined;
  let [before, after] = [from, to];
  while (after - before > 1000) {
    const middle = before + Math.floor((after - before) / 2000) * 1000;
    if (offset(middle) === offset(from)) before = middle;
    else after = middle;
  }
  return after;
}

/** Whether the advance window holds at what clocks show. */
function isInWindow({ days, fromMinute, toMinute }: Advance, wall: number): boolean {
  const minute = Math.floor((wall - Math.floor(wall / DAY_MS) * DAY_MS) / MINUTE_MS);
  return days.includes(weekdayOf(wall)) && minute >= fromMinute && minute < toMinute;
}

/**
 * The first opening of the advance window at or after `from`, an instant of whole seconds. A day on which the clocks change can
 * open twice, or in the middle of a window: at its first minute, at that minute once more, or at the change itself.
 */
function nextWindow(advance: Advance, from: number): number | undefined {
  const clock = wallClockOf(advance.timeZone);
  const midnight = Math.floor(clock(from) / DAY_MS) * DAY_MS;
  for (let day = midnight; day <= midnight + 8 * DAY_MS; day += DAY_MS) {
    if (!advance.days.includes(weekdayOf(day))) continue;
    const [start, end] = [instantOf(day, clock), instantOf(day + DAY_MS, clock)];
    const opens = day + advance.fromMinute * MINUTE_MS;
    const shown = [start, end].map((near) => opens - (clock(near) - near));
    const found = [...shown, changeBetween(start, end, clock)]
      .filter((instant) => instant !== undefined)
      .filter((instant) => instant >= from && isInWindow(advance, clock(instant)));
    if (found.length > 0) return Math.min(...found);
  }
  return undefined;
}

/** Freezes that can follow each other before we say that no opening is in sight. */
const MOST_STEPS = 1000;

/**
 * Whether the calendar lets a rollout advance at `now` (epoch ms); aborts and rollbacks never ask it. `reopensAt` is
 * exact over daylight-saving changes: a window that opens in a skipped hour opens when the clocks have jumped.
 */
export function calendarOpen(calendar: Calendar, now: number): CalendarState {
  // Most plans have no calendar, and reading a zone's clock is the dearest part of a tick.
  const isUnrestricted = calendar.advance === undefined && calendar.freeze.length === 0;
  const why = isUnrestricted ? undefined : whyClosed(calendar, now);
  if (why === undefined) return { open: true };
  let at = now;
  for (let count = 0; count < MOST_STEPS; count += 1) {
    at = endOfFreeze(calendar, at);
    if (whyClosed(calendar, at) === undefined) return { open: false, reopensAt: at, why };
    if (freezeOn(calendar, wallClockOf(calendar.timeZone)(at))) continue;
    const next = calendar.advance && nextWindow(calendar.advance, Math.floor(at / 1000 + 1) * 1000);
    if (next === undefined) break;
    at = next;
  }
  return { open: false, why };
}

/** An instant as clocks of a zone show it: `Mon 2026-03-30 09:00 Europe/Paris (UTC+02:00)`. The offset tells an hour that comes twice apart. */
function shownIn(at: number, timeZone: string): string {
  const wall = wallClockOf(timeZone)(at);
  const offsetMinutes = Math.round((wall - at) / MINUTE_MS);
  const sign = offsetMinutes < 0 ? '-' : '+';
  const two = (value: number) => String(value).padStart(2, '0');
  const offset = `${two(Math.floor(Math.abs(offsetMinutes) / 60))}:${two(Math.abs(offsetMinutes) % 60)}`;
  const day = DAY_NAMES[weekdayOf(wall) - 1] ?? '';
  return `${day} ${new Date(wall).toISOString().slice(0, 16).replace('T', ' ')} ${timeZone} (UTC${sign}${offset})`;
}

const DAY_NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Why a calendar is closed and when it opens, in words and in its own zone. */
export function closedWords(calendar: Calendar, { why = 'advances are closed', reopensAt }: CalendarState): string {
  if (reopensAt === undefined) return `${why}; it never opens again`;
  return `${why}; it opens on ${shownIn(reopensAt, calendar.advance?.timeZone ?? calendar.timeZone)}`;
}

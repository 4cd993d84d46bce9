import type { Calendar } from '../plan.ts';
import { isTimeZone } from './calendar.ts';
import { HOUR_MS } from './duration.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';
import { suggest } from './nearest.ts';
import type { RawCalendar } from './plan-schema.ts';

type Advance = NonNullable<Calendar['advance']>;

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const ADVANCE = /^(\S+)\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})(?:\s+(\S+))?$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Days 1 to 7 of `Mon-Thu`, `Mon,Wed`, `Fri-Mon` or `daily`. */
function readDays(text: string): readonly number[] | undefined {
  if (text.toLowerCase() === 'daily') return [1, 2, 3, 4, 5, 6, 7];
  const days = new Set<number>();
  for (const range of text.toLowerCase().split(',')) {
    const [from, to = from, ...rest] = range.split('-').map((day) => DAYS.indexOf(day));
    if (from === undefined || to === undefined || from < 0 || to < 0 || rest.length > 0) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day + 1);
      if (day === to) break;
    }
  }
  return [...days].sort((left, right) => left - right);
}

function readTimeZone(name: string, path: PlanPath, log: IssueLog): string {
  if (isTimeZone(name)) return name;
  const hint = suggest(name, Intl.supportedValuesOf('timeZone')).slice(0, 80);
  log.error(
    'unknown-time-zone',
    path,
    `received ${JSON.stringify(name)}; write an IANA zone such as Europe/Paris; ${hint}`,
  );
  return 'UTC';
}

function minutes(hour = '', minute = ''): number {
  return Number(minute) < 60 ? Number(hour) * 60 + Number(minute) : Number.NaN;
}

function readAdvance(text: string, timeZone: string | undefined, log: IssueLog): Advance | undefined {
  const path = ['calendar', 'advance'];
  const match = ADVANCE.exec(text.trim());
  const days = match?.[1] === undefined ? undefined : readDays(match[1]);
  const fromMinute = minutes(match?.[2], match?.[3]);
  const toMinute = minutes(match?.[4], match?.[5]);
  if (match && days && toMinute <= fromMinute && fromMinute < 24 * 60) {
    const message = `received ${JSON.stringify(text)}, which does not end after it begins; hours lie within one day: end at 24:00, or begin at 00:00`;
    log.error('invalid-calendar', path, message);
    return undefined;
  }
  if (!match || !days || !(fromMinute < toMinute && toMinute <= 24 * 60)) {
    const message = `received ${JSON.stringify(text)}; write days, hours of one day and a zone, as Mon-Thu 09:00-16:00 Europe/Paris`;
    log.error('invalid-calendar', path, message);
    return undefined;
  }
  const zone = match[6] === undefined ? (timeZone ?? 'UTC') : readTimeZone(match[6], path, log);
  return { days, fromMinute, toMinute, timeZone: zone };
}

function isDate(text: string): boolean {
  const [, year, month, day] = (DATE.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function readFreeze(
  raw: NonNullable<RawCalendar['freeze']>[number],
  path: PlanPath,
  log: IssueLog,
): Calendar['freeze'] {
  const [from = '', to = from, ...rest] =
    typeof raw === 'string' ? raw.split('..').map((text) => text.trim()) : [raw.from, raw.to];
  if (!isDate(from) || !isDate(to) || rest.length > 0) {
    const message = `received ${JSON.stringify(raw)}; write days that exist, as 2026-12-18..2027-01-04 or 2026-12-25`;
    log.error('invalid-date', path, message);
    return [];
  }
  if (to < from) {
    log.error('invalid-date', path, `${from}..${to} ends before it starts; swap the dates`);
    return [];
  }
  return [{ from, to }];
}

/** Reads when advances are allowed. Zone: that of `advance`, else `timeZone`, else UTC. `now` (epoch ms) finds freezes already over. */
export function readCalendar(raw: RawCalendar | undefined, now: number | undefined, log: IssueLog): Calendar {
  if (!raw) return { freeze: [], timeZone: 'UTC' };
  const given = raw.timeZone === undefined ? undefined : readTimeZone(raw.timeZone, ['calendar', 'timeZone'], log);
  const advance = raw.advance === undefined ? undefined : readAdvance(raw.advance, given, log);
  const freeze = (raw.freeze ?? []).flatMap((item, index) => {
    const path = ['calendar', 'freeze', index];
    const days = readFreeze(item, path, log);
    // A date ends last in the zone 12 hours behind UTC: 36 hours after it starts in UTC.
    const isPast = now !== undefined && days.some(({ to }) => Date.parse(to) + 36 * HOUR_MS < now);
    if (isPast) log.warning('freeze-past', path, 'this freeze is over; remove it, or check the year');
    return days;
  });
  return { ...(advance ? { advance } : {}), freeze, timeZone: given ?? advance?.timeZone ?? 'UTC' };
}

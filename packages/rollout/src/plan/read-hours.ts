import type { Calendar } from '../plan.ts';
import { openIssueLog } from './issue-log.ts';
import { readCalendar } from './read-calendar.ts';

/** Hours as a calendar that is open in them, or what is wrong with the text. */
export type HoursResult =
  | { readonly ok: true; readonly hours: Calendar }
  | { readonly ok: false; readonly problem: string };

/** Reads hours of the week as `calendar.advance` of a plan is written: `Mon-Fri 08:00-20:00 Europe/Paris`. */
export function readHours(text: string): HoursResult {
  const log = openIssueLog(undefined, () => undefined);
  const hours = readCalendar({ advance: text }, undefined, log);
  const [first] = log.issues();
  return first === undefined ? { ok: true, hours } : { ok: false, problem: first.message };
}

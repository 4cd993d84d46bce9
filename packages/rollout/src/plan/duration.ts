import { decimalToUnits, parseDecimal } from './decimal.ts';

/** Milliseconds of a second, a minute, an hour, a day and a week. */
export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  min: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: WEEK_MS,
};
const WHOLE = /^(?:\d+(?:\.\d+)?\s*(?:ms|min|s|m|h|d|w)\s*)+$/;
const PART = /(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d|w)/g;
/** Longest duration accepted: 100 years, far below the last instant a clock can show. */
const LONGEST_MS = 100 * 365 * DAY_MS;

/** What `parseDuration` accepts, for messages. */
export const DURATION_FORMS = '24h, 30m, 10s, 500ms, 1d, 2w or 1d12h';

/** Reads `24h`, `48h`, `1w`, `30m`, `10s`, `500ms`, `1d12h`, `1.5h` to whole milliseconds. `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed.length > 60 || !WHOLE.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount = '', unit = ''] of trimmed.matchAll(PART)) {
    const part = partMs(amount, unit);
    if (part === undefined) return undefined;
    total += part;
  }
  return total <= LONGEST_MS ? total : undefined;
}

function partMs(amount: string, unit: string): number | undefined {
  const decimal = parseDecimal(amount);
  const factor = UNIT_MS[unit];
  if (!decimal || factor === undefined) return undefined;
  const product = { digits: decimal.digits * BigInt(factor), exponent: decimal.exponent };
  const units = decimalToUnits(product, 0);
  return units === undefined ? undefined : Number(units);
}

const PRINTED = [
  [WEEK_MS, 'w'],
  [DAY_MS, 'd'],
  [HOUR_MS, 'h'],
  [MINUTE_MS, 'min'],
  [SECOND_MS, 's'],
] as const;

/** One number and one unit that say the duration exactly: `24 h`, `48 h`, `3 d`, `1 w`, `90 min`, `500 ms`. */
export function formatDuration(durationMs: number): string {
  for (const [unitMs, name] of PRINTED) {
    const inHours = unitMs === DAY_MS && durationMs <= 2 * DAY_MS;
    if (!inHours && durationMs >= unitMs && durationMs % unitMs === 0) return `${durationMs / unitMs} ${name}`;
  }
  return `${durationMs} ms`;
}

/** A measured time in seconds, to two figures: `0.04 s`, `1.3 s`, `12 s`. */
export function formatSeconds(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  const digits = seconds < 0.1 ? 3 : seconds < 1 ? 2 : seconds < 10 ? 1 : 0;
  return `${seconds.toFixed(digits)} s`;
}

const ELAPSED = [
  [DAY_MS, 'd', HOUR_MS, 'h'],
  [HOUR_MS, 'h', MINUTE_MS, 'min'],
  [MINUTE_MS, 'min', SECOND_MS, 's'],
] as const;

/** Elapsed time in at most two units, rounded down: `3 d 4 h`, `2 min 5 s`, `42 s`, `850 ms`. */
export function formatElapsed(elapsedMs: number): string {
  const ms = Math.max(0, Math.floor(elapsedMs));
  for (const [unitMs, name, smallerMs, smallerName] of ELAPSED) {
    if (ms < unitMs) continue;
    const rest = Math.floor((ms % unitMs) / smallerMs);
    return `${Math.floor(ms / unitMs)} ${name}${rest > 0 ? ` ${rest} ${smallerName}` : ''}`;
  }
  return ms < 1000 ? `${ms} ms` : `${Math.floor(ms / 1000)} s`;
}

/** Time still to wait, in at most two units of a second or more, rounded up to the second: never `0 ms` while there is some. */
export function formatElapsedUp(leftMs: number): string {
  return formatElapsed(Math.ceil(leftMs / SECOND_MS) * SECOND_MS);
}

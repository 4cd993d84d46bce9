import { parseDuration } from '@rampart/rollout';
import { InvalidArgumentError } from 'commander';
import { instant } from '../commands/arguments.ts';

/** A moment of an option: a date, or how long ago. */
export type Moment = { readonly at: number } | { readonly agoMs: number };

/** Reads `2026-01-05`, `2026-01-05T09:00Z`, or `30d` (that long ago). */
export function moment(text: string): Moment {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return { agoMs };
  try {
    return { at: instant(text) };
  } catch {
    throw new InvalidArgumentError(
      `Received ${JSON.stringify(text)}; expected a date such as 2026-01-05T09:00Z, or how long ago, such as 30d.`,
    );
  }
}

/** Epoch milliseconds of a moment. */
export function instantOf(given: Moment, now: number): number {
  return 'at' in given ? given.at : now - given.agoMs;
}

/** A time known to be bad, as its two ends. */
export type MomentRange = { readonly from: Moment; readonly to: Moment };

/** Collects `FROM..TO` of an option that may be given several times. */
export function momentRanges(text: string, earlier: readonly MomentRange[] = []): readonly MomentRange[] {
  const [from, to, ...more] = text.split('..');
  if (from === undefined || to === undefined || more.length > 0) {
    throw new InvalidArgumentError(
      `Received ${JSON.stringify(text)}; expected FROM..TO, such as 2026-01-05T09:00Z..2026-01-05T10:30Z.`,
    );
  }
  return [...earlier, { from: moment(from), to: moment(to) }];
}

/** Reads the step of a range: 15 s to 5 min, because a longer silence counts as blind. */
export function step(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 15_000 && ms <= 300_000) return ms;
  throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected a duration from 15s to 5m.`);
}

/** Reads a length that may be none: `7d`, `0`. */
export function lengthOrNone(text: string): number {
  const ms = text.trim() === '0' ? 0 : parseDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected a duration such as 7d, or 0 for none.`);
}

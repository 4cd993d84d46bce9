import { parsePercentage } from './decimal.ts';
import { DURATION_FORMS, parseDuration } from './duration.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';

/** Reads a duration above 0 (or from 0 with `zero`), in ms. Logs what is wrong and then gives `fallbackMs`, as for an absent one. */
export function readDuration(
  text: string | undefined,
  fallbackMs: number,
  path: PlanPath,
  log: IssueLog,
  zero: 'zero' | 'above-zero' = 'above-zero',
): number {
  if (text === undefined) return fallbackMs;
  const durationMs = parseDuration(text);
  if (durationMs === undefined) {
    log.error('invalid-duration', path, `received ${JSON.stringify(text)}; write a duration such as ${DURATION_FORMS}`);
    return fallbackMs;
  }
  if (durationMs === 0 && zero === 'above-zero') {
    log.error('out-of-range', path, `received ${JSON.stringify(text)}; the duration must be above 0`);
  }
  return durationMs;
}

/** Reads a percentage to thousandths of a percent; logs what is wrong and then gives `fallback`. */
export function readPercentage(
  input: number | string,
  range: { readonly least: 0 | 1; readonly fallback: number },
  path: PlanPath,
  log: IssueLog,
): number {
  const percentage = parsePercentage(input, range.least);
  if (percentage.ok) return percentage.weight;
  log.error(percentage.code, path, percentage.message);
  return range.fallback;
}

const NAME = /^[^\s\p{Cc}](?:[^\p{Cc}]{0,198}[^\s\p{Cc}])?$/u;

const FLAG_NAME = /^[\p{L}\p{N}._/:-]{1,200}$/u;

/** Beginning of keys that no plan may use: flags that drills switch on and off (`rampart.drill/checkout`). */
const RESERVED_FLAGS = 'rampart.drill/';

/** Checks the key of a flag or kill switch, which stands in code, URLs and commands: 1 to 200 letters, digits, `.`, `_`, `-`, `/` or `:`. */
export function readFlagName(text: string, path: PlanPath, log: IssueLog): string {
  if (text.startsWith(RESERVED_FLAGS)) {
    log.error(
      'invalid-name',
      path,
      `received ${JSON.stringify(text.slice(0, 60))}; ${RESERVED_FLAGS} is kept for the drills of Rampart`,
    );
  }
  if (!FLAG_NAME.test(text)) {
    const message = `received ${JSON.stringify(text.slice(0, 60))}; write 1 to 200 letters, digits, ".", "_", "-", "/" or ":"`;
    log.error('invalid-name', path, message);
  }
  return text;
}

/** Checks a name (stage, version, segment …): 1 to 200 characters, no control characters, no spaces at its ends. */
export function readName(text: string, path: PlanPath, log: IssueLog): string {
  if (!NAME.test(text)) {
    const message = `received ${JSON.stringify(text.slice(0, 60))}; write 1 to 200 characters without spaces at the ends`;
    log.error('invalid-name', path, message);
  }
  return text;
}

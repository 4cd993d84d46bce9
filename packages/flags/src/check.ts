import { isRecord } from './json.ts';

/** Says what is wrong with a value found at `path`, or `undefined` when it is well-formed. */
export type Check = (value: unknown, path: string) => string | undefined;

/** The message of every check: where, what was needed, what was received. */
export function problem(path: string, wanted: string, received: unknown): string {
  return `${path}: give ${wanted}; received ${shown(received)}`;
}

/** Any text that is not empty. */
export const name: Check = (value, path) =>
  typeof value === 'string' && value !== '' ? undefined : problem(path, 'a text that is not empty', value);

/** Any text. */
export const text: Check = (value, path) => (typeof value === 'string' ? undefined : problem(path, 'a text', value));

/** `true` or `false`. */
export const yesOrNo: Check = (value, path) =>
  typeof value === 'boolean' ? undefined : problem(path, 'true or false', value);

/** Any finite number. */
export const finite: Check = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? undefined : problem(path, 'a number', value);

/** A finite number above 0. */
export const positive: Check = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) && value > 0
    ? undefined
    : problem(path, 'a number above 0', value);

/** A whole number in [0, max]. */
export function wholeUpTo(max: number): Check {
  return (value, path) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
      ? undefined
      : problem(path, `a whole number from 0 to ${max}`, value);
}

/** One of the values named. */
export function oneOf(...allowed: readonly (string | number)[]): Check {
  return (value, path) =>
    allowed.some((item) => item === value) ? undefined : problem(path, `one of ${allowed.join(', ')}`, value);
}

/** A list whose every element passes. */
export function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return problem(path, 'a list', value);
    return firstProblem(value.entries(), (item, index) => check(item, `${path}[${index}]`));
  };
}

/** An object whose every value passes, whatever its keys. */
export function recordOf(check: Check): Check {
  return (value, path) => {
    if (!isRecord(value)) return problem(path, 'an object', value);
    return firstProblem(Object.entries(value), (item, key) => check(item, `${path}.${key}`));
  };
}

/** An object with these properties. Others are left alone: a newer server may send more. `undefined` counts as absent. */
export function objectWith(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const needed = Object.entries(required);
  const possible = Object.entries(optional);
  return (value, path) => {
    if (!isRecord(value)) return problem(path, 'an object', value);
    return (
      firstProblem(needed, (check, key) => check(ownValue(value, key), `${path}.${key}`)) ??
      firstProblem(possible, (check, key) => {
        const item = ownValue(value, key);
        return item === undefined ? undefined : check(item, `${path}.${key}`);
      })
    );
  };
}

/** First problem over keyed items. */
export function firstProblem<K, T>(
  items: Iterable<readonly [K, T]>,
  check: (item: T, key: K) => string | undefined,
): string | undefined {
  for (const [key, item] of items) {
    const found = check(item, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

function ownValue(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

const SHOWN_LENGTH = 40;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isRecord(value)) return 'an object';
  const printed = typeof value === 'string' ? `'${value}'` : String(value);
  return printed.length > SHOWN_LENGTH ? `${printed.slice(0, SHOWN_LENGTH)}…` : printed;
}

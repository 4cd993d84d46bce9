import type { JsonValue } from './flag.ts';

/** Type of a JSON value as a flag sees it: an array is an `object`, `null` is its own kind and fits no typed fallback. */
export type JsonKind = 'boolean' | 'number' | 'string' | 'object' | 'null';

/** True for a JSON object: not for `null`, not for an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `undefined` for what JSON cannot hold: functions, `undefined`, NaN, infinities. Looks at the top level only. */
export function kindOf(value: unknown): JsonKind | undefined {
  if (value === null) return 'null';
  const type = typeof value;
  if (type === 'number') return Number.isFinite(value) ? type : undefined;
  return type === 'boolean' || type === 'string' || type === 'object' ? type : undefined;
}

/** Structural equality: the order of an object's keys does not count, a property that is `undefined` counts as absent. */
export function equalJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) return Array.isArray(right) && equalLists(left, right);
  return isRecord(left) && isRecord(right) && equalRecords(left, right);
}

function equalLists(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => equalJson(item, right[index]));
}

function equalRecords(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  const keys = definedKeys(left);
  return (
    keys.length === definedKeys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && equalJson(left[key], right[key]))
  );
}

function definedKeys(record: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(record).filter((key) => record[key] !== undefined);
}

/** A deeply frozen copy, so that results can be shared with an application that writes to what it is given. */
export function frozenCopy(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return Object.freeze(value.map(frozenCopy));
  // `fromEntries` defines properties, so a key `__proto__` stays a plain key.
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, frozenCopy(item)])));
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

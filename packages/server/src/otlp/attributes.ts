import { hash } from 'node:crypto';
import type { KeyValue } from './wire-table.ts';

/** The scalar attributes of a resource, data point, log record or span by name. */
export type Attributes = ReadonlyMap<string, string | number | boolean>;

type Value = NonNullable<KeyValue['value']>;

/** Attributes as read; lists, maps and byte strings are left out. Of one named twice the last counts. */
export function attributesOf(pairs: readonly KeyValue[] | undefined): Attributes {
  const attributes = new Map<string, string | number | boolean>();
  for (const { key, value = {} } of pairs ?? []) {
    const scalar = scalarOf(value);
    if (key !== undefined && scalar !== undefined) attributes.set(key, scalar);
  }
  return attributes;
}

function scalarOf({ stringValue, boolValue, intValue, doubleValue }: Value): string | number | boolean | undefined {
  return stringValue ?? boolValue ?? intValue ?? doubleValue;
}

/** Text that is equal for two lists of attributes exactly when they say the same, in any order; 22 characters. */
export function identityOf(pairs: readonly KeyValue[] | undefined, ...more: readonly string[]): string {
  const said = (pairs ?? []).map(({ key = '', value = {} }) => [
    key,
    value.arrayValue ?? value.kvlistValue ?? value.bytesValue ?? scalarOf(value) ?? null,
  ]);
  const sorted = said.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1));
  return hash('sha256', JSON.stringify([...more, sorted]), 'base64url').slice(0, 22);
}

/** The first of some names that has a text, or a number or truth value as one. */
export function textOf(attributes: Attributes, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes.get(name);
    if (value !== undefined && value !== '') return String(value);
  }
  return undefined;
}

/** The first of some names that has a finite number, also one written as a text. */
export function numberOf(attributes: Attributes, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = attributes.get(name);
    const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
    if (value !== undefined && Number.isFinite(number)) return number;
  }
  return undefined;
}

import type { EvaluationContext } from './evaluation.ts';
import type { JsonValue } from './flag.ts';
import { isRecord } from './json.ts';

/** Reads one attribute; `undefined` when the context does not have it. */
export type AttributeReader = (context: EvaluationContext) => JsonValue | undefined;

/** Reads the unit to bucket; `undefined` when there is none. */
export type UnitReader = (context: EvaluationContext) => string | undefined;

/**
 * Reader of an attribute by its name. A name with dots (`company.plan`) means the attribute of exactly that name, else a
 * path into nested objects. Only what the context itself holds counts: `constructor` is no attribute of `{}`.
 */
export function attributeReader(name: string): AttributeReader {
  if (name.includes('.')) return (context) => nested(context, name);
  // `in` on a plain object asks for the few names every object inherits; all others need no own-property check.
  if (name in {}) return (context) => own(context, name);
  return (context) => context[name];
}

/** The unit is a text that is not empty, or a number, which counts as its decimal text. */
export function unitReader(name: string): UnitReader {
  const read = attributeReader(name);
  return (context) => {
    const value = read(context);
    if (typeof value === 'string') return value === '' ? undefined : value;
    return typeof value === 'number' ? String(value) : undefined;
  };
}

function own(record: Readonly<Record<string, JsonValue | undefined>>, key: string): JsonValue | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function nested(context: EvaluationContext, name: string): JsonValue | undefined {
  const exact = own(context, name);
  if (exact !== undefined) return exact;
  let value: JsonValue | undefined = context as Readonly<Record<string, JsonValue>>;
  for (const key of name.split('.')) {
    if (!isRecord(value)) return undefined;
    value = own(value as Readonly<Record<string, JsonValue>>, key);
  }
  return value;
}

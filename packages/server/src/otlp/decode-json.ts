import { ProblemError } from '@rampart/api';
import { elementBudget } from './decode-budget.ts';
import type { Decoded, Field, Message, ScalarType } from './wire-table.ts';

type Spend = () => void;

/**
 * A message in OTLP's JSON: names in lowerCamelCase, enumerations as numbers, 64-bit numbers as texts or numbers. Unknown
 * names are ignored. @throws ProblemError `BODY_INVALID` naming the place, `BODY_TOO_LARGE`
 */
export function decodeJson<M extends Message>(bytes: Uint8Array, message: M): Decoded<M> {
  const text = new TextDecoder('utf-8', { fatal: true });
  let json: unknown;
  try {
    json = JSON.parse(text.decode(bytes));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ProblemError('BODY_INVALID', `The body is not JSON: ${why}.`);
  }
  // The table decides both what is read and its type.
  return messageIn(json, message, '', elementBudget()) as Decoded<M>;
}

function messageIn(json: unknown, message: Message, path: string, spend: Spend): Readonly<Record<string, unknown>> {
  spend();
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong(path, 'an object', json);
  const decoded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    const field = Object.hasOwn(message, name) ? message[name] : undefined;
    // As in protobuf's own mapping, null is a field that was not sent.
    if (field !== undefined && value !== null) decoded[name] = fieldIn(value, field, `${path}.${name}`, spend);
  }
  return decoded;
}

function fieldIn(value: unknown, field: Field, path: string, spend: Spend): unknown {
  if (!field.many) return valueIn(value, field.type, path, spend);
  if (!Array.isArray(value)) throw wrong(path, 'a list', value);
  return value.map((entry, i) => {
    spend();
    return valueIn(entry, field.type, `${path}[${i}]`, spend);
  });
}

function valueIn(value: unknown, type: Field['type'], path: string, spend: Spend): unknown {
  return typeof type === 'function' ? messageIn(value, type(), path, spend) : scalarIn(value, type, path);
}

function scalarIn(value: unknown, type: ScalarType, path: string): unknown {
  if (type === 'opaque') return JSON.stringify(value);
  if (type === 'string') {
    if (typeof value === 'string') return value;
    throw wrong(path, 'a text', value);
  }
  if (type === 'bool') {
    if (typeof value === 'boolean') return value;
    throw wrong(path, 'true or false', value);
  }
  return numberIn(value, type, path);
}

const NOT_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];

function numberIn(value: unknown, type: ScalarType, path: string): number {
  const isText = typeof value === 'string' && value.trim() !== '';
  const number = typeof value === 'number' || isText ? Number(value) : Number.NaN;
  if (type === 'double' && (NOT_FINITE.includes(value) || !Number.isNaN(number))) return number;
  if (type !== 'double' && Number.isInteger(number)) return number;
  throw wrong(path, type === 'double' ? 'a number' : 'a whole number', value);
}

function wrong(path: string, expected: string, received: unknown): ProblemError {
  const shown = JSON.stringify(received)?.slice(0, 60) ?? 'nothing';
  const where = path.replace(/^\./, '') || 'the body';
  return new ProblemError('BODY_INVALID', `${where}: expected ${expected}, received ${shown}.`);
}

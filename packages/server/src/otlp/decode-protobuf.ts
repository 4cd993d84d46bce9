import { ProblemError } from '@rampart/api';
import { Reader } from 'protobufjs/minimal.js';
import { elementBudget } from './decode-budget.ts';
import type { Decoded, Field, Message, ScalarType } from './wire-table.ts';

type Spend = () => void;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;

const WIRE_TYPE: Readonly<Record<ScalarType, number>> = {
  string: DELIMITED,
  opaque: DELIMITED,
  bool: VARINT,
  int: VARINT,
  sint: VARINT,
  double: FIXED64,
  fixed64: FIXED64,
  sfixed64: FIXED64,
};

/** A message in protobuf. @throws ProblemError `BODY_INVALID`, `BODY_TOO_LARGE` */
export function decodeProtobuf<M extends Message>(bytes: Uint8Array, message: M): Decoded<M> {
  const reader = Reader.create(bytes);
  try {
    // The table decides both what is read and its type.
    return messageIn(reader, bytes.length, message, elementBudget()) as Decoded<M>;
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ProblemError('BODY_INVALID', `The body is not the protobuf message of this path: ${why}.`);
  }
}

function messageIn(reader: Reader, end: number, message: Message, spend: Spend): Readonly<Record<string, unknown>> {
  spend();
  const fields = fieldsOf(message);
  const decoded: Record<string, unknown> = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    const known = fields.get(tag >>> 3);
    if (known === undefined) reader.skipType(tag & 7);
    else readField(reader, tag & 7, known, decoded, spend);
  }
  if (reader.pos !== end) throw new Error(`a message ends at byte ${reader.pos}, not at ${end} as its length says`);
  return decoded;
}

type Named = { readonly name: string; readonly field: Field };

const tables = new WeakMap<Message, ReadonlyMap<number, Named>>();

function fieldsOf(message: Message): ReadonlyMap<number, Named> {
  const known = tables.get(message);
  if (known !== undefined) return known;
  const fields = new Map(Object.entries(message).map(([name, field]) => [field.id, { name, field }] as const));
  tables.set(message, fields);
  return fields;
}

function readField(
  reader: Reader,
  wireType: number,
  { name, field }: Named,
  into: Record<string, unknown>,
  spend: Spend,
): void {
  const { type, many } = field;
  if (typeof type === 'function') {
    expectType(wireType, DELIMITED, name);
    const end = endOf(reader);
    append(into, name, messageIn(reader, end, type(), spend), many);
    return;
  }
  const isPacked = many === true && wireType === DELIMITED && WIRE_TYPE[type] !== DELIMITED;
  if (!isPacked) {
    expectType(wireType, WIRE_TYPE[type], name);
    if (many) spend();
    append(into, name, scalarIn(reader, type), many);
    return;
  }
  const end = endOf(reader);
  while (reader.pos < end) {
    spend();
    append(into, name, scalarIn(reader, type), many);
  }
}

function endOf(reader: Reader): number {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new Error(`a field ends at byte ${end} of ${reader.len}`);
  return end;
}

function expectType(received: number, expected: number, name: string): void {
  if (received !== expected) throw new Error(`${name} has wire type ${received} where ${expected} is expected`);
}

function append(into: Record<string, unknown>, name: string, value: unknown, many: true | undefined): void {
  const list = into[name];
  if (!many) into[name] = value;
  else if (Array.isArray(list)) list.push(value);
  else into[name] = [value];
}

const SCALARS: Readonly<Record<ScalarType, (reader: Reader) => unknown>> = {
  string: (reader) => reader.string(),
  opaque: (reader) => Buffer.from(reader.bytes()).toString('base64'),
  bool: (reader) => reader.bool(),
  double: (reader) => reader.double(),
  int: (reader) => numberOf(reader.int64()),
  sint: (reader) => reader.sint32(),
  fixed64: (reader) => reader.fixed32() + reader.fixed32() * 2 ** 32,
  sfixed64: (reader) => reader.fixed32() + reader.sfixed32() * 2 ** 32,
};

/** protobufjs gives 64-bit numbers as objects where its optional `long` is there. */
function numberOf(value: number | { readonly toString: () => string }): number {
  return typeof value === 'number' ? value : Number(value.toString());
}

function scalarIn(reader: Reader, type: ScalarType): unknown {
  return SCALARS[type](reader);
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { instantOf } from './instant-of.ts';
import { conditionsSchema, fieldText, jsonFieldSchema, readConditions, textIn } from './json-field.ts';
import { jsonPathSchema } from './json-path.ts';
import { schemaProblem } from './schema-problem.ts';

const mappingSchema = z.strictObject({
  metric: jsonFieldSchema,
  flag: jsonFieldSchema,
  each: jsonPathSchema.optional(),
  at: jsonPathSchema.optional(),
  count: jsonPathSchema.optional(),
  id: jsonPathSchema.optional(),
  when: conditionsSchema.optional(),
});

/** What a delivery says happened. `id` is the same for the same delivery. */
export type MappedSignals = {
  readonly id: string;
  /** By flag. */
  readonly flags: ReadonlyMap<string, readonly MappedOccurrence[]>;
};

/** One thing that happened; `at` in epoch milliseconds, absent where it does not say. */
export type MappedOccurrence = { readonly metric: string; readonly at?: number; readonly count: number };

/** Reads the occurrences in a body, or says what is missing; `undefined`: it is about something else. */
export type SignalMapping = (body: unknown, raw: Buffer) => MappedSignals | { readonly problem: string } | undefined;

/** A mapping ready to use, or what is wrong with its settings. */
export function readSignalMapping(settings: unknown): SignalMapping | { readonly problem: string } {
  const read = mappingSchema.safeParse(settings);
  if (!read.success) return { problem: schemaProblem(read.error) };
  const isMeant = readConditions(read.data.when);
  if ('problem' in isMeant) return isMeant;
  const { when: _when, ...mapping } = read.data;
  return (body, raw) => (isMeant(body) ? mapped(body, raw, mapping) : undefined);
}

type Mapping = Omit<z.output<typeof mappingSchema>, 'when'>;

function mapped(body: unknown, raw: Buffer, mapping: Mapping): MappedSignals | { readonly problem: string } {
  const flags = new Map<string, MappedOccurrence[]>();
  for (const item of mapping.each?.select(body) ?? [body]) {
    const read = occurrenceIn(item, mapping);
    if ('problem' in read) return read;
    flags.set(read.flag, [...(flags.get(read.flag) ?? []), read.occurrence]);
  }
  const id = mapping.id === undefined ? undefined : textIn(body, mapping.id);
  return { id: id ?? createHash('sha256').update(raw).digest('hex'), flags };
}

type Read = { readonly flag: string; readonly occurrence: MappedOccurrence } | { readonly problem: string };

function occurrenceIn(item: unknown, mapping: Mapping): Read {
  const [metric, flag] = [textIn(item, mapping.metric), textIn(item, mapping.flag)];
  if (metric === undefined || flag === undefined)
    return {
      problem: `${fieldText(metric === undefined ? mapping.metric : mapping.flag)} selects no text in the body`,
    };
  const given = mapping.at?.select(item)[0];
  const at = given === undefined || given === null ? undefined : instantOf(given);
  if (given !== undefined && given !== null && at === undefined)
    return { problem: `${mapping.at?.text} selects ${JSON.stringify(given)}, which is no instant` };
  const count = mapping.count === undefined ? 1 : Number(mapping.count.select(item)[0] ?? Number.NaN);
  if (!Number.isSafeInteger(count) || count < 0)
    return { problem: `${mapping.count?.text} selects no whole number from 0 in the body` };
  return { flag, occurrence: { metric, count, ...(at !== undefined && { at }) } };
}

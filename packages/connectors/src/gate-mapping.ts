import { createHash } from 'node:crypto';
import { z } from 'zod';
import { instantOf } from './instant-of.ts';
import { conditionsSchema, fieldText, type JsonField, jsonFieldSchema, readConditions, textIn } from './json-field.ts';
import { type JsonPath, jsonPathSchema } from './json-path.ts';
import { schemaProblem } from './schema-problem.ts';

const texts = z.union([z.string(), z.array(z.string()).min(1)]);

const mappingSchema = z.strictObject({
  gate: jsonFieldSchema,
  state: jsonPathSchema,
  opens: texts,
  closes: texts,
  flag: jsonFieldSchema.optional(),
  environment: jsonFieldSchema.optional(),
  reason: jsonFieldSchema.optional(),
  each: jsonPathSchema.optional(),
  at: jsonPathSchema.optional(),
  id: jsonPathSchema.optional(),
  when: conditionsSchema.optional(),
});
type Mapping = z.output<typeof mappingSchema>;

/** What a delivery says of one gate. Without `flag` it is about every rollout, without `environment` about every environment. */
export type MappedGate = {
  readonly gate: string;
  readonly open: boolean;
  readonly reason?: string;
  readonly flag?: string;
  readonly environment?: string;
  /** Since when it is so, epoch milliseconds; absent where the delivery does not say. */
  readonly at?: number;
};

/** What a delivery says. `id` is the same for the same delivery. */
export type MappedGates = { readonly id: string; readonly gates: readonly MappedGate[] };

/** Reads the gates in a body, or says what is missing; `undefined`: it is about something else. */
export type GateMapping = (body: unknown, raw: Buffer) => MappedGates | { readonly problem: string } | undefined;

/** A mapping ready to use, or what is wrong with its settings. */
export function readGateMapping(settings: unknown): GateMapping | { readonly problem: string } {
  const read = mappingSchema.safeParse(settings);
  if (!read.success) return { problem: schemaProblem(read.error) };
  const mapping = read.data;
  const both = listOf(mapping.opens).find((word) => listOf(mapping.closes).includes(word));
  if (both !== undefined) return { problem: `${JSON.stringify(both)} stands in opens and in closes; leave it in one` };
  const isMeant = readConditions(mapping.when);
  if ('problem' in isMeant) return isMeant;
  return (body, raw) => (isMeant(body) ? mapped(body, raw, mapping) : undefined);
}

function listOf(words: string | readonly string[]): readonly string[] {
  return typeof words === 'string' ? [words] : words;
}

function mapped(body: unknown, raw: Buffer, mapping: Mapping): MappedGates | { readonly problem: string } {
  const gates: MappedGate[] = [];
  for (const item of mapping.each?.select(body) ?? [body]) {
    const read = gateIn(item, mapping);
    if ('problem' in read) return read;
    gates.push(read);
  }
  const id = mapping.id === undefined ? undefined : textIn(body, mapping.id);
  return { id: id ?? createHash('sha256').update(raw).digest('hex'), gates };
}

/** A word that is neither is refused rather than left out: its sender would believe that it was heard. */
function gateIn(item: unknown, mapping: Mapping): MappedGate | { readonly problem: string } {
  const gate = nameIn(item, mapping.gate);
  if (typeof gate === 'object') return gate;
  const word = String(mapping.state.select(item)[0]);
  const open = listOf(mapping.opens).includes(word);
  if (!open && !listOf(mapping.closes).includes(word))
    return {
      problem: `${mapping.state.text} selects ${JSON.stringify(word)}, which stands neither in opens nor in closes`,
    };
  const flag = mapping.flag && nameIn(item, mapping.flag);
  if (typeof flag === 'object') return flag;
  const at = instantIn(item, mapping.at);
  if (typeof at === 'object') return at;
  const environment = mapping.environment && textIn(item, mapping.environment);
  const reason = mapping.reason && textIn(item, mapping.reason);
  return {
    ...{ gate, open },
    ...(reason !== undefined && { reason }),
    ...(flag !== undefined && { flag }),
    ...(environment !== undefined && { environment }),
    ...(at !== undefined && { at }),
  };
}

const LONGEST_NAME = 200;

function nameIn(item: unknown, at: JsonField): string | { readonly problem: string } {
  const name = textIn(item, at);
  if (name !== undefined && name.length <= LONGEST_NAME) return name;
  return { problem: `${fieldText(at)} selects no text of 1 to ${LONGEST_NAME} characters in the body` };
}

function instantIn(item: unknown, path: JsonPath | undefined): number | undefined | { readonly problem: string } {
  const given = path?.select(item)[0];
  if (given === undefined || given === null) return undefined;
  return instantOf(given) ?? { problem: `${path?.text} selects ${JSON.stringify(given)}, which is no instant` };
}

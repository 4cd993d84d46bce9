import type { RolloutDocument } from '@rampart/rollout';
import { z } from 'zod';
import { instantSchema } from './primitive-schema.ts';

const from = z.array(z.int()).describe('Versions of the events that this comes from.');
const figureUnitSchema = z
  .enum([
    ...(['ratio', 'seconds', 'USD', 'tokens', 'perSecond', 'events', 'score', 'value'] as const),
    ...(['instant', 'ms', 'count', 'share'] as const),
  ])
  .describe('Of a metric, or: instant (epoch ms), ms (a duration), count (how many), share (of everyone, in [0, 1]).');

const spanSchema = z.object({
  text: z.string().describe('Plain text: escape it for where it is shown.'),
  from: from.optional(),
  value: z.number().optional().describe('The figure in the text.'),
  unit: figureUnitSchema.optional(),
  rule: z
    .enum(['as-of', 'elapsed', 'time-left', 'sum', 'difference', 'number-of', 'estimate'])
    .optional()
    .describe('How a figure that stands in no event is worked out from those it comes from.'),
  href: z.string().optional(),
});
const lineSchema = z.array(spanSchema);
const itemSchema = z.object({
  line: lineSchema,
  lead: lineSchema.optional(),
  done: z.boolean().optional().describe('Of a check-box.'),
  more: z.array(lineSchema).optional(),
});
const pointSchema = z.object({
  at: instantSchema,
  y: z.number(),
  low: z.number().optional(),
  high: z.number().optional(),
  from,
});
const chartSchema = z.object({
  title: z.string(),
  description: z.string(),
  unit: z.union([figureUnitSchema, z.literal('nat')]),
  series: z.array(z.object({ name: z.string(), shape: z.enum(['straight', 'steps']), points: z.array(pointSchema) })),
  references: z.array(z.object({ at: z.number(), label: z.string(), from })),
});
const blockSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), line: lineSchema }),
  z.object({ kind: z.literal('heading'), line: lineSchema }),
  z.object({
    kind: z.literal('facts'),
    facts: z.array(z.object({ key: z.string(), title: z.string(), value: lineSchema })),
    quiet: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal('list'), items: z.array(itemSchema) }),
  z.object({
    kind: z.literal('table'),
    columns: z.array(z.object({ key: z.string(), title: z.string() })),
    rows: z.array(z.record(z.string(), lineSchema)).describe('Cells by the key of their column.'),
  }),
  z.object({ kind: z.literal('chart'), chart: chartSchema }),
]);

/** A report or incident document: every figure names the events it comes from. */
export const documentSchema = z
  .object({
    schema: z.literal(1),
    kind: z.enum(['report', 'incident']),
    rollout: z.string(),
    version: z.int().describe('Version of the last event it tells of.'),
    at: instantSchema.describe('When it was written.'),
    title: lineSchema,
    sections: z.array(z.object({ id: z.string(), title: z.string(), blocks: z.array(blockSchema) })),
  })
  .describe(
    'A report or incident document. Every figure names the events it comes from (`GET /v1/rollouts/:id/events`).',
  ) satisfies z.ZodType<RolloutDocument>;

import type { EvidenceBatch } from '@rampart/rollout';
import { z } from 'zod';
import { countSchema, instantSchema } from './primitive-schema.ts';

const numbers = z.array(z.number());

/** Sums of one metric in one arm and stratum, an entry per user bucket. */
const evidenceSeriesSchema = z.object({
  metric: z.string(),
  arm: z.enum(['treatment', 'control', 'targeted']),
  epoch: z.int(),
  stratum: z.int().describe('Share exposed, in thousandths of a percent.'),
  bucket: z.array(z.int()).describe('User bucket of each entry, 0 to 63; -1: users unknown.'),
  count: numbers,
  sum: numbers,
  sumSquares: numbers,
  bins: z.array(z.array(z.tuple([z.int(), z.number()]))).optional(),
});

/** A closed batch of evidence. */
export const evidenceBatchSchema = z
  .object({
    seq: z.int().min(1),
    fromAt: instantSchema,
    toAt: instantSchema,
    series: z.array(evidenceSeriesSchema),
    occurrences: z.array(z.object({ metric: z.string(), at: instantSchema, count: countSchema })).optional(),
    instances: countSchema.optional(),
    failures: z.array(z.object({ metric: z.string(), message: z.string() })).optional(),
    idle: z.array(z.string()).optional(),
    priceBooks: z.array(z.string()).optional(),
    look: z
      .object({ at: instantSchema, version: countSchema.describe('Version of the rollout before the look.') })
      .optional()
      .describe('The look it was judged at, which makes a replay exact.'),
  })
  .describe('A closed batch of evidence: what arrived since the batch before it.') satisfies z.ZodType<EvidenceBatch>;

/** Answer of `GET /v1/rollouts/:id/evidence`. */
export const evidencePageSchema = z.object({
  batches: z.array(evidenceBatchSchema),
  throughSeq: countSchema.describe('Seq of the last batch of the rollout: there is more after a lower one.'),
});

/** A page of a rollout's evidence. */
export type EvidencePage = { readonly batches: readonly EvidenceBatch[]; readonly throughSeq: number };

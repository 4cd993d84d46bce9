import { type Baseline, type Judgement, type MetricSnapshot, type Verdict, WEEK_SLOTS } from '@rampart/rollout';
import { z } from 'zod';
import { instantSchema } from './primitive-schema.ts';

const statusSchema = z.enum(['pass', 'fail', 'inconclusive', 'insufficient', 'no-data', 'error']);
/** Which consequence a failed check has. */
export const tierSchema = z.enum(['alert', 'gate', 'abort', 'kill']);
/** Blast radius: people by arm. */
export const peopleSchema = z.object({
  treatment: z.number(),
  control: z.number(),
  targeted: z.number(),
  exposed: z
    .object({ atLeast: z.number(), atMost: z.number() })
    .optional()
    .describe('Bounds on the different people exposed over all stages.'),
});

/** What one check says now. */
export const verdictSchema = z
  .object({
    check: z.string(),
    tier: tierSchema,
    metric: z.string(),
    status: statusSchema,
    limit: z.string(),
    failLine: z.number().optional(),
    passLine: z.number().optional(),
    value: z.number().optional(),
    reference: z.object({ kind: z.enum(['control', 'baseline']), value: z.number() }).optional(),
    interval: z.tuple([z.number(), z.number()]).optional().describe('Anytime-valid 95 % interval of value.'),
    treatmentCount: z.number(),
    controlCount: z.number(),
    logEFail: z.number().describe('Evidence for a breach, natural logarithm; held against failAt.'),
    logEPass: z.number().describe('Evidence for safety, natural logarithm; held against passAt.'),
    failAt: z.number(),
    passAt: z.number(),
    method: z.string(),
    validity: z.enum(['exact', 'asymptotic', 'assumes independent requests', 'plain rule']),
    wouldChange: z.string().describe('What would change this verdict, in words.'),
    source: z.string(),
    untrusted: z.literal(true).optional().describe('The judge of the metric cannot be trusted now.'),
    note: z.string().optional(),
    sharedWithControl: z.boolean().optional(),
  })
  .describe('What one check says now, with all that is needed to understand it.') satisfies z.ZodType<Verdict>;

/** A metric as observed in one stage. */
export const metricSnapshotSchema = z.object({
  metric: z.string(),
  observed: z.number().optional(),
  baseline: z.number().optional(),
  control: z.number().optional(),
  count: z.number(),
  status: statusSchema,
  judged: z.literal(false).optional().describe('Set where no check judges it now.'),
  measuring: z
    .object({
      unmeasured: z.number().optional().describe('Measurements that were tried and failed.'),
      samplingRate: z.number().optional().describe('Mean share of answers that were scored.'),
      cost: z.number().optional().describe('What judging cost over the rollout, USD.'),
      priceBook: z.string().optional(),
    })
    .optional(),
}) satisfies z.ZodType<MetricSnapshot>;

/** All that was concluded from the evidence at one instant. */
export const judgementSchema = z.object({
  at: instantSchema,
  throughSeq: z.int(),
  freshAt: instantSchema.optional(),
  seenAt: z
    .record(z.string(), instantSchema)
    .describe('When each metric was last observed in an exposed unit of the running stage.'),
  gap: z.object({ fromAt: instantSchema, toAt: instantSchema }).optional(),
  verdicts: z.array(verdictSchema),
  dataInvalid: z.string().optional(),
  telemetryMissing: z.string().optional(),
  people: peopleSchema,
  metrics: z.array(metricSnapshotSchema),
}) satisfies z.ZodType<Judgement>;

const weekSlotsSchema = z.array(z.number()).length(WEEK_SLOTS);

const weekProfileSchema = z.object({ n: weekSlotsSchema, x: weekSlotsSchema, seenMs: weekSlotsSchema });

const baselineSourceSchema = z.enum(['live', 'history']);
const baselineVersionSchema = z.int().min(1);

/** A frozen baseline. */
export const baselineSchema = z.object({
  version: baselineVersionSchema.optional().describe('1, 2, … per rollout. Default: 1.'),
  source: baselineSourceSchema.optional().describe('history: where any metric comes from there. Default: live.'),
  fromAt: instantSchema,
  toAt: instantSchema,
  metrics: z.record(
    z.string(),
    z.object({
      value: z.number(),
      count: z.number(),
      low: z.number(),
      high: z.number(),
      week: weekProfileSchema.optional(),
      origin: z
        .object({
          version: baselineVersionSchema,
          source: baselineSourceSchema,
          fromAt: instantSchema,
          toAt: instantSchema,
        })
        .optional()
        .describe('Where these numbers come from, where that is not what the baseline says.'),
    }),
  ),
}) satisfies z.ZodType<Baseline>;

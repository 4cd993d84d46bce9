import { LOWEST_BIN, USER_BUCKETS } from '@rampart/rollout';
import { z } from 'zod';
import type {
  ScoreBatch,
  ScoreReceipt,
  SignalBatch,
  TelemetryBatch,
  TelemetryReceipt,
  TelemetrySeries,
} from '../wire.ts';
import { countSchema, instantSchema, jsonValueSchema, nameSchema, textSchema } from './primitive-schema.ts';

/** Most series in one batch, and most occurrences in one batch of signals. */
export const MAX_SERIES = 5000;
/** Most histogram bins of one entry. */
export const MAX_BINS = 2048;
/** Above the bin of the largest double (2^1024, 16 bins an octave). */
const HIGHEST_BIN = 16 * 1024;
const FULL_WEIGHT = 100_000;

const entries = <S extends z.ZodType>(entry: S) => z.array(entry).max(USER_BUCKETS);
const binPairSchema = z.tuple([z.int().min(LOWEST_BIN).max(HIGHEST_BIN), countSchema]);

const telemetrySeriesSchema = z
  .object({
    flag: nameSchema,
    rollout: nameSchema,
    attempt: z.int().min(1),
    epoch: countSchema,
    stratum: z.int().min(0).max(FULL_WEIGHT),
    arm: z.enum(['treatment', 'control', 'targeted']),
    metric: nameSchema,
    bucket: entries(z.int().min(0).lt(USER_BUCKETS)),
    count: entries(countSchema),
    sum: entries(z.number()),
    sumSquares: entries(z.number().min(0)),
    bins: entries(z.array(binPairSchema).max(MAX_BINS)).optional(),
  })
  .check((context) => {
    const message = parallelProblem(context.value);
    if (message !== undefined) {
      context.issues.push({ code: 'custom', message, input: context.value, path: [] });
    }
  });

/** Why the arrays of a series do not belong together; `undefined` when they do. */
function parallelProblem(series: TelemetrySeries): string | undefined {
  const { bucket, count, sum, sumSquares, bins } = series;
  const lengths = [bucket, count, sum, sumSquares, ...(bins === undefined ? [] : [bins])].map((array) => array.length);
  if (lengths.some((length) => length !== bucket.length)) {
    return `expected bucket, count, sum, sumSquares and bins of one length, received lengths ${lengths.join(', ')}`;
  }
  if (new Set(bucket).size !== bucket.length) return 'expected each user bucket once, received one twice';
  return undefined;
}

/** One flush of an SDK. Unknown keys are dropped, so that a newer SDK can talk to an older server. */
export const telemetryBatchSchema = z
  .object({
    schema: z.literal(1),
    batchId: nameSchema,
    instance: nameSchema,
    sequence: z
      .int()
      .min(1)
      .optional()
      .describe('Only from senders that deliver one batch after the other: its place among those of the instance.'),
    sdk: nameSchema,
    fromAt: instantSchema,
    toAt: instantSchema,
    revision: countSchema,
    dropped: countSchema,
    closing: z.literal(true).optional().describe('The last batch: the process has closed its client.'),
    priceBook: nameSchema.optional().describe('Price book that costs were worked out by.'),
    idle: z
      .array(nameSchema)
      .max(MAX_SERIES)
      .optional()
      .describe('Rollouts this process evaluates for, and nobody came since fromAt: no events are 0, not silence.'),
    evaluated: z
      .record(z.string().max(300), z.boolean())
      .optional()
      .describe('Flags of drills, and what the process evaluates them to.'),
    series: z.array(telemetrySeriesSchema).max(MAX_SERIES),
  })
  .refine((batch) => batch.fromAt <= batch.toAt, { path: ['toAt'], message: 'expected an instant not before fromAt' })
  .describe(
    'One flush of one SDK process: sums per metric, arm, stratum and user bucket.',
  ) satisfies z.ZodType<TelemetryBatch>;

/** Occurrences of count metrics reported from outside an SDK. */
export const signalBatchSchema = z
  .strictObject({
    schema: z.literal(1),
    batchId: nameSchema,
    flag: nameSchema,
    occurrences: z
      .array(
        z.strictObject({
          metric: nameSchema,
          at: instantSchema.optional().describe('Default: now.'),
          count: countSchema.optional().describe('Default: 1.'),
        }),
      )
      .min(1)
      .max(MAX_SERIES),
  })
  .describe('Occurrences (complaints, tickets) of one flag.') satisfies z.ZodType<SignalBatch>;

/** Most scores in one request. */
export const MAX_SCORES = 1000;

const contextSchema = z.object({ targetingKey: z.string().optional() }).catchall(jsonValueSchema);

const scoreSchema = z
  .strictObject({
    id: nameSchema.describe('Idempotency key within the flag and metric.'),
    metric: nameSchema,
    score: z.number().optional().describe("In the metric's unit; absent where the judge failed."),
    error: textSchema.optional().describe('Why there is no score.'),
    at: instantSchema.optional().describe('When the answer was given. Default: now.'),
    evaluation: z.string().max(300).optional().describe('Evaluation id that the SDK gave with the answer.'),
    context: contextSchema.optional().describe('Context the flag was evaluated for.'),
    variant: nameSchema.optional(),
    samplingRate: z.number().gt(0).max(1).optional().describe('Share of answers that are scored.'),
    cost: z.number().min(0).optional().describe('What judging it cost, USD.'),
  })
  .refine(({ score, error }) => (score === undefined) !== (error === undefined), {
    message: 'expected either a score, or an error that says why there is none',
  })
  .refine(({ evaluation, context, variant }) => [evaluation, context, variant].filter(isGiven).length === 1, {
    message: 'expected exactly one of evaluation, context and variant',
  });

function isGiven(value: unknown): boolean {
  return value !== undefined;
}

/** Scores of answers, from evaluators that run beside or after the application. */
export const scoreBatchSchema = z
  .strictObject({ schema: z.literal(1), flag: nameSchema, scores: z.array(scoreSchema).min(1).max(MAX_SCORES) })
  .describe('Scores of answers of one flag.') satisfies z.ZodType<ScoreBatch>;

/** Answer to scores that are durable. */
export const scoreReceiptSchema = z.object({
  accepted: countSchema,
  duplicates: countSchema,
  ignored: z.array(z.object({ id: z.string(), reason: z.string() })),
}) satisfies z.ZodType<ScoreReceipt>;

/** Answer to a batch that is durable. */
export const telemetryReceiptSchema = z.object({
  batchId: z.string(),
  status: z.enum(['accepted', 'duplicate']),
}) satisfies z.ZodType<TelemetryReceipt>;

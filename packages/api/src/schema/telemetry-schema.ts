import { LOWEST_BIN, USER_BUCKETS } from '@rampart/rollout';
import { z } from 'zod';
import type { SignalBatch, TelemetryBatch, TelemetryReceipt, TelemetrySeries } from '../wire.ts';
import { countSchema, instantSchema, nameSchema } from './primitive-schema.ts';

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

/** Answer to a batch that is durable. */
export const telemetryReceiptSchema = z.object({
  batchId: z.string(),
  status: z.enum(['accepted', 'duplicate']),
}) satisfies z.ZodType<TelemetryReceipt>;

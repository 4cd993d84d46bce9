import type { Verdict } from '@rampart/rollout';
import { z } from 'zod';
import { countSchema, instantSchema, nameSchema, planTextSchema } from './primitive-schema.ts';
import { verdictSchema } from './verdict-schema.ts';

/**
 * `up`: gives all it should. `lagging`: what it gives ends too early. `partial`: parts of it, or some of its metrics, do not
 * answer. `silent`: it gives nothing. `contradictory`: its numbers cannot be true together.
 */
export const SOURCE_STATUSES = ['up', 'lagging', 'partial', 'silent', 'contradictory'] as const;

/** How a source does. */
export type SourceStatus = (typeof SOURCE_STATUSES)[number];

/** How one source does for one rollout. */
export const sourceSightSchema = z
  .object({
    source: z.string(),
    status: z.enum(SOURCE_STATUSES),
    why: z.string().optional().describe('What is wrong, in words.'),
    newestAt: instantSchema.optional().describe('Instant of the newest data.'),
    metrics: z.array(z.string()).describe('Metrics that the rollout has from it.'),
  })
  .describe('How one source does for one rollout.');

/** How one source does for one rollout. */
export type SourceSight = {
  readonly source: string;
  readonly status: SourceStatus;
  readonly why?: string;
  readonly newestAt?: number;
  readonly metrics: readonly string[];
};

/** Body of `POST /v1/metrics/test`: of a rollout, or of a plan that is not one yet. */
export const metricTestSchema = z
  .strictObject({
    metric: nameSchema.describe('Name of the metric in the plan.'),
    rollout: nameSchema.optional().describe('Id of a rollout. Give this, or `text`.'),
    text: planTextSchema.optional(),
    file: nameSchema.optional().describe('Name of the file of the plan, for messages and to tell the format.'),
    stage: nameSchema
      .optional()
      .describe('Stage to judge for. Default: the one the rollout stands in, else the first of the plan.'),
    overMs: z
      .int()
      .min(1_000)
      .max(6 * 3_600_000)
      .optional()
      .describe('Length of the interval asked for, up to the newest data. Default: 10 min.'),
  })
  .refine(({ rollout, text }) => (rollout === undefined) !== (text === undefined), {
    path: ['rollout'],
    message: 'expected either rollout or text',
  })
  .describe('A metric whose source is to be asked once.');

/** A metric whose source is to be asked once. */
export type MetricTest = z.output<typeof metricTestSchema>;

/** Sums of one arm in an answer: `bad` or the sum of values, and the share or the average. */
export type ArmCounts = {
  readonly arm: string;
  readonly count: number;
  readonly sum: number;
  readonly average?: number;
  /** User buckets that had data; 0 where users are unknown. */
  readonly userBuckets: number;
};

/** What a source was asked, what it answered, what was understood, and what it would mean. */
export type MetricTestResult = {
  readonly metric: string;
  readonly source: string;
  readonly stage: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly exchanges: readonly { readonly asked: string; readonly answered: string }[];
  readonly outcome: 'value' | 'no-data' | 'stale' | 'error';
  readonly message?: string;
  readonly newestAt?: number;
  readonly warnings: readonly string[];
  readonly arms: readonly ArmCounts[];
  readonly occurrences: number;
  readonly verdicts: readonly Verdict[];
};

/** Schema of `MetricTestResult`. */
export const metricTestResultSchema = z
  .object({
    metric: z.string(),
    source: z.string(),
    stage: z.string().describe('Stage whose exposure and checks were taken.'),
    fromAt: instantSchema,
    toAt: instantSchema,
    exchanges: z
      .array(z.object({ asked: z.string(), answered: z.string() }))
      .describe('Raw questions and answers, cut and without secrets.'),
    outcome: z.enum(['value', 'no-data', 'stale', 'error']),
    message: z.string().optional().describe('Of an error.'),
    newestAt: instantSchema.optional(),
    warnings: z.array(z.string()),
    arms: z.array(
      z.object({
        arm: z.string(),
        count: countSchema,
        sum: z.number(),
        average: z.number().optional(),
        userBuckets: countSchema,
      }),
    ),
    occurrences: countSchema.describe('Occurrences with instants of their own, of a count.'),
    verdicts: z.array(verdictSchema).describe('What each check of the metric would say on this answer alone.'),
  })
  .describe('What a source was asked, what it answered, and what it would mean.') satisfies z.ZodType<MetricTestResult>;

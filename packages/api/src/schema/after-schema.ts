import type { RolloutStats, TimeSpread, TimeTally } from '@rampart/rollout';
import { z } from 'zod';
import { instantSchema } from './primitive-schema.ts';

/**
 * Why a flag is debt: everyone has it (`full`) or nobody (`off`) and its rollout is over, nothing moves it (`fixed`), no SDK
 * evaluates it (`unused`), it was to be removed (`overdue`), or it is the kill switch of rollouts that are over (`kill-switch`).
 */
export const STALE_REASONS = ['full', 'off', 'fixed', 'unused', 'overdue', 'kill-switch'] as const;

/** One of `STALE_REASONS`. */
export type StaleReason = (typeof STALE_REASONS)[number];

/** A flag that is debt. */
export const staleFlagSchema = z
  .object({
    flag: z.string(),
    findings: z.array(
      z.object({
        reason: z.enum(STALE_REASONS),
        since: instantSchema.optional().describe('Absent where it is not known.'),
        evidence: z.string(),
      }),
    ),
    ageMs: z.number().optional().describe('Since the oldest finding; absent where none is dated.'),
    rollout: z.string().optional().describe('The last rollout that moved it.'),
    owner: z.string().optional(),
    lastSeenAt: instantSchema
      .optional()
      .describe('When an SDK last reported it, to the hour. Only flags of rollouts are reported.'),
  })
  .readonly();

/** A flag that is debt, with why and since when. */
export type StaleFlag = {
  readonly flag: string;
  readonly findings: readonly { readonly reason: StaleReason; readonly since?: number; readonly evidence: string }[];
  readonly ageMs?: number;
  readonly rollout?: string;
  readonly owner?: string;
  readonly lastSeenAt?: number;
};

const DAYS = 36_500;

/** Query of the stale report. */
export const staleFilterSchema = z.object({
  days: z.coerce.number().min(0).max(DAYS).optional().describe('How long a flag may stand still. Default: 30.'),
});

/** Query of the deletion of a flag. */
export const flagRemovalSchema = z.object({
  force: z.enum(['true', 'false']).optional().describe('Delete it although SDKs still evaluate it.'),
});

/** Query of the statistics. */
export const statsFilterSchema = z.object({
  since: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Rollouts created since this instant, epoch ms. Default: all.'),
});

const count = z.int();
const counts = z.record(z.string(), count);
const spread = z.object({
  n: count.describe('Cases this is over.'),
  medianMs: z.number().optional(),
  p90Ms: z.number().optional(),
}) satisfies z.ZodType<TimeSpread>;
const tally = z.object({ n: count, rollouts: count, totalMs: z.number() }) satisfies z.ZodType<TimeTally>;

/** How rollouts go, over all of them. */
export const rolloutStatsSchema = z
  .object({
    now: instantSchema,
    sinceAt: instantSchema.optional(),
    rollouts: count,
    outcomes: z.object({ running: count, complete: count, cancelled: count }),
    timeToGa: spread.describe('From the start to everyone exposed.'),
    stages: z.array(spread.extend({ stage: z.string() })),
    aborts: z.object({ n: count, rollouts: count, byCause: counts, byStage: counts }),
    breachToOff: spread.extend({ unconfirmed: count }).describe('From the decision to the confirmation by every SDK.'),
    retries: z.object({ n: count.describe('Rollouts that were started.'), needed: count }),
    exposedToAborted: z.object({ n: count, people: count }),
    spared: z
      .object({ n: count, unknown: count, people: count, low: z.number(), high: z.number() })
      .describe('People measured without an aborted feature; low to high: 95 % by the share of the split.'),
    holds: z.partialRecord(z.enum(['person', 'gate', 'blind', 'data-invalid', 'alert']), tally),
    overrides: z.object({ n: count, rollouts: count }),
    waits: z.partialRecord(z.enum(['pre-flight', 'approval', 'decision', 'hold', 'fix']), tally),
  })
  .describe('How rollouts go. Every figure says over how many cases it is.') satisfies z.ZodType<RolloutStats>;

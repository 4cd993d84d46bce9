import { z } from 'zod';
import { instantSchema } from './primitive-schema.ts';

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

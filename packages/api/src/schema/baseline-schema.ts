import type { Baseline } from '@rampart/rollout';
import { z } from 'zod';
import { instantSchema, textSchema } from './primitive-schema.ts';
import { baselineSchema } from './verdict-schema.ts';

/** Body of `POST /v1/rollouts/:id/baselines`. */
export const baselineRequestSchema = z
  .strictObject({
    // An absent reason becomes the empty one, which the core refuses with `REASON_REQUIRED`: one code for one mistake.
    reason: textSchema.default('').describe('Why. Without it the request is refused with REASON_REQUIRED.'),
  })
  .describe('A baseline to take anew.');

/** A baseline to take anew. */
export type BaselineRequest = z.output<typeof baselineRequestSchema>;

/** A baseline as it was captured, by whom and why. */
export type BaselineVersion = {
  readonly baseline: Baseline;
  readonly at: number;
  readonly by: string;
  /** Of version 2 and later. */
  readonly reason?: string;
};

/** The baselines of a rollout. */
export type BaselinesView = {
  /** Oldest first; the last one is in force. */
  readonly versions: readonly BaselineVersion[];
  /** What those who see the old variant show now; without metrics where nobody does. */
  readonly current?: Baseline;
  /** A history that is being read for a new version. */
  readonly reading?: { readonly source: string; readonly share: number };
};

/** Answer of `GET /v1/rollouts/:id/baselines`. */
export const baselinesViewSchema = z
  .object({
    versions: z.array(
      z.object({ baseline: baselineSchema, at: instantSchema, by: z.string(), reason: z.string().optional() }),
    ),
    current: baselineSchema.optional(),
    reading: z.object({ source: z.string(), share: z.number().min(0).max(1) }).optional(),
  })
  .describe('The baselines of a rollout, oldest first.') satisfies z.ZodType<BaselinesView>;

/** Query of `GET /v1/rollouts/:id/baselines`. */
export const baselinesFilterSchema = z.object({
  current: z.enum(['true', 'false']).optional().describe('Also what those who see the old variant show now.'),
});

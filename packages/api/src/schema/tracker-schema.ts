import { z } from 'zod';
import { countSchema, instantSchema } from './primitive-schema.ts';

/** An issue in a tracker: how people name it, and where they read it. */
export const trackedIssueSchema = z.object({ key: z.string(), url: z.string() }).describe('An issue in a tracker.');

/** Answer of `GET /v1/trackers`. */
export const trackerStatusSchema = z.object({
  trackers: z.array(z.object({ name: z.string(), kind: z.string() })),
  rollouts: z.array(
    z.object({
      rollout: z.string(),
      flag: z.string(),
      tracker: z.string(),
      issue: trackedIssueSchema.optional().describe('Absent until it is made.'),
      pending: countSchema.describe('Events that the tracker has not followed yet.'),
      error: z
        .object({ why: z.string(), at: instantSchema, nextAt: instantSchema })
        .optional()
        .describe('The last failure, while it lasts, and when it is tried again.'),
      refused: z
        .array(z.object({ version: z.int(), what: z.string(), why: z.string() }))
        .readonly()
        .describe('What the tracker refused for good, by the version of the event.'),
    }),
  ),
});

/** How trackers follow the rollouts. */
export type TrackerStatus = z.output<typeof trackerStatusSchema>;

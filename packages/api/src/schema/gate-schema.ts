import { z } from 'zod';
import { instantSchema, nameSchema, textSchema } from './primitive-schema.ts';

/** Body of `PUT /v1/gates/:name`. An absent reason becomes the empty one, which is refused with `REASON_REQUIRED`. */
export const gateChangeSchema = z.strictObject({
  open: z.boolean(),
  reason: textSchema.default('').describe('Why. Without it the request is refused with REASON_REQUIRED.'),
  flag: nameSchema.optional().describe('Only for rollouts of this flag. Default: for every rollout of the server.'),
});

/** What a person asks of a gate. */
export type GateChange = z.output<typeof gateChangeSchema>;

/** Answer to `GET /v1/gates`. */
export const gatesViewSchema = z.object({
  gates: z
    .array(
      z.object({
        gate: nameSchema,
        flag: z.string().optional().describe('Absent: for every rollout of the server.'),
        open: z.boolean(),
        why: z.string(),
        at: instantSchema,
        by: z.string().describe('Name of the hook, or id of the principal.'),
        byHand: z.boolean().describe('Closed by hand: only a person opens it again.'),
      }),
    )
    .describe('What other systems and people have said.'),
  rollouts: z
    .array(
      z.object({
        rollout: z.string(),
        gate: nameSchema,
        when: z.enum(['start', 'advance', 'during', 'rollback']),
        signal: z.string().optional().describe('Name it is set by. Absent: it is asked by webhook.'),
        open: z.boolean().optional().describe('Absent: it has not answered in this stage yet.'),
        why: z.string().optional(),
        at: instantSchema.optional(),
      }),
    )
    .describe('Gates that have a say in rollouts as they stand.'),
});

/** Answer to `GET /v1/gates`. */
export type GatesView = z.output<typeof gatesViewSchema>;

import type { RolloutCommand } from '@rampart/rollout';
import { z } from 'zod';
import { durationSchema, nameSchema, textSchema } from './primitive-schema.ts';

/** Commands a client may send; the others are given by the server itself. */
export const CLIENT_COMMANDS = [
  'Start',
  'Approve',
  'Decline',
  'Hold',
  'Resume',
  'Extend',
  'Proceed',
  'Abort',
  'Kill',
  'Rearm',
  'Retry',
  'AssignIncident',
  'RecordRootCause',
  'RecordFix',
  'ResolveIncident',
  'AddIssue',
  'ChangeIssue',
  'Cancel',
] as const satisfies readonly RolloutCommand['type'][];

/** An absent reason becomes the empty one, which the core refuses with `REASON_REQUIRED`: one code for one mistake. */
const reason = textSchema.default('').describe('Why. Without it the command is refused with REASON_REQUIRED.');
const number = z.int().min(1);

const command = <Type extends (typeof CLIENT_COMMANDS)[number], Shape extends z.ZodRawShape>(
  type: Type,
  shape: Shape,
) => z.strictObject({ type: z.literal(type), ...shape });

/** Body of `POST /v1/rollouts/:id/commands`. Unknown keys are refused by name. */
export const clientCommandSchema = z
  .discriminatedUnion('type', [
    command('Start', {}),
    command('Approve', { item: nameSchema, evidence: textSchema.optional(), note: textSchema.optional() }),
    command('Decline', { proposal: number, reason }),
    command('Hold', { reason }),
    command('Resume', { reason: textSchema.optional() }),
    command('Extend', { reason, byMs: durationSchema.min(1).optional().describe('Default: one stage duration.') }),
    command('Proceed', { reason }),
    command('Abort', { reason }),
    command('Kill', { reason }),
    command('Rearm', { reason }),
    command('Retry', {
      version: nameSchema
        .optional()
        .describe('Build, prompt or model version. Default: the same, with the same statistics.'),
      people: z.enum(['same', 'fresh']).optional(),
      reason: textSchema.optional(),
    }),
    command('AssignIncident', { incident: number, assignee: nameSchema }),
    command('RecordRootCause', { incident: number, text: textSchema.min(1) }),
    command('RecordFix', { incident: number, text: textSchema.min(1), reference: textSchema.optional() }),
    command('ResolveIncident', { incident: number }),
    command('AddIssue', {
      title: nameSchema,
      severity: z.enum(['critical', 'major', 'minor']),
      link: textSchema.optional(),
    }),
    command('ChangeIssue', { number, status: z.enum(['open', 'fixed', 'monitoring', 'closed']) }),
    command('Cancel', { reason }),
  ])
  .describe('A command to a rollout.') satisfies z.ZodType<RolloutCommand>;

/** A command as a client sends it. */
export type ClientCommand = z.output<typeof clientCommandSchema>;

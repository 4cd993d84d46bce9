import type { RolloutCommand } from '@rampart/rollout';
import { z } from 'zod';
import { durationSchema, instantSchema, nameSchema, textSchema } from './primitive-schema.ts';

/** Commands a client may send; the others are given by the server itself. */
export const CLIENT_COMMANDS = [
  'Start',
  'Approve',
  'Drill',
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
  'AcknowledgeIncident',
  'RateIncident',
  'NoteIncident',
  'LinkIncident',
  'AddAction',
  'CompleteAction',
  'RecordRootCause',
  'RecordFix',
  'ResolveIncident',
  'AddIssue',
  'ChangeIssue',
  'CalibrateJudge',
  'ScheduleCleanup',
  'Cancel',
] as const satisfies readonly RolloutCommand['type'][];

/** Most items of a golden set in one calibration. */
const MOST_GOLDEN_ITEMS = 5000;

/** An absent reason becomes the empty one, which the core refuses with `REASON_REQUIRED`: one code for one mistake. */
const reason = textSchema.default('').describe('Why. Without it the command is refused with REASON_REQUIRED.');
const number = z.int().min(1);
const linkSchema = z
  .url({ protocol: /^https?$/, error: 'expected an address that begins with http:// or https://' })
  .max(2000);

const command = <Type extends (typeof CLIENT_COMMANDS)[number], Shape extends z.ZodRawShape>(
  type: Type,
  shape: Shape,
) => z.strictObject({ type: z.literal(type), ...shape });

/** Body of `POST /v1/rollouts/:id/commands`. Unknown keys are refused by name. */
export const clientCommandSchema = z
  .discriminatedUnion('type', [
    command('Start', {}),
    command('Approve', {
      item: nameSchema,
      evidence: textSchema.optional().describe('A link, or a reference that others can look up.'),
      note: textSchema.optional(),
      waive: z
        .literal(true)
        .optional()
        .describe('Gives a pre-flight item without the evidence it asks for; `note` says why, as an override.'),
    }),
    command('Drill', {}),
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
    command('AcknowledgeIncident', { incident: number }),
    command('RateIncident', { incident: number, severity: z.enum(['critical', 'major', 'minor']), reason }),
    command('NoteIncident', { incident: number, text: textSchema.min(1) }),
    command('LinkIncident', { incident: number, title: nameSchema, url: linkSchema }),
    command('AddAction', {
      incident: number,
      text: textSchema.min(1),
      owner: nameSchema.optional(),
      link: linkSchema.optional(),
    }),
    command('CompleteAction', { incident: number, action: number }),
    command('RecordRootCause', { incident: number, text: textSchema.min(1) }),
    command('RecordFix', { incident: number, text: textSchema.min(1), reference: textSchema.optional() }),
    command('ResolveIncident', {
      incident: number,
      reason: textSchema.optional().describe('Needed where no root cause or no fix is recorded.'),
    }),
    command('AddIssue', {
      title: nameSchema,
      severity: z.enum(['critical', 'major', 'minor']),
      link: textSchema.optional(),
    }),
    command('ChangeIssue', { number, status: z.enum(['open', 'fixed', 'monitoring', 'closed']) }),
    command('CalibrateJudge', {
      metric: nameSchema,
      goldenSet: nameSchema,
      scores: z
        .array(
          z.strictObject({
            item: nameSchema,
            score: z.number().nullable().describe('null: the judge could not score it.'),
            label: z.number().optional().describe('What people say it is.'),
          }),
        )
        .min(1)
        .max(MOST_GOLDEN_ITEMS),
      judge: nameSchema.optional().describe('Which judge scored: its model and prompt.'),
      cost: z.number().min(0).optional().describe('What scoring cost, USD.'),
    }),
    command('ScheduleCleanup', {
      dueAt: instantSchema.optional().describe('When the flag is to be gone. Default: `cleanup.after` of the plan.'),
      owner: nameSchema.optional().describe('Who removes it. Default: the operator of the plan.'),
      link: textSchema.optional().describe('The task.'),
    }),
    command('Cancel', { reason }),
  ])
  .describe('A command to a rollout.') satisfies z.ZodType<RolloutCommand>;

/** A command as a client sends it. */
export type ClientCommand = z.output<typeof clientCommandSchema>;

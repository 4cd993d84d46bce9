import type { EventRecord, Judgement, PlanIssue, RolloutState } from '@rampart/rollout';
import { z } from 'zod';
import { eventRecordSchema } from './event-schema.ts';
import { planIssueSchema } from './plan-schema.ts';
import { instantSchema, nameSchema, planTextSchema, textSchema } from './primitive-schema.ts';
import { type SourceSight, sourceSightSchema } from './source-schema.ts';
import { rolloutStateSchema } from './state-schema.ts';
import { trackedIssueSchema } from './tracker-schema.ts';
import { judgementSchema } from './verdict-schema.ts';

const file = nameSchema.optional().describe('Name of its file, for messages and to tell the format.');

/** Body of `POST /v1/plans/validate`. */
export const planInputSchema = z.strictObject({ text: planTextSchema, file });

/** A plan to check. */
export type PlanInput = z.output<typeof planInputSchema>;

/** Answer of `POST /v1/plans/validate`. */
export const planCheckSchema = z.object({
  ok: z.boolean(),
  warnings: z.array(planIssueSchema),
  issues: z.array(planIssueSchema).describe('Errors; empty when ok.'),
});

/** What is wrong or doubtful in a plan. */
export type PlanCheck = {
  readonly ok: boolean;
  readonly warnings: readonly PlanIssue[];
  readonly issues: readonly PlanIssue[];
};

/** Body of `POST /v1/rollouts`. */
export const newRolloutSchema = z
  .strictObject({
    text: planTextSchema,
    file,
    timeScale: z.number().gt(0).max(1).optional().describe('Factor on every duration, for demos. Default: 1.'),
    override: textSchema.min(1).optional().describe('Reason for a plan that Rampart would refuse without one.'),
  })
  .describe('A plan to make a draft rollout of.');

/** A plan to make a draft rollout of. */
export type NewRollout = z.output<typeof newRolloutSchema>;

/** A rollout as the server shows it. */
export type RolloutView = {
  readonly state: RolloutState;
  /** The latest; absent before there is any evidence. */
  readonly judgement?: Judgement;
  /** Clock of the server, epoch milliseconds. */
  readonly now: number;
  /** What holds it, in words; empty when nothing does. */
  readonly waitingFor: readonly string[];
  /** How the sources of its metrics do; absent where nobody asks them. */
  readonly sources?: readonly SourceSight[];
  /** In a tracker. */
  readonly issue?: { readonly key: string; readonly url: string };
  readonly dashboardUrl?: string;
};

/** Schema of `RolloutView`. */
export const rolloutViewSchema = z
  .object({
    state: rolloutStateSchema,
    judgement: judgementSchema.optional(),
    now: instantSchema,
    waitingFor: z.array(z.string()).describe('What holds it, in words.'),
    sources: z.array(sourceSightSchema).optional().describe('How the sources of its metrics do.'),
    issue: trackedIssueSchema.optional(),
    dashboardUrl: z.string().optional(),
  })
  .describe('A rollout as the server shows it.') satisfies z.ZodType<RolloutView>;

/** What a command led to. */
export type CommandAnswer = { readonly rollout: RolloutView; readonly events: readonly EventRecord[] };

/** Schema of `CommandAnswer`. */
export const commandAnswerSchema = z.object({
  rollout: rolloutViewSchema,
  events: z.array(eventRecordSchema),
}) satisfies z.ZodType<CommandAnswer>;

/** Query of `GET /v1/rollouts`. */
export const rolloutFilterSchema = z.object({
  state: z.enum(['active', 'all']).optional().describe('Default: active.'),
});

/** Query of `GET /v1/rollouts/:id/events`. */
export const eventFilterSchema = z.object({
  after: z.coerce.number().int().min(0).optional().describe('Only events of a higher version. Default: 0.'),
});

/** Most evidence batches in one answer. */
export const MAX_EVIDENCE_PAGE = 500;

/** Query of `GET /v1/rollouts/:id/evidence`. */
export const evidenceFilterSchema = z.object({
  after: z.coerce.number().int().min(0).optional().describe('Only batches of a higher seq. Default: 0.'),
  limit: z.coerce.number().int().min(1).max(MAX_EVIDENCE_PAGE).optional().describe('Most batches. Default: 200.'),
});

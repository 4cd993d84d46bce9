import type { CommandAnswer, RolloutView, WriteOptions } from '@rampart/api';
import { z } from 'zod';
import { actionSchema, allowedActions } from './allowed-actions.ts';
import { toldEvent, toldEventSchema } from './events.ts';
import { rolloutInput } from './read-tools.ts';
import { summaryOf, summarySchema } from './rollout-summary.ts';
import { callerOf, type ToolDeps } from './tool.ts';

/** Key under which a write can be repeated. */
export const idempotencyInput = z
  .string()
  .min(1)
  .max(255)
  .optional()
  .describe('The same key gives the same answer again, without doing it twice. Use one per intended change.');

/** Arguments of every write to a rollout. */
export const WRITE_INPUT = {
  rollout: rolloutInput,
  expected_version: z
    .int()
    .min(0)
    .optional()
    .describe('Version of the rollout you decided on; refused with VERSION_CONFLICT when it has another by now.'),
  idempotency_key: idempotencyInput,
};

/** Why something is done. */
export const reasonInput = z.string().min(1).max(4000).describe('Why, in your own words: it stands in the report.');

/** What every write to a rollout answers. */
export const WRITE_OUTPUT = z.strictObject({
  rollout: summarySchema,
  events: z.array(toldEventSchema).describe('What it led to; empty: nothing had to change.'),
  allowedActions: z.array(actionSchema),
});

type WriteArgs = { readonly expected_version?: number | undefined; readonly idempotency_key?: string | undefined };

/** How a write is made safe, out of its arguments. */
export function writeOptions({ expected_version, idempotency_key }: WriteArgs): WriteOptions {
  return {
    ...(expected_version !== undefined && { ifVersion: expected_version }),
    ...(idempotency_key !== undefined && { idempotencyKey: idempotency_key }),
  };
}

/** What a write led to, as its tool answers it. */
export async function writeAnswer(
  { rollout, events }: CommandAnswer,
  deps: ToolDeps,
): Promise<z.output<typeof WRITE_OUTPUT>> {
  return {
    ...(await standing(rollout, deps)),
    events: events.filter(({ event }) => event.type !== 'ChecksJudged').map((one) => toldEvent(one, rollout.state)),
  };
}

/** A rollout, and what the caller may do with it now. */
export async function standing(view: RolloutView, deps: ToolDeps) {
  return { rollout: summaryOf(view), allowedActions: [...allowedActions(view, await callerOf(deps))] };
}

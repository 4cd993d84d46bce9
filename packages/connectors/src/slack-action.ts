import { z } from 'zod';

/** Ids of the buttons that messages in Slack carry, by what they do. */
export const SLACK_ACTION_IDS = {
  approve: 'rampart_approve',
  hold: 'rampart_hold',
  abort: 'rampart_abort',
} as const;

/** What a button does. */
export type SlackActionName = keyof typeof SLACK_ACTION_IDS;

/** Longest `value` of a button that Slack takes, characters. */
const LONGEST_VALUE = 2000;

/**
 * `value` of a button, as JSON: what stood when the message was written, so that a click on an old message can be told from
 * one on a new one.
 */
const slackActionSchema = z.strictObject({
  rollout: z.string().min(1),
  /** Version of the event that the message told of. */
  version: z.int().min(0),
  attempt: z.int().min(0),
  /** Name of the stage; empty outside of stages. */
  stage: z.string(),
  /** What is approved, as `rampart approve` takes it: `proposal 3`, or the text of a confirmation. Only of `approve`. */
  item: z.string().min(1).optional(),
});

/** What a button stands for. */
export type SlackAction = z.output<typeof slackActionSchema>;

/** `value` of a button; `undefined` where it would be longer than Slack takes: then there can be no such button. */
export function slackActionValue(action: SlackAction): string | undefined {
  const value = JSON.stringify(action);
  return value.length > LONGEST_VALUE ? undefined : value;
}

/** A click, of the `action_id` and `value` that Slack sends back; `undefined` for what no button of Rampart sends. */
export function readSlackAction(
  actionId: string,
  value: string,
): (SlackAction & { readonly action: SlackActionName }) | undefined {
  const known = Object.entries(SLACK_ACTION_IDS).find(([, id]) => id === actionId);
  const read = slackActionSchema.safeParse(jsonOf(value));
  // Entries of a const: its keys are the names.
  const action = known?.[0] as SlackActionName | undefined;
  if (action === undefined || !read.success) return undefined;
  return action === 'approve' && read.data.item === undefined ? undefined : { ...read.data, action };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { z } from 'zod';
import { guardedPost } from './guarded-post.ts';
import { schemaProblem } from './schema-problem.ts';
import { readSlackAction, SLACK_ACTION_IDS, type SlackActionName } from './slack-action.ts';
import { slackText } from './slack-blocks.ts';
import { type UrlPolicy, urlProblem } from './url-guard.ts';

/** A click on a button of ours (Slack's `block_actions`). */
export type SlackClick = {
  readonly verb: SlackActionName;
  /** Id of the user in Slack. */
  readonly user: string;
  /** What tells this click from every other one. */
  readonly clickId: string;
  /** What the button was made for. `stage`: its name; absent outside of stages. `item`: of an approval only. */
  readonly target: {
    readonly rollout: string;
    readonly attempt: number;
    readonly stage?: string;
    readonly item?: string;
  };
  /** Where the answer goes; Slack takes five within half an hour. */
  readonly responseUrl?: string;
};

/** A click, something that is for nobody here, or what is wrong with it. */
export type SlackClickReading =
  | { readonly kind: 'click'; readonly click: SlackClick }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'invalid'; readonly problem: string };

const OURS: readonly string[] = Object.values(SLACK_ACTION_IDS);

const payloadSchema = z.object({
  type: z.literal('block_actions'),
  user: z.object({ id: z.string().min(1) }),
  trigger_id: z.string().optional(),
  response_url: z.string().optional(),
  actions: z
    .array(z.object({ action_id: z.string(), action_ts: z.string().min(1), value: z.string().optional() }))
    .min(1),
});

/** Reads the form that Slack posts for a click. Its signature was checked before. */
export function readSlackClick(body: Buffer): SlackClickReading {
  const payload = jsonOf(new URLSearchParams(body.toString('utf8')).get('payload') ?? '');
  if (payload === undefined) return { kind: 'invalid', problem: 'payload is not JSON in a form' };
  if (!isOurs(payload)) return { kind: 'ignored' };
  const read = payloadSchema.safeParse(payload);
  if (!read.success) return { kind: 'invalid', problem: schemaProblem(read.error) };
  const { user, trigger_id: trigger = '', response_url: responseUrl, actions } = read.data;
  const ours = actions.find(({ action_id: id }) => OURS.includes(id));
  if (ours === undefined) return { kind: 'ignored' };
  const asked = readSlackAction(ours.action_id, ours.value ?? '');
  if (asked === undefined) return { kind: 'invalid', problem: 'value of the button is none that Rampart writes' };
  const { action: verb, rollout, attempt, stage, item } = asked;
  const click = {
    ...{ verb, user: user.id, clickId: JSON.stringify([user.id, ours.action_id, ours.action_ts, trigger]) },
    target: { rollout, attempt, ...(stage !== '' && { stage }), ...(item !== undefined && { item }) },
    ...(responseUrl !== undefined && { responseUrl }),
  };
  return { kind: 'click', click };
}

/** Clicks on links, menus of other apps of the same endpoint, dialogs: none of it is asked of us. */
function isOurs(payload: unknown): boolean {
  const shape = z.object({ type: z.literal('block_actions'), actions: z.array(z.object({ action_id: z.string() })) });
  const read = shape.safeParse(payload);
  return read.success && read.data.actions.some(({ action_id: id }) => OURS.includes(id));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An answer to a click. `isPublic`: everyone in the channel sees it, not only who clicked. */
export type SlackReply = { readonly text: string; readonly isPublic: boolean };

/** Where answers may go, and how long one may take, milliseconds. */
export type SlackReplyDeps = {
  readonly policy: UrlPolicy;
  /** An origin beside Slack's own. */
  readonly apiUrl?: string;
  readonly timeoutMs: number;
};

const SLACK_ORIGIN = 'https://hooks.slack.com';

/** Posts an answer to the address that came with a click; what went wrong in words without the address, or `undefined`. */
export async function replyInSlack(
  responseUrl: string,
  { text, isPublic }: SlackReply,
  { policy, apiUrl, timeoutMs }: SlackReplyDeps,
): Promise<string | undefined> {
  const origins = [SLACK_ORIGIN, ...(apiUrl === undefined ? [] : [new URL(apiUrl).origin])];
  const isAllowed = URL.canParse(responseUrl) && origins.includes(new URL(responseUrl).origin);
  if (!isAllowed || urlProblem(responseUrl, policy) !== undefined)
    return `its address for answers is not one of ${origins.join(', ')}`;
  const body = JSON.stringify({
    response_type: isPublic ? 'in_channel' : 'ephemeral',
    replace_original: false,
    text: slackText(text),
  });
  try {
    const headers = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Rampart' };
    const signal = AbortSignal.timeout(timeoutMs);
    const { status } = await guardedPost({ url: responseUrl, headers, body, signal, policy });
    return status < 300 ? undefined : `Slack answered ${status}`;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer in time';
    return `Slack could not be reached (${code})`;
  }
}

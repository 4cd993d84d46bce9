import { z } from 'zod';
import { type ChannelDoor, jsonAnswer } from './channel-post.ts';
import { deliveryOf } from './delivery-answer.ts';
import type { DeliveryResult } from './ports.ts';

/** What a method of Slack's Web API answered: what it gave, or its error as a result, with Slack's word for it. */
export type SlackAnswer =
  | { readonly channel: string; readonly ts: string; readonly failed?: undefined }
  | { readonly failed: Exclude<DeliveryResult, { kind: 'delivered' }>; readonly word?: string };

/** Calls a method of Slack's Web API. Never rejects. */
export type SlackCall = (
  method: 'chat.postMessage' | 'chat.update',
  json: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<SlackAnswer>;

const answerSchema = z.union([
  z.looseObject({ ok: z.literal(true), channel: z.string(), ts: z.string() }),
  z.looseObject({ ok: z.literal(false), error: z.string().regex(/^[\w-]{1,80}$/) }),
]);

/** Errors after which another try may go through. */
const PASSING = [
  'fatal_error',
  'internal_error',
  'rate_limited',
  'ratelimited',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
];
/** Errors after which no message will ever be taken. */
const LASTING = ['account_inactive', 'is_archived'];
const HINTS: Readonly<Record<string, string>> = {
  account_inactive: 'the app was taken away; install it again',
  channel_not_found: 'check the id of the channel; a private one needs the app as a member',
  invalid_auth: 'check the token',
  is_archived: 'the channel is archived',
  missing_scope: 'the token needs the scope chat:write',
  not_authed: 'check the token',
  not_in_channel: 'invite the app to the channel',
  token_expired: 'give it a new token',
  token_revoked: 'give it a new token',
};

/** Slack answers 200 also when it failed: what counts is `ok`. */
export function slackCall(
  door: ChannelDoor,
  api: { readonly url: string; readonly token: string },
  now: () => number,
): SlackCall {
  return async (method, json, signal) => {
    const headers = { authorization: `Bearer ${api.token}` };
    const { answer, ended } = await door.post({ url: `${api.url}/${method}`, headers, json }, signal);
    const byStatus = ended ?? deliveryOf(answer, now());
    if (byStatus.kind !== 'delivered') return { failed: byStatus };
    const read = answerSchema.safeParse(answer && jsonAnswer(answer));
    if (!read.success)
      return {
        failed: { kind: 'retry', why: 'it did not answer as Slack does; whether the message was taken is not known' },
      };
    if (read.data.ok) return { channel: read.data.channel, ts: read.data.ts };
    const { error: word } = read.data;
    return { failed: failureOf(word, answer?.headers['retry-after'], now()), word };
  };
}

function failureOf(
  word: string,
  retryAfter: string | undefined,
  now: number,
): Exclude<DeliveryResult, { kind: 'delivered' }> {
  const hint = HINTS[word];
  const why = `Slack answered ${word}${hint === undefined ? '' : `: ${hint}`}`;
  if (PASSING.includes(word)) {
    const patience = deliveryOf({ status: 429, headers: { 'retry-after': retryAfter } }, now);
    return { ...patience, kind: 'retry', why };
  }
  return { kind: 'refused', why, ...(LASTING.includes(word) && { disable: true }) };
}

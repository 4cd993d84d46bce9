import { z } from 'zod';
import { openChannelDoor } from './channel-post.ts';
import { channelSecret, channelUrl, readChannel, timeoutSchema } from './channel-settings.ts';
import { secretRefSchema } from './http-access.ts';
import { noticeOf } from './notice.ts';
import type { Notification } from './notification.ts';
import type { NotifierDeps, NotifierKind } from './notifier-deps.ts';
import type { DeliveryResult } from './ports.ts';
import { type SlackAnswer, type SlackCall, slackCall } from './slack-api.ts';
import { callsForDecision, type SlackBlock, slackBlocks, slackButtons, slackFallback } from './slack-blocks.ts';
import { createTurns } from './turns.ts';

const settingsSchema = z.strictObject({
  token: secretRefSchema,
  /** Id of the channel, or its name. */
  channel: z.string().min(1).max(100),
  apiUrl: z.string().default('https://slack.com/api'),
  /** Whether messages that call for a decision carry buttons. */
  buttons: z.boolean().default(true),
  timeout: timeoutSchema,
});

/** Ids of messages that are remembered as sent, per thread. */
const MOST_SENT = 50;
/** The thread of an attempt of a rollout: its first message, the version of the event it shows, and what was sent to it. */
const threadSchema = z.object({
  channel: z.string(),
  ts: z.string(),
  version: z.number(),
  sent: z.array(z.string()).max(MOST_SENT),
});
type Thread = z.output<typeof threadSchema>;

type Way = Pick<NotifierDeps, 'memory' | 'publicUrl'> & {
  readonly call: SlackCall;
  readonly channel: string;
  readonly hasButtons: boolean;
};

/**
 * A bot of Slack. Messages of one attempt of a rollout are one thread, whose first message always shows how it stands now;
 * pages and what needs a decision are shown in the channel too. Slack has no idempotency key: a message that is known to be
 * sent is not sent again, but one whose answer was lost may be.
 */
export const SLACK: NotifierKind = {
  open(given, deps) {
    const settings = readChannel(settingsSchema, given, deps);
    const token = channelSecret('token', settings.token, deps);
    const url = channelUrl('apiUrl', settings.apiUrl, deps);
    const door = openChannelDoor(deps, { timeoutMs: settings.timeout, secrets: [token] });
    const call = slackCall(door, { url, token }, deps.now);
    const way: Way = {
      call,
      channel: settings.channel,
      hasButtons: settings.buttons,
      memory: deps.memory,
      ...(deps.publicUrl !== undefined && { publicUrl: deps.publicUrl }),
    };
    // Two at once would begin two threads.
    const inTurn = createTurns();
    return {
      name: deps.name,
      deliver: (message, signal) =>
        message.rollout === ''
          ? postAlone(message, way, signal)
          : inTurn(message.group, () => postInThread(message, way, signal)),
    };
  },
};

/** What is about no single rollout has no thread. */
async function postAlone(message: Notification, way: Way, signal: AbortSignal): Promise<DeliveryResult> {
  const { failed } = await way.call('chat.postMessage', { channel: way.channel, ...contentOf(message, way) }, signal);
  return failed ?? { kind: 'delivered' };
}

async function postInThread(message: Notification, way: Way, signal: AbortSignal): Promise<DeliveryResult> {
  const known = await recall(message, way);
  if (known?.sent.includes(message.id)) return { kind: 'delivered' };
  const begun = known ?? (await beginThread(message, way, signal));
  if ('failed' in begun) return begun.failed;
  const answer = await reply(message, begun, way, signal);
  if (answer.failed === undefined) return finish(message, begun, way, signal);
  if (known === undefined || !isThreadGone(answer)) return answer.failed;
  // Someone deleted it: the next one takes its place.
  const next = await beginThread(message, way, signal);
  if ('failed' in next) return next.failed;
  const again = await reply(message, next, way, signal);
  return again.failed ?? finish(message, next, way, signal);
}

type Begun = Thread | Extract<SlackAnswer, { failed: object }>;

/** The first message of a thread. It is remembered before anything else is sent, so that there is no second one. */
async function beginThread(message: Notification, way: Way, signal: AbortSignal): Promise<Begun> {
  const answer = await way.call('chat.postMessage', { channel: way.channel, ...headOf(message, way) }, signal);
  if (answer.failed !== undefined) return answer;
  const thread = { channel: answer.channel, ts: answer.ts, version: message.version, sent: [] };
  await remember(message, thread, way);
  return thread;
}

function reply(message: Notification, { channel, ts }: Thread, way: Way, signal: AbortSignal): Promise<SlackAnswer> {
  const isLoud = message.severity === 'page' || callsForDecision(message);
  const json = { channel, thread_ts: ts, ...(isLoud && { reply_broadcast: true }), ...contentOf(message, way) };
  return way.call('chat.postMessage', json, signal);
}

/** The message is sent; that the head of the thread shows it too is worth one try. */
async function finish(message: Notification, thread: Thread, way: Way, signal: AbortSignal): Promise<DeliveryResult> {
  const { channel, ts, version } = thread;
  const next = {
    ...thread,
    version: Math.max(version, message.version),
    sent: [...thread.sent, message.id].slice(-MOST_SENT),
  };
  await remember(message, next, way);
  if (message.version > version) await way.call('chat.update', { channel, ts, ...headOf(message, way) }, signal);
  return { kind: 'delivered' };
}

function isThreadGone({ word }: Extract<SlackAnswer, { failed: object }>): boolean {
  return word === 'thread_not_found' || word === 'message_not_found';
}

/** What is remembered is a convenience: without it there is a new thread, and no error. */
async function recall({ group }: Notification, { memory }: Way): Promise<Thread | undefined> {
  const read = threadSchema.safeParse(await memory.get(group).catch(() => undefined));
  return read.success ? read.data : undefined;
}

async function remember({ group }: Notification, thread: Thread, { memory }: Way): Promise<void> {
  await memory.put(group, thread).catch(() => undefined);
}

type Content = { readonly text: string; readonly blocks: readonly SlackBlock[]; readonly unfurl_links: false };

function contentOf(message: Notification, { publicUrl, hasButtons }: Way): Content {
  const notice = noticeOf(message, publicUrl);
  const buttons = hasButtons ? slackButtons(message) : [];
  return { text: slackFallback(notice), blocks: [...slackBlocks(notice), ...buttons], unfurl_links: false };
}

/** The head of a thread: how the attempt stands, without the details, which are in the thread. */
function headOf(message: Notification, { publicUrl }: Way): Content {
  const notice = noticeOf(message, publicUrl);
  const facts = notice.facts.filter(({ name }) => name === 'Stage' || name === 'Incident');
  return { text: slackFallback(notice), blocks: slackBlocks({ ...notice, facts }), unfurl_links: false };
}

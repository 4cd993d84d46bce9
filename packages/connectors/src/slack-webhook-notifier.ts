import { z } from 'zod';
import { openChannelDoor } from './channel-post.ts';
import { channelSecret, channelUrl, readChannel, timeoutSchema } from './channel-settings.ts';
import { deliveryOf } from './delivery-answer.ts';
import type { PostAnswer } from './guarded-post.ts';
import { secretRefSchema } from './http-access.ts';
import { noticeOf } from './notice.ts';
import type { NotifierKind } from './notifier-deps.ts';
import type { DeliveryResult } from './ports.ts';
import { slackBlocks, slackFallback } from './slack-blocks.ts';

const settingsSchema = z.strictObject({ url: secretRefSchema, timeout: timeoutSchema });

/**
 * An incoming webhook of Slack (or of what speaks like it): one way, so it has no threads, no buttons, and a repetition cannot
 * be told from a new message. The URL is the secret.
 */
export const SLACK_WEBHOOK: NotifierKind = {
  open(given, deps) {
    const settings = readChannel(settingsSchema, given, deps);
    const secret = channelSecret('url', settings.url, deps);
    const url = channelUrl('url', secret, deps);
    const door = openChannelDoor(deps, { timeoutMs: settings.timeout, secrets: [secret, url] });
    const read = (answer: PostAnswer) => meaningOf(answer, deps.now());
    return {
      name: deps.name,
      deliver: (message, signal) => {
        const notice = noticeOf(message, deps.publicUrl);
        const json = { text: slackFallback(notice), blocks: slackBlocks(notice), unfurl_links: false };
        return door.deliver({ url, json }, signal, read);
      },
    };
  },
};

/** Slack says what is wrong by one word of text; only such a word is repeated. */
function meaningOf(answer: PostAnswer, now: number): DeliveryResult | undefined {
  const { status, text } = answer;
  if (status >= 200 && status < 300) {
    if (text.trim() === 'ok') return { kind: 'delivered' };
    return { kind: 'retry', why: `it answered ${status} without "ok", so it is not Slack that answers there` };
  }
  const [word] = /^[a-z_]{1,60}$/.exec(text.trim()) ?? [];
  if (word === undefined) return undefined;
  const result = deliveryOf(answer, now);
  return result.kind === 'delivered' ? result : { ...result, why: `${result.why} (${word})` };
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type ChannelDoor, type ChannelPost, jsonAnswer, openChannelDoor } from './channel-post.ts';
import { channelSecret, channelUrl, readChannel, timeoutSchema } from './channel-settings.ts';
import type { PostAnswer } from './guarded-post.ts';
import { secretRefSchema } from './http-access.ts';
import { type Matter, matterKey } from './matter.ts';
import { clipped, noticeOf } from './notice.ts';
import type { Notification, Severity } from './notification.ts';
import type { NotifierKind } from './notifier-deps.ts';
import { deliverToPager } from './pager-delivery.ts';
import type { DeliveryResult } from './ports.ts';
import { createTurns } from './turns.ts';

const settingsSchema = z.strictObject({
  apiKey: secretRefSchema,
  url: z.string().default('https://api.atlassian.com/jsm/ops/integration/v2'),
  tags: z.array(z.string().min(1).max(50)).max(15).default([]),
  /** From which severity on an alert is opened. */
  trigger: z.enum(['page', 'warn']).default('page'),
  timeout: timeoutSchema,
});

const PRIORITIES: Readonly<Record<Severity, string>> = { page: 'P1', warn: 'P3', info: 'P5' };
const LONGEST_MESSAGE = 130;
const LONGEST_ALIAS = 512;
const LONGEST_DESCRIPTION = 10_000;
const SOURCE = 'Rampart';

/** Alerts of Jira Service Management, by its integration events API (as of Opsgenie): the alias is the key of the matter. */
export const JSM: NotifierKind = {
  open(given, deps) {
    const settings = readChannel(settingsSchema, given, deps);
    const key = channelSecret('apiKey', settings.apiKey, deps);
    const url = `${channelUrl('url', settings.url, deps)}/alerts`;
    const headers = { authorization: `GenieKey ${key}` };
    const door = openChannelDoor(deps, { timeoutMs: settings.timeout, secrets: [key] });
    // What is open is read, changed and written.
    const inTurn = createTurns();
    const deliver = (message: Notification, signal: AbortSignal) =>
      deliverToPager(message, {
        trigger: settings.trigger,
        opening: (one, matter) => ({ url, headers, json: alertOf(one, matter, settings.tags, deps.publicUrl) }),
        closing: (matter) => ({ ...closing(url, matter), headers }),
        send: (post) => door.deliver(post, signal, (answer) => meaningOf(answer, door)),
        memory: deps.memory,
      });
    return { name: deps.name, deliver: (message, signal) => inTurn(message.group, () => deliver(message, signal)) };
  },
};

function alertOf(message: Notification, matter: Matter, tags: readonly string[], publicUrl: string | undefined) {
  const { title, lines, facts, links } = noticeOf(message, publicUrl);
  const description = [...lines, ...links.map((link) => `${link.title}: ${link.url}`)].join('\n');
  return {
    message: clipped(title, LONGEST_MESSAGE),
    alias: aliasOf(matter),
    description: clipped(description, LONGEST_DESCRIPTION),
    priority: PRIORITIES[message.severity],
    tags,
    details: Object.fromEntries(facts.map(({ name, value }) => [name, value])),
    entity: message.flag,
    source: SOURCE,
  };
}

function closing(url: string, matter: Matter): ChannelPost {
  return {
    url: `${url}/${encodeURIComponent(aliasOf(matter))}/close?identifierType=alias`,
    json: { source: SOURCE },
  };
}

function aliasOf(matter: Matter): string {
  const key = matterKey(matter);
  return key.length <= LONGEST_ALIAS ? key : createHash('sha256').update(key).digest('hex');
}

const refusalSchema = z.looseObject({ message: z.string() });

/** 202: it will be processed. A refusal says why in `message`, and may repeat what it was sent. */
function meaningOf(answer: PostAnswer, { shown }: ChannelDoor): DeliveryResult | undefined {
  const { status } = answer;
  if (status === 202) return { kind: 'delivered' };
  if (status >= 200 && status < 300)
    return { kind: 'retry', why: `it answered ${status} and not 202, so it is not Jira that answers there` };
  if (status < 400 || status > 422 || status === 408 || status === 410) return undefined;
  const read = refusalSchema.safeParse(jsonAnswer(answer));
  return { kind: 'refused', why: `it answered ${status}${read.success ? `: ${shown(read.data.message)}` : ''}` };
}

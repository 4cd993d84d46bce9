import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type ChannelDoor, type ChannelPost, jsonAnswer, openChannelDoor } from './channel-post.ts';
import { channelSecret, channelUrl, readChannel, timeoutSchema } from './channel-settings.ts';
import { ConnectorError } from './connector-error.ts';
import type { PostAnswer } from './guarded-post.ts';
import { secretRefSchema } from './http-access.ts';
import { isNews, type Matter, matterKey } from './matter.ts';
import { clipped, noticeOf } from './notice.ts';
import type { Notification, Severity } from './notification.ts';
import type { NotifierDeps, NotifierKind } from './notifier-deps.ts';
import { deliverToPager } from './pager-delivery.ts';
import type { DeliveryResult } from './ports.ts';
import { createTurns } from './turns.ts';

const REGIONS = { us: 'https://events.pagerduty.com', eu: 'https://events.eu.pagerduty.com' } as const;

const settingsSchema = z.strictObject({
  routingKey: secretRefSchema,
  region: z.enum(['us', 'eu']).default('us'),
  /** Instead of the address of the region. */
  url: z.string().optional(),
  /** From which severity on an alert is triggered. */
  trigger: z.enum(['page', 'warn']).default('page'),
  timeout: timeoutSchema,
});

const SEVERITIES: Readonly<Record<Severity, string>> = { page: 'critical', warn: 'warning', info: 'info' };
const LONGEST_SUMMARY = 1024;
const LONGEST_KEY = 255;

type Way = Pick<NotifierDeps, 'memory' | 'publicUrl'> & {
  readonly door: ChannelDoor;
  readonly url: string;
  readonly routingKey: string;
  readonly trigger: 'page' | 'warn';
};

/**
 * Events API v2 of PagerDuty: triggers an alert for a matter that pages, resolves it when the matter is over, and puts stages on
 * the timeline as change events. The dedup key of an abort is `rollout/<id>/<attempt>`, so repetitions join.
 */
export const PAGERDUTY: NotifierKind = {
  open(given, deps) {
    const settings = readChannel(settingsSchema, given, deps);
    const routingKey = channelSecret('routingKey', settings.routingKey, deps);
    if (!/^\w{32}$/.test(routingKey)) {
      const what = `notify.channels.${deps.name}.routingKey: ${settings.routingKey.secretRef} holds no integration key of PagerDuty (32 letters and digits; value withheld)`;
      throw new ConnectorError('SECRET_INVALID', what);
    }
    const way: Way = {
      door: openChannelDoor(deps, { timeoutMs: settings.timeout, secrets: [routingKey] }),
      url: channelUrl('url', settings.url ?? REGIONS[settings.region], deps),
      routingKey,
      trigger: settings.trigger,
      memory: deps.memory,
      ...(deps.publicUrl !== undefined && { publicUrl: deps.publicUrl }),
    };
    // What is open is read, changed and written.
    const inTurn = createTurns();
    return {
      name: deps.name,
      deliver: (message, signal) => inTurn(message.group, () => deliver(message, way, signal)),
    };
  },
};

function deliver(message: Notification, way: Way, signal: AbortSignal): Promise<DeliveryResult> {
  return deliverToPager(message, {
    trigger: way.trigger,
    opening: (one, matter) => triggering(one, matter, way),
    closing: (matter) => resolving(matter, way),
    news: (one) => (isNews(one) ? changing(one, way) : undefined),
    send: (post) => way.door.deliver(post, signal, (answer) => meaningOf(answer, way.door)),
    memory: way.memory,
  });
}

function triggering(message: Notification, matter: Matter, way: Way): ChannelPost {
  const notice = noticeOf(message, way.publicUrl);
  const facts = Object.fromEntries(notice.facts.map(({ name, value }) => [name, value]));
  return enqueue(way, {
    event_action: 'trigger',
    dedup_key: keyOf(matter),
    payload: {
      summary: clipped(notice.summary, LONGEST_SUMMARY),
      source: `rampart ${message.environment}`,
      severity: SEVERITIES[message.severity],
      timestamp: new Date(message.at).toISOString(),
      component: message.flag,
      group: message.group,
      class: message.type,
      custom_details: { ...facts, id: message.id },
    },
    links: notice.links.map(({ title, url }) => ({ href: url, text: title })),
    client: 'Rampart',
    ...(way.publicUrl !== undefined && { client_url: notice.links[0]?.url ?? way.publicUrl }),
  });
}

/** A resolve without an open alert is dropped by PagerDuty. */
function resolving(matter: Matter, way: Way): ChannelPost {
  return enqueue(way, { event_action: 'resolve', dedup_key: keyOf(matter) });
}

function enqueue({ url, routingKey }: Way, event: Readonly<Record<string, unknown>>): ChannelPost {
  return { url: `${url}/v2/enqueue`, json: { routing_key: routingKey, ...event } };
}

function changing(message: Notification, { url, routingKey, publicUrl }: Way): ChannelPost {
  const notice = noticeOf(message, publicUrl);
  return {
    url: `${url}/v2/change/enqueue`,
    json: {
      routing_key: routingKey,
      payload: {
        summary: clipped(notice.summary, LONGEST_SUMMARY),
        source: `rampart ${message.environment}`,
        timestamp: new Date(message.at).toISOString(),
        custom_details: Object.fromEntries(notice.facts.map(({ name, value }) => [name, value])),
      },
      links: notice.links.map(({ title, url: href }) => ({ href, text: title })),
    },
  };
}

function keyOf(matter: Matter): string {
  const key = matterKey(matter);
  return key.length <= LONGEST_KEY ? key : createHash('sha256').update(key).digest('hex');
}

const refusalSchema = z.looseObject({ message: z.string().optional(), errors: z.array(z.string()).optional() });

/** PagerDuty takes an event with 202; 400 says what is wrong with it, and may repeat what it was sent. */
function meaningOf(answer: PostAnswer, { shown }: ChannelDoor): DeliveryResult | undefined {
  const { status } = answer;
  if (status === 202) return { kind: 'delivered' };
  if (status >= 200 && status < 300)
    return { kind: 'retry', why: `it answered ${status} and not 202, so it is not PagerDuty that answers there` };
  if (status !== 400) return undefined;
  const read = refusalSchema.safeParse(jsonAnswer(answer));
  const said = read.success ? [read.data.message, ...(read.data.errors ?? [])].filter(Boolean).join('; ') : '';
  return { kind: 'refused', why: said === '' ? 'it answered 400' : `it answered 400: ${shown(said)}` };
}

import { z } from 'zod';
import { openChannelDoor } from './channel-post.ts';
import { channelSecret, channelUrl, readChannel, timeoutSchema } from './channel-settings.ts';
import type { PostAnswer } from './guarded-post.ts';
import { authorizationOf, httpAccessSchema } from './http-access.ts';
import { attemptOf, type Matter, matterChangeOf, TOPIC_SEVERITY } from './matter.ts';
import { noticeOf } from './notice.ts';
import type { Notification } from './notification.ts';
import type { NotifierKind } from './notifier-deps.ts';
import { endedMatters, noteMatters } from './open-matters.ts';
import type { DeliveryResult } from './ports.ts';
import { createTurns } from './turns.ts';

const DAY_MS = 86_400_000;
/** How long an alert fires when nothing ends it: Rampart tells it once. */
const LONGEST_FIRING_MS = 30 * DAY_MS;
/** How long a matter without an end is shown: a test. */
const TEST_FIRING_MS = 60_000;

const settingsSchema = z.strictObject({
  url: z.string().min(1),
  auth: httpAccessSchema.shape.auth,
  /** Added to every alert, for the routes of Alertmanager. */
  labels: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string().min(1).max(200)).default({}),
  timeout: timeoutSchema,
});

/**
 * Prometheus Alertmanager, API v2: a matter that opens is an alert that fires, one that is over ends it, by the same labels.
 * What is no matter is not sent: an alert without an end would be noise.
 */
export const ALERTMANAGER: NotifierKind = {
  open(given, deps) {
    const settings = readChannel(settingsSchema, given, deps);
    const secrets: string[] = [];
    const authorization = authorizationOf(settings.auth, (ref) => {
      const value = channelSecret('auth', ref, deps);
      secrets.push(value);
      return value;
    });
    if (authorization !== undefined) secrets.push(authorization.replace(/^\w+ /, ''));
    const url = `${channelUrl('url', settings.url, deps)}/api/v2/alerts`;
    const headers = { ...(authorization !== undefined && { authorization }) };
    const door = openChannelDoor(deps, { timeoutMs: settings.timeout, secrets });
    const deliver = async (message: Notification, signal: AbortSignal): Promise<DeliveryResult> => {
      const { opens, closes, sweeps } = matterChangeOf(message);
      const ended = await endedMatters(closes, sweeps, deps.memory);
      const json = [
        ...(opens === undefined ? [] : [firing(message, opens, settings.labels, deps.publicUrl)]),
        ...ended.map((matter) => resolved(message, matter, settings.labels)),
      ];
      if (json.length === 0) return { kind: 'delivered' };
      const result = await door.deliver({ url, headers, json }, signal, (answer) => meaningOf(answer, door.shown));
      if (result.kind === 'delivered') await noteMatters(opens, ended, deps.memory);
      return result;
    };
    const inTurn = createTurns();
    return {
      name: deps.name,
      // What is open is read, changed and written.
      deliver: (message, signal) => inTurn(message.group, () => deliver(message, signal)),
    };
  },
};

type Labels = Readonly<Record<string, string>>;

function firing(message: Notification, matter: Matter, more: Labels, publicUrl: string | undefined) {
  const { summary, lines, links, title } = noticeOf(message, publicUrl);
  const lastsMs = matter.topic === 'test' ? TEST_FIRING_MS : LONGEST_FIRING_MS;
  const [link] = links;
  return {
    labels: labelsOf(message, matter, more),
    annotations: {
      title,
      summary,
      ...(lines.length > 1 && { description: lines.join('\n') }),
      ...(link && { runbook_url: link.url }),
    },
    startsAt: new Date(message.at).toISOString(),
    endsAt: new Date(message.at + lastsMs).toISOString(),
    ...(link && { generatorURL: link.url }),
  };
}

/** Without `startsAt`, which may be unknown: Alertmanager keeps the one it has. */
function resolved(message: Notification, matter: Matter, more: Labels) {
  return { labels: labelsOf(message, matter, more), endsAt: new Date(message.at).toISOString() };
}

/** Whose alert it is: the same when it begins and when it ends, so nothing of the message that changes in between. */
function labelsOf({ rollout, flag, environment }: Notification, matter: Matter, more: Labels): Labels {
  const { topic, about, group } = matter;
  const attempt = attemptOf(matter);
  const labels = {
    ...more,
    alertname: `Rampart${topic.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    severity: SEVERITIES[TOPIC_SEVERITY[topic]],
    environment,
    rollout: rollout === '' ? group : rollout,
    flag,
    attempt: attempt === undefined ? '' : String(attempt),
    about: about ?? '',
  };
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

const SEVERITIES = { page: 'critical', warn: 'warning', info: 'info' } as const;

/** 200 with an empty body; 400 says what is wrong as JSON, or as a string of JSON. */
function meaningOf({ status, text, headers }: PostAnswer, shown: (text: string) => string): DeliveryResult | undefined {
  if (status === 200 && headers['content-type']?.startsWith('text/html') === true)
    return { kind: 'retry', why: 'it answered 200 with a page, so it is not Alertmanager that answers there' };
  return status === 400 ? { kind: 'refused', why: `it answered 400: ${shown(text)}` } : undefined;
}

import type { Notification, ServerRoute } from '@rampart/connectors';
import { type Calendar, calendarOpen, type NotifyRoute, type Plan } from '@rampart/rollout';
import { type Channels, MACHINE_PACE } from './channels.ts';
import { routedTo } from './notify-routes.ts';
import { type Destination, PRIORITIES } from './outbox.ts';
import type { Addressing } from './rollout-commit.ts';
import type { OutboxMessage } from './store/store.ts';
import type { Webhooks } from './webhooks.ts';

const CHANNEL = 'channel:';
const WEBHOOK = 'webhook:';

/** Someone who can be written to. */
export type Addressee = {
  /** As the outbox knows it. */
  readonly destination: string;
  readonly name: string;
  readonly kind: string;
};

/** Everyone a server can write to: channels of the file of settings, and webhooks set by an admin. */
export type AddressBook = {
  readonly all: () => readonly Addressee[];
  readonly addressing: Addressing;
  /** Who stands behind a destination of the outbox; `undefined` when it is no more. */
  readonly destinationOf: (destination: string) => Destination | undefined;
  /** Names of those who are told of an abort, of any rollout here or of one with this plan. */
  readonly toldOfAbort: (environment: string, plan?: Plan) => readonly string[];
};

type Receiver = Pick<Addressee, 'destination' | 'name'> & {
  /** Until when messages are gathered, to go as one. Absent: it goes at once. */
  readonly gatheredUntil?: number;
};

/** The address book of a server. */
export function createAddressBook(channels: Channels, webhooks: Webhooks): AddressBook {
  const receiversOf = (notification: Notification, plan?: Plan): readonly Receiver[] => [
    ...webhooks.wanting(notification.type).map((name) => ({ name, destination: WEBHOOK + name })),
    ...channelsFor(notification, plan, channels),
  ];
  return {
    all: () => [
      ...channels.all.map(({ name, kind }) => ({ destination: CHANNEL + name, name, kind })),
      ...webhooks.list().map(({ name }) => ({ destination: WEBHOOK + name, name, kind: 'admin-webhook' })),
    ],
    addressing: (notification, plan) =>
      receiversOf(notification, plan).map((receiver) => messageTo(receiver, notification)),
    destinationOf(destination) {
      if (destination.startsWith(CHANNEL)) return channels.get(destination.slice(CHANNEL.length));
      if (!destination.startsWith(WEBHOOK)) return undefined;
      const notifier = webhooks.notifierOf(destination.slice(WEBHOOK.length));
      return notifier && { notifier, pace: MACHINE_PACE };
    },
    toldOfAbort: (environment, plan) => receiversOf(abortIn(environment), plan).map(({ name }) => name),
  };
}

function channelsFor(notification: Notification, plan: Plan | undefined, channels: Channels): readonly Receiver[] {
  const routes = [...scaled(channels.routes, plan), ...planRoutes(plan)];
  const keepsOpen = (name: string) => channels.get(name)?.keepsOpen === true;
  return routedTo(notification, routes, keepsOpen).map(({ channel: name, digestMs = 0 }) => {
    const isForPeople = channels.get(name)?.pace.joins === true;
    const gatheredUntil = isForPeople ? gatheringOf(notification, digestMs, channels.stakeholderHours) : undefined;
    return { name, destination: CHANNEL + name, ...(gatheredUntil !== undefined && { gatheredUntil }) };
  });
}

/** When a message that is gathered goes: at the end of its window, and not outside the hours of stakeholders. */
function gatheringOf(
  { at, severity, audience }: Notification,
  digestMs: number,
  hours: Calendar | undefined,
): number | undefined {
  // All messages of one window fall due together, whichever came first.
  const windowEnd = digestMs > 0 ? (Math.floor(at / digestMs) + 1) * digestMs : undefined;
  const isQuiet = severity !== 'page' && audience.every((one) => one === 'stakeholders');
  if (!isQuiet || hours === undefined) return windowEnd;
  return calendarOpen(hours, windowEnd ?? at).reopensAt ?? windowEnd;
}

function messageTo({ destination, gatheredUntil }: Receiver, notification: Notification): OutboxMessage {
  const { id, type, at, severity, group } = notification;
  const isGathered = gatheredUntil !== undefined;
  return {
    key: `${id}/${destination}`,
    destination,
    kind: type,
    body: notification,
    dueAt: gatheredUntil ?? at,
    priority: isGathered ? PRIORITIES.digest : PRIORITIES[severity],
    group,
  };
}

/** Routes of the plan; what older plans carry under `notify` names no channel and is left out. */
export function planRoutes(plan: Plan | undefined): readonly NotifyRoute[] {
  const routes: readonly (Partial<NotifyRoute> | null)[] = plan?.notify ?? [];
  return routes.filter((route): route is NotifyRoute => typeof route?.channel === 'string');
}

/** A demo that runs a day in a minute has digests to match. */
function scaled(routes: readonly ServerRoute[], plan: Plan | undefined): readonly ServerRoute[] {
  const factor = plan?.timeScale ?? 1;
  return routes.map(({ digestMs, ...route }) => ({
    ...route,
    ...(digestMs !== undefined && { digestMs: Math.max(1, Math.round(digestMs * factor)) }),
  }));
}

/** An abort of nobody's rollout, to ask who would be told. */
function abortIn(environment: string): Notification {
  return {
    id: '',
    type: 'rollout.aborted',
    at: 0,
    severity: 'page',
    audience: ['on-call', 'stakeholders'],
    group: '',
    rollout: '',
    flag: '',
    environment,
    version: 0,
    by: 'rampart',
    text: '',
    data: {},
  };
}

import {
  type ChannelSettings,
  ConnectorError,
  NOTIFIER_KINDS,
  type Notifier,
  type NotifierDeps,
  type NotifierKind,
  type NotifierMemory,
  type NotifySettings,
  readNotifySettings,
  unknownChannel,
} from '@rampart/connectors';
import type { Pace } from './delivery-lane.ts';
import { settingsInvalid } from './server-settings.ts';
import type { Store } from './store/store.ts';

/** A way to reach people or systems, as the file of settings has it. */
export type Channel = {
  readonly name: string;
  readonly kind: string;
  readonly notifier: Notifier;
  readonly pace: Pace;
  /** Whether it keeps open what it was told until it is told that it is over. */
  readonly keepsOpen: boolean;
};

/** The channels of a server and who is told what by them. */
export type Channels = Omit<NotifySettings, 'channels'> & {
  readonly all: readonly Channel[];
  readonly get: (name: string) => Channel | undefined;
};

/**
 * How kinds like to be written to. Slack takes a message a second and channel. PagerDuty takes 120 a minute and key: 60 at
 * once and one a second after that stay below it, and a storm of aborts pages at once.
 */
const PACES: Readonly<Record<string, Pace>> = {
  slack: { perSecond: 1, burst: 1, joins: true },
  'slack-webhook': { perSecond: 1, burst: 1, joins: true },
  teams: { perSecond: 1, burst: 4, joins: true },
  email: { perSecond: 2, burst: 10, joins: true },
  apprise: { perSecond: 2, burst: 10, joins: true },
  pagerduty: { perSecond: 1, burst: 60 },
  jsm: { perSecond: 1, burst: 60 },
  alertmanager: { perSecond: 20, burst: 100 },
};
/** Of a system that makes no rule. */
export const MACHINE_PACE: Pace = { perSecond: 50, burst: 100 };
/** Kinds that open alerts and close them. */
const KEEP_OPEN: readonly string[] = ['pagerduty', 'jsm', 'alertmanager'];
const MEMORY_KIND = 'notifier-memory';

/** What channels are opened with, beside what each gets of its own. */
export type ChannelDeps = Pick<NotifierDeps, 'secretOf' | 'policy' | 'publicUrl' | 'now'> & { readonly store: Store };

/**
 * Channels as the file of settings has them; nothing is connected to. @throws ServerError `SETTINGS_INVALID`, which names
 * the place and repeats no secret
 */
export function openChannels(
  given: unknown,
  deps: ChannelDeps,
  kinds: Readonly<Record<string, NotifierKind>> = NOTIFIER_KINDS,
): Channels {
  try {
    const { channels, ...rest } = readNotifySettings(given);
    const all = Object.entries(channels).map(([name, one]) => openOne(name, one, deps, kinds));
    const get = (name: string) => all.find((channel) => channel.name === name);
    refuseDigestsOfMachines(rest.routes, get);
    return { ...rest, all, get };
  } catch (error) {
    if (error instanceof ConnectorError) throw settingsInvalid(error.message, error);
    throw error;
  }
}

function openOne(
  name: string,
  { kind, settings, perMinute, joins }: ChannelSettings,
  { store, ...deps }: ChannelDeps,
  kinds: Readonly<Record<string, NotifierKind>>,
): Channel {
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (known === undefined) {
    const message = `notify.channels.${name}.kind: received ${JSON.stringify(kind)}; write one of: ${Object.keys(kinds).join(', ')}`;
    throw new ConnectorError('CHANNEL_INVALID', message);
  }
  const notifier = known.open(settings, { ...deps, name, memory: memoryOf(store, name) });
  const pace = paceOf(PACES[kind] ?? MACHINE_PACE, perMinute);
  const keepsOpen = KEEP_OPEN.includes(kind);
  return { name, kind, notifier, keepsOpen, pace: joins === undefined ? pace : { ...pace, joins } };
}

/** No more than `perMinute` in any minute: half of them at once, the rest as time passes. */
function paceOf(pace: Pace, perMinute: number | undefined): Pace {
  if (perMinute === undefined) return pace;
  const burst = Math.max(1, Math.floor(perMinute / 2));
  return { ...pace, burst, perSecond: Math.max(perMinute - burst, perMinute / 2) / 60 };
}

/** Joined messages lose what a system reads in each of them: a pager would never hear that an alert is over. */
function refuseDigestsOfMachines(routes: NotifySettings['routes'], get: Channels['get']): void {
  for (const [index, { channel, digestMs }] of routes.entries()) {
    if (digestMs === undefined || get(channel)?.pace.joins === true) continue;
    throw new ConnectorError('CHANNEL_INVALID', `notify.routes.${index}.digest: ${digestProblem(channel)}`);
  }
}

/** What is wrong with a digest for a channel that a system reads. */
export function digestProblem(channel: string): string {
  return `${channel} is sent each message by itself, for a system reads them; leave digest out, or set joins: true in the channel if people read it`;
}

/** What a notifier remembers, in documents of the store. */
function memoryOf(store: Store, channel: string): NotifierMemory {
  const keyOf = (key: string) => `${channel}/${key}`;
  return {
    get: async (key) => (await store.getDocument(MEMORY_KIND, keyOf(key)))?.value,
    async put(key, value) {
      await store.putDocuments({ documents: [{ kind: MEMORY_KIND, key: keyOf(key), value }] });
    },
  };
}

/** What is wrong with a channel that a plan names; `undefined` for one that is set up. */
export function channelProblem(name: string, channels: Pick<Channels, 'all'>): string | undefined {
  const known = Object.fromEntries(channels.all.map((channel) => [channel.name, channel]));
  if (Object.hasOwn(known, name)) return undefined;
  return `${unknownChannel(name, known)}; use one of them, or set it up (notify in rampart serve --settings FILE)`;
}

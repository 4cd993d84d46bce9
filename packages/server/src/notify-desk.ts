import { randomUUID } from 'node:crypto';
import { type NotifyTest, type NotifyTestResult, type NotifyView, ProblemError } from '@rampart/api';
import type { Notification, Severity } from '@rampart/connectors';
import { type AddressBook, type Addressee, planRoutes } from './address-book.ts';
import type { Channels } from './channels.ts';
import type { Clock } from './clock.ts';
import { messageOf } from './log.ts';
import type { Dispatcher } from './outbox.ts';
import type { RolloutTable } from './rollout-table.ts';
import type { Store } from './store/store.ts';

/** How long a receiver may take over a test message, milliseconds. */
const TEST_TIMEOUT_MS = 45_000;

/** Who is told what, for people who set it up. */
export type NotifyDesk = {
  /** With a rollout, the routes of its plan count as well. @throws ProblemError `ROLLOUT_UNKNOWN` */
  readonly view: (rollout?: string) => Promise<NotifyView>;
  /** Sends test messages now, past the outbox. @throws ProblemError `NOT_FOUND` */
  readonly test: (test: NotifyTest, by: string) => Promise<NotifyTestResult>;
};

/** What a desk works with. */
export type NotifyDeskParts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly environment: string;
  readonly table: Pick<RolloutTable, 'get'>;
  readonly channels: Channels;
  readonly book: AddressBook;
  readonly dispatcher: Pick<Dispatcher, 'statusOf'>;
};

/** The desk of one server. */
export function createNotifyDesk(parts: NotifyDeskParts): NotifyDesk {
  const { store, environment, table, channels, book } = parts;
  return {
    async view(rollout) {
      const plan = rollout === undefined ? undefined : table.get(rollout)?.state.plan;
      if (rollout !== undefined && plan === undefined)
        throw new ProblemError('ROLLOUT_UNKNOWN', `There is no rollout ${JSON.stringify(rollout)}.`);
      const counts = await store.countOutbox();
      return {
        channels: book.all().map((one) => channelView(one, counts, parts)),
        routes: [
          ...channels.routes.map((route) => ({ ...route, of: 'server' as const })),
          ...planRoutes(plan).map((route) => ({ ...route, of: 'plan' as const })),
        ].map(asJson),
        toldOfAbort: [...book.toldOfAbort(environment, plan)],
      };
    },
    async test({ channel, severity = 'info' }, by) {
      const asked = book.all().filter(({ name }) => channel === undefined || name === channel);
      if (asked.length === 0) throw new ProblemError('NOT_FOUND', nobodyToTest(channel, book));
      return { results: await Promise.all(asked.map((one) => sendTest(one, severity, by, parts))) };
    },
  };
}

type Counts = Awaited<ReturnType<Store['countOutbox']>>;

function channelView({ destination, name, kind }: Addressee, counts: Counts, { dispatcher }: NotifyDeskParts) {
  const { pending = 0, dead = 0, oldestDueAt } = counts.find((one) => one.destination === destination) ?? {};
  const { failures = 0, ...status } = dispatcher.statusOf(destination) ?? {};
  return { name, kind, pending, dead, failures, ...(oldestDueAt !== undefined && { oldestDueAt }), ...status };
}

/** Lists of JSON are not readonly in the type of the answer. */
function asJson({ events, severity, audience, environments, ...route }: RouteOf): NotifyView['routes'][number] {
  return {
    ...route,
    ...(events && { events: [...events] }),
    ...(severity && { severity: [...severity] }),
    ...(audience && { audience: [...audience] }),
    ...(environments && { environments: [...environments] }),
  };
}
type RouteOf = Channels['routes'][number] & { readonly of: 'server' | 'plan' };

function nobodyToTest(channel: string | undefined, book: AddressBook): string {
  const known = book
    .all()
    .map(({ name }) => name)
    .join(', ');
  return channel === undefined
    ? 'This server has no channel; set one up under notify in the file of rampart serve --settings FILE.'
    : `There is no channel ${JSON.stringify(channel)}; known: ${known || 'none'}.`;
}

async function sendTest(
  { destination, name }: Addressee,
  severity: Severity,
  by: string,
  { clock, environment, book }: NotifyDeskParts,
): Promise<NotifyTestResult['results'][number]> {
  const message = testMessage({ at: clock.now(), severity, by, environment });
  try {
    const found = book.destinationOf(destination);
    const result = await found?.notifier.deliver(message, AbortSignal.timeout(TEST_TIMEOUT_MS));
    const isDelivered = result?.kind === 'delivered';
    return { channel: name, delivered: isDelivered, answer: isDelivered ? 'it took the message' : (result?.why ?? '') };
  } catch (error) {
    return { channel: name, delivered: false, answer: messageOf(error) };
  }
}

type Asked = Pick<Notification, 'at' | 'severity' | 'by' | 'environment'>;

/** Each test is a matter of its own: a pager that is told twice opens two alerts, which are to be closed by hand. */
function testMessage(asked: Asked): Notification {
  const id = `test:${randomUUID()}`;
  const { environment, by } = asked;
  return {
    ...asked,
    id,
    type: 'test',
    audience: ['on-call', 'stakeholders'],
    group: id,
    rollout: '',
    flag: '',
    version: 0,
    text: `Test of Rampart (${environment}), sent by ${by}: this channel works. Nothing has happened.`,
    data: {},
  };
}

import type { DeliveryResult, Notification, Notifier } from '@rampart/connectors';
import type { Clock } from './clock.ts';
import { createLane, type Lane, type LaneStatus, type Pace } from './delivery-lane.ts';
import { joinNotifications } from './joined-notification.ts';
import { type Log, messageOf } from './log.ts';
import { createRepeatedJob, type RepeatedJob } from './repeated-job.ts';
import type { ClaimedMessage, Store } from './store/store.ts';

/** Deliveries of one message before it is a dead letter. */
export const MAX_DELIVERIES = 12;
/** How urgent messages are in the outbox. `digest`: those that fall due together and go as one. */
export const PRIORITIES = { page: 0, warn: 1, info: 2, digest: 3 } as const;

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 3_600_000;
const LEASE_MS = 60_000;
/** Below the lease: whoever hangs longer is broken off, and the message is still ours. */
const LONGEST_DELIVERY_MS = 45_000;
const MOST_JOINED = 500;
/** Longest wait before the outbox is looked at again, whatever it last said. */
const LONGEST_SLEEP_MS = 30_000;
const SHORTEST_SLEEP_MS = 20;

/** Where messages of a destination go, and how fast. */
export type Destination = { readonly notifier: Notifier; readonly pace: Pace };

/** How one delivery went; `messages` are more than one where they were joined. */
export type DeliveryReport = {
  readonly destination: string;
  readonly result: DeliveryResult['kind'];
  readonly messages: number;
  /** From when the first of them happened (of a digest: from the end of its window) until now, by the server's clock. */
  readonly latencyMs: number;
};

/** Delivers what the outbox holds, at least once each. No destination waits for another. */
export type Dispatcher = {
  /** Delivers what can be delivered now; resolves when nothing more can. Never rejects. */
  readonly drain: () => Promise<void>;
  /** How a destination does; `undefined` when nothing was sent to it since the start. */
  readonly statusOf: (destination: string) => LaneStatus | undefined;
  /** Delivers from now on, as messages come and fall due. */
  readonly start: () => void;
  /** Stops: deliveries under way are broken off and tried again at the next start. */
  readonly stop: () => Promise<void>;
};

/** What a dispatcher works with. `random` in [0, 1) spreads retries; `owner` is unique among the servers of a store. */
export type DispatcherOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly owner: string;
  readonly random: () => number;
  /** `undefined` for one that is no more. */
  readonly destinationOf: (destination: string) => Destination | undefined;
  /** Default: nobody is told. */
  readonly onDelivery?: (report: DeliveryReport) => void;
  /** Told of a message that is given up, before it is a dead letter. Default: nobody is. */
  readonly onGivenUp?: (message: ClaimedMessage, why: string) => Promise<void>;
};

/** Wait before delivery `attempts + 1`: doubling from 1 s to 1 h, of which `random` takes off up to a half. */
export function retryDelayMs(attempts: number, random: number): number {
  const full = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, attempts - 1));
  return Math.round(full * (1 - random / 2));
}

/** One lane at work. A destination that is no more has a pace of its own: its messages are buried. */
type Working = { readonly lane: Lane; readonly job: RepeatedJob; readonly waitsUntil: () => number };
const GONE: Pace = { perSecond: 1_000, burst: 1_000 };

/** A dispatcher at rest. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, clock, log } = options;
  const stopped = new AbortController();
  const lanes = new Map<string, Working>();
  let nextAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopListening: (() => void) | undefined;

  const workingOn = (destination: string): Working => {
    const known = lanes.get(destination);
    if (known !== undefined) return known;
    const made = openLane(destination, options, stopped.signal, () => sleep());
    lanes.set(destination, made);
    return made;
  };
  const look = createRepeatedJob(async () => {
    if (stopped.signal.aborted) return;
    try {
      const outlook = await store.outboxOutlook(clock.now());
      ({ nextAt } = outlook);
      for (const destination of outlook.due) void workingOn(destination).job.ask();
    } catch (error) {
      if (!stopped.signal.aborted) log.error({ err: error }, `the outbox could not be read: ${messageOf(error)}`);
    }
    sleep();
  });
  const sleep = (): void => {
    if (stopListening === undefined || stopped.signal.aborted) return;
    const now = clock.now();
    const waits = [...lanes.values()].map(({ waitsUntil }) => waitsUntil()).filter((at) => at > now);
    const wakeAt = Math.min(...waits, nextAt ?? Number.POSITIVE_INFINITY, now + LONGEST_SLEEP_MS);
    clearTimeout(timer);
    timer = setTimeout(() => void look.ask(), Math.max(SHORTEST_SLEEP_MS, wakeAt - now));
  };
  const settled = () => Promise.all([...lanes.values()].map(({ job }) => job.idle()));

  return {
    async drain() {
      await look.ask();
      await settled();
    },
    statusOf: (destination) => lanes.get(destination)?.lane.status(clock.now()),
    start() {
      stopListening = store.onChange(({ outbox }) => {
        if (outbox) void look.ask();
      });
      void look.ask();
    },
    async stop() {
      stopped.abort();
      stopListening?.();
      clearTimeout(timer);
      await look.idle();
      await settled();
    },
  };
}

function openLane(destination: string, options: DispatcherOptions, stopped: AbortSignal, onPause: () => void): Working {
  const { clock, log } = options;
  const lane = createLane(options.destinationOf(destination)?.pace ?? GONE, options.random);
  let waitsUntil = 0;
  const job = createRepeatedJob(async () => {
    try {
      let next: Next = 'more';
      while (next === 'more' && !stopped.aborted) next = await deliverNext(destination, lane, options, stopped);
      waitsUntil = next === 'more' || next === 'nothing' ? 0 : next.until;
    } catch (error) {
      if (stopped.aborted) return;
      log.error({ err: error, destination }, `the outbox could not be delivered: ${messageOf(error)}`);
      waitsUntil = clock.now() + FIRST_RETRY_MS;
    }
    onPause();
  });
  return { lane, job, waitsUntil: () => waitsUntil };
}

/** Whether a lane has more to do now, later, or when something changes. */
type Next = 'more' | 'nothing' | { readonly until: number };

/** Delivers the next message of a lane, with those that go with it. */
async function deliverNext(
  destination: string,
  lane: Lane,
  options: DispatcherOptions,
  stopped: AbortSignal,
): Promise<Next> {
  const now = options.clock.now();
  const readyAt = lane.readyAt(now);
  if (readyAt > now) return { until: readyAt };
  const turn = lane.turn(now);
  const most = turn.allows === 'all' ? PRIORITIES.digest : PRIORITIES.page;
  const claim = (priorities: readonly [number, number], limit: number) =>
    options.store.claimOutbox({ destination, priorities, now, limit, leaseMs: LEASE_MS, owner: options.owner });
  const [first] = await claim([PRIORITIES.page, most], 1);
  if (first === undefined) return turn.allows === 'pages' ? { until: turn.gatherUntil } : 'nothing';
  const joined = joinedWith(first, lane);
  const messages = [first, ...(joined === undefined ? [] : await claim(joined, MOST_JOINED - 1))] as const;
  lane.begin(now, first.priority === PRIORITIES.page);
  const result = await resultOf(messages, options, stopped);
  lane.end(options.clock.now(), result);
  await Promise.all(messages.map((message) => settle(message, result, options, stopped)));
  report(messages, result, options);
  return 'more';
}

/** Priorities of the messages that go together with this one. */
function joinedWith({ priority }: ClaimedMessage, lane: Lane): readonly [number, number] | undefined {
  if (priority === PRIORITIES.digest) return [PRIORITIES.digest, PRIORITIES.digest];
  const isCalm = priority !== PRIORITIES.page;
  return isCalm && lane.hasGathered() ? [PRIORITIES.warn, PRIORITIES.info] : undefined;
}

type Claimed = readonly [ClaimedMessage, ...ClaimedMessage[]];

async function resultOf(
  [first, ...others]: Claimed,
  options: DispatcherOptions,
  stopped: AbortSignal,
): Promise<DeliveryResult> {
  try {
    const destination = options.destinationOf(first.destination);
    if (destination === undefined) return { kind: 'refused', why: `${first.destination} is no longer set up` };
    const notification = joinNotifications([bodyOf(first), ...others.map(bodyOf)]);
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(LONGEST_DELIVERY_MS)]);
    return await destination.notifier.deliver(notification, signal);
  } catch (error) {
    return { kind: 'retry', why: messageOf(error) };
  }
}

async function settle(
  message: ClaimedMessage,
  result: DeliveryResult,
  { store, clock, log, owner, random, onGivenUp }: DispatcherOptions,
  stopped: AbortSignal,
): Promise<void> {
  if (result.kind === 'delivered') return void (await store.finishOutbox(message.id, owner));
  const isLast = message.attempts >= MAX_DELIVERIES && !stopped.aborted;
  if (result.kind === 'refused' || isLast) {
    log.warn(
      { outbox: message.id, destination: message.destination },
      `message ${message.key} is given up: ${result.why}`,
    );
    await onGivenUp?.(message, result.why);
    return void (await store.buryOutbox(message.id, owner, result.why));
  }
  const waitMs = Math.max(result.afterMs ?? 0, retryDelayMs(message.attempts, random()));
  await store.retryOutbox(message.id, owner, { dueAt: clock.now() + waitMs, error: result.why });
}

function report(messages: Claimed, result: DeliveryResult, { clock, onDelivery }: DispatcherOptions): void {
  const [{ destination }] = messages;
  const since = Math.min(...messages.map((one) => (one.priority === PRIORITIES.digest ? one.dueAt : bodyOf(one).at)));
  const latencyMs = Math.max(0, clock.now() - since);
  onDelivery?.({ destination, result: result.kind, messages: messages.length, latencyMs });
}

/** JSON edge: bodies are written by `addressing` only. */
function bodyOf({ body }: ClaimedMessage): Notification {
  return body as Notification;
}

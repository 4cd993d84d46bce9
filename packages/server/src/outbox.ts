import type { DeliveryResult, Notification, Notifier } from '@rampart/connectors';
import type { Clock } from './clock.ts';
import { type Log, messageOf } from './log.ts';
import type { ClaimedMessage, Store } from './store/store.ts';

/** Deliveries of one message before it is a dead letter. */
export const MAX_DELIVERIES = 12;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 3_600_000;
const LEASE_MS = 60_000;
const AT_ONCE = 16;
/** Longest wait before the outbox is looked at again, whatever it last said. */
const LONGEST_SLEEP_MS = 30_000;

/** Delivers what the outbox holds, at least once each. */
export type Dispatcher = {
  /** Delivers what is due; resolves when nothing more is. Never rejects. */
  readonly drain: () => Promise<void>;
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
  readonly notifierOf: (destination: string) => Notifier | undefined;
  /** Told of a message that is given up, before it is a dead letter. Default: nobody is. */
  readonly onGivenUp?: (message: ClaimedMessage, why: string) => Promise<void>;
};

/** Wait before delivery `attempts + 1`: doubling from 1 s to 1 h, of which `random` takes off up to a half. */
export function retryDelayMs(attempts: number, random: number): number {
  const full = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, attempts - 1));
  return Math.round(full * (1 - random / 2));
}

/** A dispatcher at rest. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, clock, log, owner } = options;
  const stopped = new AbortController();
  let running: Promise<void> | undefined;
  let isAskedAgain = false;
  let timer: NodeJS.Timeout | undefined;
  let stopListening: (() => void) | undefined;

  const drainOnce = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const messages = await store.claimOutbox({ now: clock.now(), limit: AT_ONCE, leaseMs: LEASE_MS, owner });
      if (messages.length === 0) return;
      await Promise.all(messages.map((message) => deliver(message, options, stopped.signal)));
    }
  };
  const drain = (): Promise<void> => {
    isAskedAgain = true;
    running ??= (async () => {
      while (isAskedAgain && !stopped.signal.aborted) {
        isAskedAgain = false;
        await drainOnce().catch((error: unknown) => {
          log.error({ err: error }, `the outbox could not be delivered: ${messageOf(error)}`);
        });
      }
    })().finally(() => {
      running = undefined;
      if (stopListening !== undefined) void sleep();
    });
    return running;
  };
  const sleep = async (): Promise<void> => {
    const next = await store.nextOutboxAt().catch(() => undefined);
    if (stopped.signal.aborted) return;
    const waitMs = next === undefined ? LONGEST_SLEEP_MS : next - clock.now();
    clearTimeout(timer);
    timer = setTimeout(() => void drain(), Math.min(LONGEST_SLEEP_MS, Math.max(100, waitMs)));
  };

  return {
    drain,
    start() {
      stopListening = store.onChange(({ outbox }) => {
        if (outbox) void drain();
      });
      void drain();
    },
    async stop() {
      stopped.abort();
      stopListening?.();
      clearTimeout(timer);
      await running;
    },
  };
}

async function deliver(message: ClaimedMessage, options: DispatcherOptions, signal: AbortSignal): Promise<void> {
  const { store, clock, log, owner } = options;
  const result = await resultOf(message, options, signal);
  if (result.kind === 'delivered') return void (await store.finishOutbox(message.id, owner));
  const isLast = message.attempts >= MAX_DELIVERIES && !signal.aborted;
  if (result.kind === 'refused' || isLast) {
    log.warn(
      { outbox: message.id, destination: message.destination },
      `message ${message.key} is given up: ${result.why}`,
    );
    await options.onGivenUp?.(message, result.why);
    return void (await store.buryOutbox(message.id, owner, result.why));
  }
  const waitMs = Math.max(result.afterMs ?? 0, retryDelayMs(message.attempts, options.random()));
  await store.retryOutbox(message.id, owner, { dueAt: clock.now() + waitMs, error: result.why });
}

async function resultOf(
  message: ClaimedMessage,
  options: DispatcherOptions,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  try {
    const notifier = options.notifierOf(message.destination);
    if (notifier === undefined) return { kind: 'refused', why: `${message.destination} is no longer set up` };
    // JSON edge: bodies are written by `Webhooks.addressing` only.
    return await notifier.deliver(message.body as Notification, signal);
  } catch (error) {
    return { kind: 'retry', why: messageOf(error) };
  }
}

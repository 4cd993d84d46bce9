import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ContractCase } from './contract.ts';
import type { Notification } from './notification.ts';
import type { DeliveryResult, Notifier } from './ports.ts';

/** How the receiver of a notifier behaves. */
export type ReceiverBehaviour =
  | 'accepts'
  /** Understands the message and will never take it. */
  | 'refuses'
  /** Wants no message any more. */
  | 'gone'
  | 'fails'
  /** Too busy, says to come back in 7 seconds. */
  | 'busy-seconds'
  /** Too busy, says to come back at a date 90 seconds after `now`. */
  | 'busy-date'
  /** Sends elsewhere; the place it names must never be called. */
  | 'redirects'
  /** Takes the message and never answers. */
  | 'hangs'
  /** Accepts, with an endless body. */
  | 'floods'
  /** Cuts the connection. */
  | 'cuts';

/** What the suite asks of whoever runs it on a notifier. */
export type NotifierHarness = {
  /** Made with a clock that stands, and with a short timeout for the receiver that `hangs`. */
  readonly notifier: Notifier;
  readonly message: Notification;
  readonly given: (behaviour: ReceiverBehaviour) => Promise<void> | void;
  /** Messages the receiver got since `given`: the id each was told apart by. */
  readonly received: () => readonly { readonly id: string }[];
  /** Requests that reached the place a redirect named, ever. */
  readonly strayed: () => number;
  /** Bytes of the endless body that left the receiver. */
  readonly flooded: () => number;
  /** Texts that must never be told: URL, host, secret. */
  readonly secrets: readonly string[];
};

const never = new AbortController().signal;

async function deliverTo(harness: NotifierHarness, behaviour: ReceiverBehaviour): Promise<DeliveryResult> {
  await harness.given(behaviour);
  return harness.notifier.deliver(harness.message, never);
}

const ALL: readonly ReceiverBehaviour[] = [
  'accepts',
  'refuses',
  'gone',
  'fails',
  'busy-seconds',
  'busy-date',
  'redirects',
  'hangs',
  'cuts',
];

/** What every notifier promises. */
export const notifierContract: readonly ContractCase<NotifierHarness>[] = [
  {
    name: 'delivers once to a receiver that accepts',
    run: async (harness) => {
      deepEqual(await deliverTo(harness, 'accepts'), { kind: 'delivered' });
      deepEqual(harness.received(), [{ id: harness.message.id }]);
    },
  },
  {
    name: 'sends a repetition under the same id',
    run: async (harness) => {
      await deliverTo(harness, 'accepts');
      await harness.notifier.deliver(harness.message, never);
      deepEqual(harness.received(), [{ id: harness.message.id }, { id: harness.message.id }]);
    },
  },
  {
    name: 'is refused for good by a receiver that will never take it',
    run: async (harness) => {
      equal((await deliverTo(harness, 'refuses')).kind, 'refused');
    },
  },
  {
    name: 'asks to be disabled when the receiver is gone',
    run: async (harness) => {
      const result = await deliverTo(harness, 'gone');
      ok(result.kind === 'refused' && result.disable === true, `received ${JSON.stringify(result)}`);
    },
  },
  ...(['fails', 'cuts', 'hangs'] as const).map((behaviour) => ({
    name: `asks for another try when the receiver ${behaviour}`,
    run: async (harness: NotifierHarness) => {
      const result = await deliverTo(harness, behaviour);
      ok(result.kind === 'retry' && result.afterMs === undefined, `received ${JSON.stringify(result)}`);
    },
  })),
  ...[['busy-seconds', 7000] as const, ['busy-date', 90_000] as const].map(([behaviour, afterMs]) => ({
    name: `waits as long as a ${behaviour} receiver asks`,
    run: async (harness: NotifierHarness) => {
      const result = await deliverTo(harness, behaviour);
      ok(result.kind === 'retry' && result.afterMs === afterMs, `received ${JSON.stringify(result)}`);
    },
  })),
  {
    name: 'follows no redirect',
    run: async (harness) => {
      equal((await deliverTo(harness, 'redirects')).kind, 'refused');
      equal(harness.strayed(), 0);
    },
  },
  {
    name: 'reads no endless answer, and counts the message as delivered',
    run: async (harness) => {
      deepEqual(await deliverTo(harness, 'floods'), { kind: 'delivered' });
      ok(harness.flooded() < 64 * 1024 * 1024, `${harness.flooded()} bytes were taken`);
    },
  },
  {
    name: 'ends as retry when it is stopped, before and during a delivery',
    run: async (harness) => {
      await harness.given('hangs');
      equal((await harness.notifier.deliver(harness.message, AbortSignal.abort())).kind, 'retry');
      const stop = new AbortController();
      const delivery = harness.notifier.deliver(harness.message, stop.signal);
      stop.abort();
      equal((await delivery).kind, 'retry');
    },
  },
  {
    name: 'tells neither URL nor secret in any result',
    run: async (harness) => {
      for (const behaviour of ALL) {
        const told = JSON.stringify(await deliverTo(harness, behaviour));
        for (const secret of harness.secrets) ok(!told.includes(secret), `${behaviour} told ${told}`);
      }
    },
  },
];

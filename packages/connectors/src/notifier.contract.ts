import { deepEqual } from 'node:assert/strict';
import type { ContractCase } from './contract.ts';
import type { Notification } from './notification.ts';
import {
  type OutboundHarness,
  type OutboundOutcome,
  outboundContract,
  type PeerBehaviour,
} from './outbound.contract.ts';
import type { DeliveryResult, Notifier } from './ports.ts';

/** What the suite asks of whoever runs it on a notifier. */
export type NotifierHarness = Omit<OutboundHarness, 'attempt'> & {
  /** Made with the clock of the harness, and a deadline that fires for the peer that `hangs`. */
  readonly notifier: Notifier;
  readonly message: Notification;
  /** Messages the peer got since `given`: the id by which each can be told from others. */
  readonly received: () => readonly string[];
  /** What the peer has got after a repetition. Default: the same id twice. */
  readonly afterRepetition?: 'once' | 'twice';
};

const never = new AbortController().signal;

/** What every notifier promises. `lacks`: behaviours that the peer cannot show. */
export function notifierContract(lacks: readonly PeerBehaviour[] = []): readonly ContractCase<NotifierHarness>[] {
  return [
    {
      name: 'delivers once to a receiver that accepts',
      run: async (harness) => {
        await harness.given('accepts');
        deepEqual(await harness.notifier.deliver(harness.message, never), { kind: 'delivered' });
        deepEqual(new Set(harness.received()).size, harness.received().length);
      },
    },
    {
      name: 'sends a repetition under the same id, or not at all',
      run: async (harness) => {
        await harness.given('accepts');
        await harness.notifier.deliver(harness.message, never);
        const [...first] = harness.received();
        await harness.notifier.deliver(harness.message, never);
        const repeated = harness.afterRepetition === 'once' ? [] : first;
        deepEqual(harness.received(), [...first, ...repeated]);
      },
    },
    ...outboundContract(lacks).map(({ name, run }) => ({
      name,
      run: (harness: NotifierHarness) =>
        run({
          ...harness,
          attempt: async (signal) => outcomeOf(await harness.notifier.deliver(harness.message, signal)),
        }),
    })),
  ];
}

function outcomeOf(result: DeliveryResult): OutboundOutcome {
  return result.kind === 'delivered' ? { kind: 'done' } : result;
}

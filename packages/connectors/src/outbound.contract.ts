import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ContractCase } from './contract.ts';

/** How the peer of a connector that sends behaves. `now` is the clock of the harness. */
export type PeerBehaviour =
  | 'accepts'
  | 'status-400'
  | 'status-401'
  | 'status-403'
  | 'status-404'
  /** Wants nothing any more. */
  | 'status-410'
  | 'status-500'
  | 'status-503'
  /** 429, and to come back in 7 seconds. */
  | 'busy-seconds'
  /** 429, and to come back at a date 90 seconds after `now`. */
  | 'busy-date'
  /** Sends elsewhere; the place it names must never be called. */
  | 'redirects'
  /** Takes the request and never answers: the harness lets the deadline fire when the request has arrived. */
  | 'hangs'
  /** Accepts, with an endless body. */
  | 'floods'
  /** Accepts, and breaks off within the body. */
  | 'breaks'
  /** Answers 200 with what its system never says, as the page of a proxy does. */
  | 'malformed'
  /** Cuts the connection without an answer. */
  | 'cuts'
  /** Nobody listens. */
  | 'absent';

/** How a request ended. */
export type OutboundOutcome = {
  readonly kind: 'done' | 'retry' | 'refused';
  readonly afterMs?: number | undefined;
  readonly disable?: boolean | undefined;
  /** What is told of it. */
  readonly why?: string | undefined;
};

/** What the suite asks of whoever runs it on a connector that sends. */
export type OutboundHarness = {
  readonly given: (behaviour: PeerBehaviour) => Promise<void> | void;
  /** One request, or as many as one message takes. */
  readonly attempt: (signal: AbortSignal) => Promise<OutboundOutcome>;
  /** Where a behaviour means something else to this peer than `USUAL` says. */
  readonly expected?: Partial<Record<PeerBehaviour, Omit<OutboundOutcome, 'why'>>>;
  /** Requests that reached the place a redirect named, ever. */
  readonly strayed: () => number;
  /** Bytes of the endless body that left the peer. */
  readonly flooded: () => number;
  /** Texts that must never be told. */
  readonly secrets: readonly string[];
  /** Everything else that the connector told so far: what it wrote to the console, to its memory, to documents. */
  readonly told: () => readonly string[];
};

const RETRY = { kind: 'retry' } as const;
const REFUSED = { kind: 'refused' } as const;
const DONE = { kind: 'done' } as const;

/** What each behaviour means where a vendor says nothing else. */
const USUAL: Readonly<Record<PeerBehaviour, Omit<OutboundOutcome, 'why'>>> = {
  accepts: DONE,
  'status-400': REFUSED,
  'status-401': REFUSED,
  'status-403': REFUSED,
  'status-404': REFUSED,
  'status-410': { kind: 'refused', disable: true },
  'status-500': RETRY,
  'status-503': RETRY,
  'busy-seconds': { kind: 'retry', afterMs: 7000 },
  'busy-date': { kind: 'retry', afterMs: 90_000 },
  redirects: REFUSED,
  hangs: RETRY,
  floods: DONE,
  breaks: DONE,
  malformed: DONE,
  cuts: RETRY,
  absent: RETRY,
};

/** Every behaviour. */
const PEER_BEHAVIOURS = Object.keys(USUAL) as readonly PeerBehaviour[];

const never = new AbortController().signal;
const MOST_TAKEN = 64 * 1024 * 1024;

/**
 * What every connector that sends promises, whatever its peer does. `lacks`: behaviours that the peer cannot show.
 */
export function outboundContract(lacks: readonly PeerBehaviour[] = []): readonly ContractCase<OutboundHarness>[] {
  const shown = PEER_BEHAVIOURS.filter((behaviour) => !lacks.includes(behaviour));
  return [
    ...shown.map((behaviour) => ({
      name: `ends as it must where the peer shows: ${behaviour}`,
      run: async (harness: OutboundHarness) => {
        await harness.given(behaviour);
        const { why, ...outcome } = await harness.attempt(never);
        const told = JSON.parse(JSON.stringify(outcome));
        deepEqual(told, harness.expected?.[behaviour] ?? USUAL[behaviour], why);
        ok(outcome.kind === 'done' || (why ?? '') !== '', 'it says why');
        equal(harness.strayed(), 0);
        ok(harness.flooded() < MOST_TAKEN, `${harness.flooded()} bytes were taken`);
      },
    })),
    {
      name: 'ends as retry when it is stopped, before and during an attempt',
      run: async (harness) => {
        await harness.given('hangs');
        equal((await harness.attempt(AbortSignal.abort())).kind, 'retry');
        const stop = new AbortController();
        const attempt = harness.attempt(stop.signal);
        stop.abort();
        equal((await attempt).kind, 'retry');
      },
    },
    {
      name: 'tells no secret in any outcome, on the console, or in what it remembers',
      run: async (harness) => {
        for (const behaviour of shown) {
          await harness.given(behaviour);
          const told = [JSON.stringify(await harness.attempt(never)), ...harness.told()].join('\n');
          for (const secret of harness.secrets) ok(!told.includes(secret), `${behaviour} told ${told}`);
        }
      },
    },
  ];
}

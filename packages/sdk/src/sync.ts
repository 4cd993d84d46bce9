import type { RulesetPatch } from '@rampart/flags';
import type { EventSourceMessage } from 'eventsource-parser';
import { backoffMs, type Clock } from './clock.ts';
import { type Connection, fetchRuleset } from './connection.ts';
import { type EventHub, messageOf } from './event.ts';
import type { RulesetHolder } from './ruleset-holder.ts';
import { readStream, SILENCE_MS, type StreamEnd } from './ruleset-stream.ts';

/** Failures in a row after which the ruleset is polled beside the attempts to stream. */
const FAILURES_BEFORE_POLLING = 3;
/** Interval of polling, in milliseconds. */
const POLL_MS = 15_000;
/** A stream that lived this long was a good one: the count of failures starts anew. Milliseconds. */
const HEALTHY_MS = 30_000;

/** What happens while the ruleset is kept up to date. */
export type SyncObserver = {
  /** The ruleset in use was just confirmed or replaced by the server. */
  readonly onContact: () => void;
  /** The server cannot be reached; what is in use may be out of date. */
  readonly onLost: (message: string) => void;
  /** The token is refused. Nothing more will be tried. */
  readonly onRefused: (message: string) => void;
};

/** Keeps the ruleset up to date: by a stream, and by polling while the stream does not hold. */
export class Sync {
  readonly #connection: Connection;
  readonly #holder: RulesetHolder;
  readonly #events: EventHub;
  readonly #random: () => number;
  readonly #observer: SyncObserver;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  #failures = 0;
  #retryMs: number | undefined;
  #openedAt: number | undefined;
  #polledAt = Number.NEGATIVE_INFINITY;
  #cancelPoll: (() => void) | undefined;

  constructor(
    connection: Connection,
    holder: RulesetHolder,
    events: EventHub,
    random: () => number,
    observer: SyncObserver,
  ) {
    this.#connection = connection;
    this.#clock = connection.clock;
    this.#holder = holder;
    this.#events = events;
    this.#random = random;
    this.#observer = observer;
  }

  /** Runs until `stop` or until the token is refused. Never rejects. */
  async run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const end = await this.#readOnce();
      if (this.#abort.signal.aborted) return;
      if (end.kind === 'refused') return this.#refused(end.message);
      this.#failed(end);
      const askedMs = end.kind === 'failed' ? (end.retryAfterMs ?? 0) : 0;
      await this.#pause(askedMs + backoffMs(this.#failures, this.#random, this.#retryMs));
    }
  }

  /** Ends the stream and every wait. */
  stop(): void {
    this.#abort.abort(new Error('the client was closed'));
    this.#stopPolling();
  }

  /**
   * Revision to resume from. Only what this process has from the server counts: a number alone does not tell that a
   * file holds the same ruleset, or even the same environment, so the first stream always brings a whole ruleset.
   */
  get #revision(): number | undefined {
    const held = this.#holder.held;
    return held?.source === 'network' ? held.ruleset.revision : undefined;
  }

  #readOnce(): Promise<StreamEnd> {
    const revision = this.#revision;
    this.#openedAt = undefined;
    return readStream(this.#connection, {
      revision,
      signal: this.#abort.signal,
      onOpen: () => {
        this.#openedAt = this.#clock.monotonicMs();
        this.#stopPolling();
      },
      onBytes: () => {
        if (this.#revision !== undefined) this.#observer.onContact();
      },
      onRetry: (retryMs) => {
        this.#retryMs = retryMs;
      },
      onFrame: (frame) => this.#onFrame(frame),
    });
  }

  #failed(end: Exclude<StreamEnd, { kind: 'refused' }>): void {
    const opened = this.#openedAt;
    if (opened !== undefined && this.#clock.monotonicMs() - opened >= HEALTHY_MS) this.#failures = 0;
    this.#failures += 1;
    if (end.kind !== 'ended') {
      this.#events.error('CONNECTION_FAILED', `${end.message}. It will be tried again.`);
      if (!this.#isPolledFresh()) this.#observer.onLost(end.message);
    }
    if (this.#failures >= FAILURES_BEFORE_POLLING) this.#startPolling();
  }

  #refused(message: string): void {
    this.stop();
    this.#observer.onRefused(message);
  }

  async #onFrame(frame: EventSourceMessage): Promise<string | undefined> {
    if (frame.event !== 'put' && frame.event !== 'patch') return undefined;
    let json: unknown;
    try {
      json = JSON.parse(frame.data);
    } catch (error) {
      this.#events.error('RULESET_INVALID', `A "${frame.event}" frame is no JSON: ${messageOf(error)}`);
      return this.#refetch();
    }
    if (frame.event === 'patch') return this.#onPatch(json);
    return this.#accept(json) ? undefined : 'the server sent a ruleset that cannot be used';
  }

  async #onPatch(json: unknown): Promise<string | undefined> {
    const outcome = isPatch(json) ? this.#holder.patch(json) : 'gap';
    if (outcome === 'gap') return this.#refetch();
    this.#observer.onContact();
    return undefined;
  }

  /** Asks for the whole ruleset in the middle of a stream. */
  async #refetch(): Promise<string | undefined> {
    const answer = await fetchRuleset(this.#connection, undefined, this.#abort.signal);
    if (answer.kind === 'ruleset') {
      return this.#accept(answer.json) ? undefined : 'the server sent a ruleset that cannot be used';
    }
    return answer.kind === 'same' ? undefined : answer.message;
  }

  #accept(json: unknown): boolean {
    const accepted = this.#holder.accept(json);
    if (accepted) this.#observer.onContact();
    return accepted;
  }

  #isPolledFresh(): boolean {
    return this.#clock.monotonicMs() - this.#polledAt <= SILENCE_MS;
  }

  #startPolling(): void {
    if (this.#cancelPoll !== undefined) return;
    const sinceMs = this.#clock.monotonicMs() - this.#polledAt;
    this.#pollAfter(Math.min(POLL_MS, Math.max(0, POLL_MS - sinceMs)));
  }

  #stopPolling(): void {
    this.#cancelPoll?.();
    this.#cancelPoll = undefined;
  }

  #pollAfter(delayMs: number): void {
    const cancel = this.#clock.after(delayMs, 'poll', async () => {
      await this.#poll();
      // Unless the stream came back meanwhile, or everything was stopped.
      if (this.#cancelPoll === cancel) this.#pollAfter(POLL_MS);
    });
    this.#cancelPoll = cancel;
  }

  async #poll(): Promise<void> {
    const before = this.#holder.held;
    const answer = await fetchRuleset(this.#connection, this.#revision, this.#abort.signal);
    if (this.#abort.signal.aborted) return;
    if (answer.kind === 'refused') return this.#refused(answer.message);
    if (answer.kind === 'failed') {
      if (!this.#isPolledFresh()) this.#observer.onLost(answer.message);
      return;
    }
    // A stream that came back during the request knows better than its answer.
    const isLate = this.#holder.held !== before;
    if (answer.kind === 'ruleset' && (isLate || !this.#accept(answer.json))) return;
    this.#polledAt = this.#clock.monotonicMs();
    this.#observer.onContact();
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stopped = this.#abort.signal;
      const done = (): void => {
        cancel();
        stopped.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(delayMs, 'reconnect', done);
      stopped.addEventListener('abort', done);
    });
  }
}

function isPatch(json: unknown): json is RulesetPatch {
  if (typeof json !== 'object' || json === null) return false;
  const { fromRevision, revision, flags, segments } = json as Record<string, unknown>;
  const isMap = (value: unknown): boolean => typeof value === 'object' && value !== null;
  return Number.isSafeInteger(fromRevision) && Number.isSafeInteger(revision) && isMap(flags) && isMap(segments);
}

import { REVISION_HEADER, TELEMETRY_PATH, type TelemetryBatch } from '@rampart/api/wire';
import { backoffMs } from './clock.ts';
import { addressOf, type Connection, describeAnswer, headersOf, retryAfterMs, withTimeout } from './connection.ts';
import { type EventHub, messageOf } from './event.ts';

/** Most batches that wait for delivery; until there is room again, observations go on being summed up. */
const MAX_WAITING_BATCHES = 20;

/** What became of one attempt to deliver. */
type Delivery =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'later'; readonly message: string; readonly retryAfterMs: number }
  | { readonly kind: 'never'; readonly message: string };

/** Statuses in the 4xx range after which the same batch may still be taken. */
const RETRIED_STATUSES = new Set([401, 408, 429]);

/**
 * Delivers batches one after the other, each until the server has it. A batch whose answer was lost is sent again as it
 * was, with the same `batchId`: the server counts it once. A batch is never sent twice at the same time.
 */
export class TelemetrySender {
  readonly #connection: Connection;
  readonly #events: EventHub;
  readonly #random: () => number;
  readonly #onLost: (batch: TelemetryBatch) => void;
  readonly #abort = new AbortController();
  readonly #waiting: TelemetryBatch[] = [];
  #draining: Promise<boolean> | undefined;
  #failures = 0;
  #cancelResend: (() => void) | undefined;

  constructor(connection: Connection, events: EventHub, random: () => number, onLost: (batch: TelemetryBatch) => void) {
    this.#connection = connection;
    this.#events = events;
    this.#random = random;
    this.#onLost = onLost;
  }

  get hasRoom(): boolean {
    return this.#waiting.length < MAX_WAITING_BATCHES;
  }

  get isBackingOff(): boolean {
    return this.#cancelResend !== undefined;
  }

  get waiting(): readonly TelemetryBatch[] {
    return this.#waiting;
  }

  enqueue(batch: TelemetryBatch): void {
    this.#waiting.push(batch);
  }

  /** Sends what waits, now. True when nothing waits any more; false when it has to be tried again later. Never rejects. */
  drain(): Promise<boolean> {
    this.#cancelResend?.();
    this.#cancelResend = undefined;
    if (this.#waiting.length === 0) return Promise.resolve(true);
    if (this.#abort.signal.aborted) return Promise.resolve(false);
    this.#draining ??= this.#sendAll();
    return this.#draining;
  }

  /** Gives up the request under way and sends no more. */
  stop(): void {
    this.#cancelResend?.();
    this.#cancelResend = undefined;
    this.#abort.abort(new Error('the client was closed'));
  }

  async #sendAll(): Promise<boolean> {
    try {
      for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
        if (!this.#settle(batch, await this.#send(batch))) return false;
      }
      return true;
    } finally {
      // In the same turn as the last look at what waits: a batch added later starts a new round.
      this.#draining = undefined;
    }
  }

  /** True when the batch is out of the way. */
  #settle(batch: TelemetryBatch, delivery: Delivery): boolean {
    if (delivery.kind === 'later') {
      this.#retryLater(delivery.message, delivery.retryAfterMs);
      return false;
    }
    this.#failures = 0;
    this.#waiting.shift();
    if (delivery.kind === 'never') {
      this.#onLost(batch);
      this.#events.error('TELEMETRY_REFUSED', `${delivery.message}. The batch was dropped.`);
    }
    return true;
  }

  #retryLater(message: string, askedMs: number): void {
    this.#failures += 1;
    if (this.#abort.signal.aborted) return;
    this.#events.error('TELEMETRY_UNSENT', `${message}. It will be sent again.`);
    const delayMs = askedMs + backoffMs(this.#failures, this.#random);
    this.#cancelResend = this.#connection.clock.after(delayMs, 'resend', () => {
      void this.drain();
    });
  }

  async #send(batch: TelemetryBatch): Promise<Delivery> {
    const connection = this.#connection;
    const headers = {
      ...headersOf(connection),
      'content-type': 'application/json',
      [REVISION_HEADER]: String(batch.revision),
    };
    try {
      return await withTimeout(connection.clock, this.#abort.signal, async (signal) => {
        const init = { method: 'POST', headers, body: JSON.stringify(batch), signal };
        const response = await connection.fetch(addressOf(connection, TELEMETRY_PATH), init);
        const message = await describeAnswer(response, `POST ${TELEMETRY_PATH}`);
        if (response.ok) return { kind: 'delivered' };
        const isFinal = response.status < 500 && !RETRIED_STATUSES.has(response.status);
        if (isFinal) return { kind: 'never', message };
        return { kind: 'later', message, retryAfterMs: retryAfterMs(response, connection.clock) };
      });
    } catch (error) {
      return { kind: 'later', message: `POST ${TELEMETRY_PATH} failed: ${messageOf(error)}`, retryAfterMs: 0 };
    }
  }
}

import { increaseOf } from './point-increase.ts';
import type { PointValue } from './point-value.ts';

/** The last point taken of a cumulative stream; instants in epoch ms with fractions. */
type StreamPoint = {
  readonly metric: string;
  readonly startAt: number;
  readonly at: number;
  readonly value: PointValue;
};

/** What is remembered of the cumulative streams of one resource. Plain JSON. */
export type ResourceStreams = {
  /** Instant of its newest point. */
  readonly at: number;
  /** Streams that began or were last seen before may have been counted and forgotten. 0: none was. */
  readonly forgotUntil: number;
  readonly streams: Readonly<Record<string, StreamPoint>>;
};

/** A point of a cumulative stream. `startAt` 0: not known. */
export type CumulativePoint = StreamPoint & { readonly stream: string };

/** What a point adds: an increase over an interval, or nothing and why. `first`: counting starts here. */
export type Advance =
  | { readonly kind: 'increase'; readonly value: PointValue; readonly fromAt: number }
  | { readonly kind: 'first' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'too-many' };

/** Most streams of one resource; points of further ones are refused. */
export const MOST_STREAMS = 1_000;
/** A stream without points for so long is forgotten, ms. */
export const KEEP_STREAM_MS = 24 * 3_600_000;
/** As `KEEP_STREAM_MS` where there is no room: streams of processes that have ended make place. Many times an export interval. */
const KEEP_WHEN_FULL_MS = 15 * 60_000;

/** Nothing remembered, of a time up to `forgotUntil` that may have been counted. */
export function noStreams(forgotUntil = 0): ResourceStreams {
  return { at: 0, forgotUntil, streams: {} };
}

/** Works on the streams of one resource for one request; what it was made from stays as it was. */
export class StreamDraft {
  readonly #before: ResourceStreams;
  #forgotUntil: number;
  readonly #streams: Map<string, StreamPoint>;
  readonly #room: number;
  #at: number;

  /** `room`: how many streams it may hold, at most `MOST_STREAMS`. */
  constructor(before: ResourceStreams, room = MOST_STREAMS) {
    this.#before = before;
    this.#room = Math.min(room, MOST_STREAMS);
    this.#forgotUntil = before.forgotUntil;
    this.#streams = new Map(Object.entries(before.streams));
    this.#at = before.at;
  }

  /**
   * What a point adds to what was counted before it. A stream seen for the first time counts in full when everything in it
   * is known to be uncounted: it began after `countFrom` (when its rollout began to measure), or its metric was
   * seen without it since. Otherwise its first point is where counting starts.
   */
  take(point: CumulativePoint, countFrom: number): Advance {
    const { stream, ...next } = point;
    const key = `${stream}@${point.startAt}`;
    const before = this.#streams.get(key);
    if (before === undefined) return this.#takeFirst(key, next, countFrom);
    if (point.at <= before.at) return { kind: 'repeated' };
    this.#keep(key, next);
    const value = increaseOf(before.value, point.value);
    if (value === 'other-shape') return { kind: 'first' };
    // Went down: what it shows now was all counted since it began again.
    return { kind: 'increase', value: value === 'went-down' ? point.value : value, fromAt: before.at };
  }

  #takeFirst(key: string, point: StreamPoint, countFrom: number): Advance {
    if (this.#streams.size >= this.#room) this.#forgetBefore(Math.max(point.at, this.#at) - KEEP_WHEN_FULL_MS);
    if (this.#streams.size >= this.#room) return { kind: 'too-many' };
    const fromAt = Math.max(point.startAt, this.#lastSeen(point));
    this.#keep(key, point);
    const isUncounted = fromAt >= countFrom && fromAt > this.#forgotUntil && fromAt <= point.at;
    return isUncounted ? { kind: 'increase', value: point.value, fromAt } : { kind: 'first' };
  }

  /** When an earlier request showed other streams of the same metric and start: then this one did not exist. */
  #lastSeen({ metric, startAt }: StreamPoint): number {
    if (startAt === 0) return 0;
    let last = 0;
    for (const one of Object.values(this.#before.streams)) {
      if (one.metric === metric && one.startAt === startAt) last = Math.max(last, one.at);
    }
    return last;
  }

  #keep(key: string, point: StreamPoint): void {
    this.#streams.set(key, point);
    this.#at = Math.max(this.#at, point.at);
  }

  #forgetBefore(oldest: number): void {
    for (const [key, { at }] of this.#streams) {
      if (at >= oldest) continue;
      this.#streams.delete(key);
      this.#forgotUntil = Math.max(this.#forgotUntil, at);
    }
  }

  /** Ends the work: what is to be remembered, without streams that have ended. */
  finish(): ResourceStreams {
    this.#forgetBefore(this.#at - KEEP_STREAM_MS);
    return { at: this.#at, forgotUntil: this.#forgotUntil, streams: Object.fromEntries(this.#streams) };
  }
}

import type { ExposureSpan } from './exposure-timeline.ts';

/** Longest interval that is asked for at once, milliseconds. */
export const LONGEST_PULL_MS = 10 * 60_000;

/** What to ask for: growth in [fromAt, toAt) under one exposure. */
export type Pull = {
  readonly fromAt: number;
  readonly toAt: number;
  readonly span: ExposureSpan;
  /** More can be asked for already; where this one has no data, there is none to wait for. */
  readonly isPast: boolean;
};

/** Where a metric of a rollout stands, epoch milliseconds and milliseconds. */
export type PullPlace = {
  readonly spans: readonly ExposureSpan[];
  /** End of what was asked for so far; absent: nothing was. */
  readonly position?: number;
  /** Up to when the source is expected to have everything. */
  readonly endAt: number;
  /** Ends of intervals lie on multiples of this, or where the exposure changes. */
  readonly everyMs: number;
  /** Longest interval, milliseconds. Default: `LONGEST_PULL_MS`. */
  readonly longestMs?: number;
};

/** The next interval of a metric; `undefined` while none is due. */
export function nextPull(place: PullPlace): Pull | undefined {
  const { spans, position = Number.NEGATIVE_INFINITY, endAt, everyMs, longestMs = LONGEST_PULL_MS } = place;
  const span = spans.find(({ toAt = Number.POSITIVE_INFINITY }) => toAt > position);
  if (span === undefined) return undefined;
  const fromAt = Math.max(position, span.fromAt);
  const isEnded = span.toAt !== undefined && span.toAt <= endAt;
  const latest = isEnded && span.toAt !== undefined ? span.toAt : Math.floor(endAt / everyMs) * everyMs;
  const isCut = latest - fromAt > longestMs;
  const toAt = isCut ? Math.floor((fromAt + longestMs) / everyMs) * everyMs : latest;
  return toAt > fromAt ? { fromAt, toAt, span, isPast: isCut } : undefined;
}

/** How a second of load went. */
export type LoadSecond = {
  /** Largest delay between when a request was due and when it was sent, in milliseconds. */
  readonly lateMs: number;
  /** Requests sent and not answered. */
  readonly open: number;
};

/** Delay beyond which this machine, not the app, is the bottleneck. */
const LATE_MS = 100;
/** Seconds of unanswered requests beyond which the app cannot keep up. */
const BACKLOG_SECONDS = 2;
const LEAST_RATE = 20;

/**
 * Requests per second to offer next: less when generator or app cannot keep up, back towards `target` when they can.
 * Load that cannot be offered on time is offered less often from then on and never measured as if it had been.
 */
export function nextRate(rate: number, target: number, { lateMs, open }: LoadSecond): number {
  if (lateMs > LATE_MS || open > rate * BACKLOG_SECONDS) return Math.max(LEAST_RATE, rate * 0.8);
  return Math.min(target, rate * 1.05);
}

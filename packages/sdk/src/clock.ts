/** What a timer is for. Tests fire timers by purpose; a log line can name them. */
export type TimerPurpose = 'init' | 'request' | 'silence' | 'reconnect' | 'poll' | 'flush' | 'resend' | 'close';

/** Time as the SDK sees it. Injected, so that every wait can be tested without waiting. */
export type Clock = {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a clock that never goes back; only differences mean something. */
  readonly monotonicMs: () => number;
  /** Calls `run` once after `delayMs`; the result cancels it. */
  readonly after: (delayMs: number, purpose: TimerPurpose, run: () => void) => () => void;
};

/**
 * The clock of this machine. Its timers do not keep the process alive, except `init` and `close`: somebody waits for
 * these two, each at most a few seconds.
 */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, purpose, run) => {
    const timer = setTimeout(run, delayMs);
    if (purpose !== 'init' && purpose !== 'close') timer.unref?.();
    return () => clearTimeout(timer);
  },
};

/** Shortest wait before trying again, in milliseconds. */
const SHORTEST_BACKOFF_MS = 500;
/** Longest wait before trying again, in milliseconds. */
const LONGEST_BACKOFF_MS = 30_000;

/**
 * Full-jitter backoff: uniform between 0.5 s and a ceiling that doubles with every failure up to 30 s, so that
 * thousands of processes cut off together do not come back together.
 *
 * @param failures Failures in a row, 1 or more.
 * @param random Uniform in [0, 1).
 * @param baseMs Ceiling before doubling; a server's `retry:` replaces the default of 500 ms.
 */
export function backoffMs(failures: number, random: () => number, baseMs = SHORTEST_BACKOFF_MS): number {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, Math.max(SHORTEST_BACKOFF_MS, baseMs) * 2 ** Math.min(failures, 16));
  return SHORTEST_BACKOFF_MS + random() * (ceiling - SHORTEST_BACKOFF_MS);
}

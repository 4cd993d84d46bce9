import type { Log } from './log.ts';

/** Where the server reads the time. */
export type Clock = {
  /** Epoch ms. */
  readonly now: () => number;
};

/** The clock of the machine. */
export const SYSTEM_CLOCK: Clock = { now: () => Date.now() };

/** A step back up to this is time synchronisation at work and not worth a word. */
const TOLERATED_STEP_MS = 1_000;

/** A clock that never goes back. */
export type MonotoneClock = Clock & {
  /** Tells an instant that is known to have passed, for example that of a stored event. */
  readonly advanceTo: (at: number) => void;
};

/**
 * The source's time, as long as it does not go back; then the latest instant seen, until the source has caught up. A
 * step back of more than 1 s is logged once as CLOCK_WENT_BACK: decisions that wait for time hold meanwhile, and those
 * that lower exposure do not need time.
 */
export function monotoneClock(source: Clock, log: Log): MonotoneClock {
  let latest = 0;
  let isTold = false;
  return {
    advanceTo(at) {
      latest = Math.max(latest, at);
    },
    now() {
      const now = source.now();
      const backMs = latest - now;
      if (backMs > TOLERATED_STEP_MS && !isTold) {
        log.error(
          { code: 'CLOCK_WENT_BACK', backMs, latest, now },
          `the clock went back by ${backMs} ms; time stands still until it has caught up`,
        );
      }
      if (backMs > TOLERATED_STEP_MS) isTold = true;
      if (backMs <= 0) isTold = false;
      latest = Math.max(latest, now);
      return latest;
    },
  };
}

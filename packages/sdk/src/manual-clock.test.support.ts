import type { Clock, TimerPurpose } from './clock.ts';

type Timer = { readonly dueMs: number; readonly purpose: TimerPurpose; readonly run: () => void };

/** A clock whose time passes only when a test says so, and whose timers are fired by purpose. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>();
  readonly #waiting = new Set<() => void>();
  #elapsedMs = 0;
  readonly #startAt: number;

  constructor(startAt = 1_800_000_000_000) {
    this.#startAt = startAt;
  }

  now = (): number => this.#startAt + this.#elapsedMs;
  monotonicMs = (): number => this.#elapsedMs;
  after = (delayMs: number, purpose: TimerPurpose, run: () => void): (() => void) => {
    const timer = { dueMs: this.#elapsedMs + delayMs, purpose, run };
    this.#timers.add(timer);
    for (const wake of this.#waiting) wake();
    return () => {
      this.#timers.delete(timer);
    };
  };

  /** Lets time pass without firing anything. */
  pass(durationMs: number): void {
    this.#elapsedMs += durationMs;
  }

  /** Waits for a timer of this purpose, lets time pass until it is due, and fires it. Gives the time that passed. */
  async fire(purpose: TimerPurpose): Promise<number> {
    const timer = await this.#timer(purpose);
    const before = this.#elapsedMs;
    this.#elapsedMs = Math.max(before, timer.dueMs);
    this.#timers.delete(timer);
    timer.run();
    return this.#elapsedMs - before;
  }

  /** Timers that run now, by purpose. */
  get pending(): readonly TimerPurpose[] {
    return [...this.#timers].map((timer) => timer.purpose);
  }

  async #timer(purpose: TimerPurpose): Promise<Timer> {
    for (;;) {
      const found = [...this.#timers].find((timer) => timer.purpose === purpose);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }
}

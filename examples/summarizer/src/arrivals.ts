import { exponential, type Random } from './random.ts';

/**
 * Instants of a Poisson process, drawn ahead of time: they do not depend on how the requests before them fare (open
 * loop). Times are in milliseconds on the caller's clock, rates per second.
 */
export class Arrivals {
  readonly #random: Random;
  #atMs: number;
  rate: number;

  constructor(random: Random, rate: number, fromMs: number) {
    this.#random = random;
    this.rate = rate;
    this.#atMs = fromMs;
    this.#advance();
  }

  /** When the next one is due. */
  get nextMs(): number {
    return this.#atMs;
  }

  /** Takes all that are due by `nowMs`, oldest first. */
  due(nowMs: number): readonly number[] {
    const due: number[] = [];
    while (this.#atMs <= nowMs) {
      due.push(this.#atMs);
      this.#advance();
    }
    return due;
  }

  #advance(): void {
    this.#atMs += exponential(this.#random, 1000 / this.rate);
  }
}

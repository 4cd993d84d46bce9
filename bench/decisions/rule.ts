import type { Traffic } from './traffic.ts';

/** A way to decide whether to abort. */
export type Rule = {
  /** Key of its figures. */
  readonly key: string;
  /** Name for people. */
  readonly name: string;
  /** Whether it models a product whose formula is not public. */
  readonly isModel: boolean;
  /** Minutes until it aborts (it looks when a minute is over, so at least 1); Infinity if it never does. */
  readonly abortsAfter: (traffic: Traffic) => number;
};

/** Sum over the minutes [from, to). */
export function sumOf(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let minute = from; minute < to; minute += 1) sum += values[minute];
  return sum;
}

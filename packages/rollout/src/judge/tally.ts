/**
 * Sums that only ever grow by addition: every accumulator of a check is one flat vector of them. Two instants of a
 * tally differ by the evidence in between, so a restart of a process is a snapshot, and nothing is kept twice.
 */
export type Tally = readonly number[];

/** Sum of two tallies of one length; an empty one is all zeros. Plain loops: this is the innermost work of a fold. */
export function plus(a: Tally, b: Tally): Tally {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const sum = new Array<number>(a.length);
  for (let index = 0; index < a.length; index += 1) sum[index] = a[index] + b[index];
  return sum;
}

/** What came between two instants of a tally. */
export function minus(later: Tally, earlier: Tally): Tally {
  if (earlier.length === 0) return later;
  const rest = new Array<number>(later.length);
  for (let index = 0; index < later.length; index += 1) rest[index] = later[index] - earlier[index];
  return rest;
}

/** Sum of a vector. */
export function total(values: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index];
  return sum;
}

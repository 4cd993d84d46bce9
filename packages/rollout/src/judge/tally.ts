/**
 * Sums that only ever grow by addition: every accumulator of a check is one flat vector of them. Two instants of a
 * tally differ by the evidence in between, so a restart of a process is a copy, and nothing is kept twice. Grown in
 * place by the fold that owns it.
 */
export type Tally = number[];

/** A tally as those see it who may not change it. */
export type Sums = readonly number[];

/** A tally of zeros, which the engine keeps as doubles from the start: a fold then meets vectors of one kind only. */
export function emptyTally(size: number): Tally {
  const tally: Tally = [];
  for (let index = 0; index < size; index += 1) tally.push(0.5);
  return tally.fill(0);
}

/** Adds a vector to a part of a tally. Plain loops: this is the innermost work of a fold. */
export function addAt(into: Tally, at: number, values: Sums): void {
  for (let index = 0; index < values.length; index += 1) into[at + index] += values[index];
}

/** Sum of a vector, or of a part of it. */
export function total(values: Sums, from = 0, to = values.length): number {
  let sum = 0;
  for (let index = from; index < to; index += 1) sum += values[index];
  return sum;
}

/** What came after an earlier instant in one place of a tally. */
export function since(tally: Sums, at: number, earlier: Sums | undefined): number {
  return earlier === undefined ? tally[at] : tally[at] - earlier[at];
}

const DIFFERENCES = new Map<number, number[]>();

/** What came between two instants of a tally: the same vector at each call of one size, to be read before the next. */
export function between(later: Sums, earlier: Sums | undefined): Sums {
  if (earlier === undefined) return later;
  const size = later.length;
  const into = DIFFERENCES.get(size) ?? emptyTally(size);
  DIFFERENCES.set(size, into);
  for (let index = 0; index < size; index += 1) into[index] = later[index] - earlier[index];
  return into;
}

import type { Chance } from './chance.ts';

/** Draws an index with a chance in proportion to its weight, in constant time (Walker's alias method, Vose 1991). */
export type AliasTable = {
  readonly draw: (chance: Chance) => number;
};

/** Table of weights of at least 0, of which one is above 0. */
export function aliasTable(weights: readonly number[] | Float64Array): AliasTable {
  const size = weights.length;
  let total = 0;
  for (const weight of weights) total += weight;
  const scaled = Float64Array.from(weights, (weight) => (weight / total) * size);
  const keep = new Float64Array(size).fill(1);
  const other = Int32Array.from({ length: size }, (_, index) => index);
  const small: number[] = [];
  const large: number[] = [];
  for (let index = 0; index < size; index += 1) (scaled[index] < 1 ? small : large).push(index);
  while (small.length > 0 && large.length > 0) {
    const low = small.pop() ?? 0;
    const high = large.pop() ?? 0;
    keep[low] = scaled[low];
    other[low] = high;
    scaled[high] -= 1 - scaled[low];
    (scaled[high] < 1 ? small : large).push(high);
  }
  return {
    draw(chance) {
      const place = chance.uniform() * size;
      const index = Math.floor(place);
      return place - index < keep[index] ? index : other[index];
    },
  };
}

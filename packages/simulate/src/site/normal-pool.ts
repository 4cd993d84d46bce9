import type { Chance } from '../chance/chance.ts';

const SIZE = 4096;
const MASK = SIZE - 1;

/**
 * A stock of standard normals, centred and scaled exactly, read from random places: noise of many buckets at the price of
 * one draw.
 */
export type NormalPool = {
  /** A place to read from. */
  readonly start: () => number;
  /** Normal `offset` after a place. */
  readonly at: (place: number, offset: number) => number;
};

/** Fills a pool. */
export function normalPool(chance: Chance): NormalPool {
  const values = Float64Array.from({ length: SIZE }, () => chance.normal());
  const mean = values.reduce((sum, value) => sum + value, 0) / SIZE;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / SIZE);
  for (let index = 0; index < SIZE; index += 1) values[index] = (values[index] - mean) / spread;
  return {
    start: () => Math.floor(chance.uniform() * SIZE),
    at: (place, offset) => values[(place + offset) & MASK],
  };
}

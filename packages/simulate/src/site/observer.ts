import { type AliasTable, aliasTable } from '../chance/alias-table.ts';
import type { Chance } from '../chance/chance.ts';
import type { NormalPool } from './normal-pool.ts';

/** Up to this many observations are placed one by one; more are spread by weight. */
const FEW = 48;
/** Observations over which the weights of buckets keep their noise: fewer would make it larger than the weights. */
const LEAST_PERIOD = 1024;

/** The observations of one crowd in one batch, by user bucket. */
export type Observer = {
  /** How many there are now. */
  count: number;
  /** Expected number. */
  mean: number;
  /** Whether each stands in `places`; else `n` holds them by bucket. */
  isFew: boolean;
  readonly places: Int32Array;
  readonly n: Float64Array;
  readonly weights: Float64Array;
  readonly table: AliasTable | undefined;
  /** Weights with the noise of the running period, and their square roots. */
  readonly noisy: Float64Array;
  readonly roots: Float64Array;
  /** Observations until the noise of the weights is drawn again. */
  left: number;
};

/** An observer of units whose buckets have these weights (at least 0). */
export function openObserver(weights: Float64Array): Observer {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const normalised = total > 0 ? weights.map((weight) => weight / total) : weights;
  return {
    count: 0,
    mean: 0,
    isFew: true,
    places: new Int32Array(FEW),
    n: new Float64Array(weights.length),
    weights: normalised,
    table: total > 0 ? aliasTable(normalised) : undefined,
    noisy: new Float64Array(weights.length),
    roots: new Float64Array(weights.length),
    left: 0,
  };
}

/** Draws `count` observations and adds them to `into` by bucket. */
export function observe(
  observer: Observer,
  count: number,
  mean: number,
  into: number[],
  chance: Chance,
  pool: NormalPool,
): void {
  const { table, places } = observer;
  observer.count = table === undefined ? 0 : count;
  observer.mean = mean;
  observer.isFew = observer.count <= FEW;
  if (table === undefined || count === 0) return;
  if (observer.isFew) {
    for (let index = 0; index < count; index += 1) {
      const bucket = table.draw(chance);
      places[index] = bucket;
      into[bucket] += 1;
    }
    return;
  }
  if (observer.left <= 0) redraw(observer, count, pool);
  observer.left -= count;
  const { n, noisy } = observer;
  for (let bucket = 0; bucket < n.length; bucket += 1) {
    const here = count * noisy[bucket];
    n[bucket] = here;
    into[bucket] += here;
  }
}

/**
 * Noise of the weights for the next observations: over a period each bucket's number is as scattered as a Poisson count
 * would be, at a hundredth of the price.
 */
function redraw(observer: Observer, count: number, pool: NormalPool): void {
  const { weights, noisy, roots } = observer;
  const period = Math.max(LEAST_PERIOD, count);
  observer.left = period;
  const place = pool.start();
  let total = 0;
  for (let bucket = 0; bucket < weights.length; bucket += 1) {
    const weight = weights[bucket];
    const drawn = weight + Math.sqrt(weight / period) * pool.at(place, bucket);
    noisy[bucket] = Math.max(0, drawn);
    total += noisy[bucket];
  }
  for (let bucket = 0; bucket < noisy.length; bucket += 1) {
    noisy[bucket] /= total;
    roots[bucket] = Math.sqrt(noisy[bucket]);
  }
}

/** Bucket of a rare event among the observations; there is at least one. */
export function placeOfEvent(observer: Observer, chance: Chance): number {
  const { isFew, places, count, table } = observer;
  if (isFew) return places[Math.floor(chance.uniform() * count)];
  return table === undefined ? 0 : table.draw(chance);
}

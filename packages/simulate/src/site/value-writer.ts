import { betaQuantile, logNormalCdf } from '@rampart/stats';
import type { Chance } from '../chance/chance.ts';
import { normalQuantile } from '../chance/normal-quantile.ts';
import type { MetricModel } from '../world/world.ts';
import type { CellSums } from './cell.ts';
import { type Observer, placeOfEvent } from './observer.ts';
import type { Drawing } from './proportion-writer.ts';

type ValueModel = Extract<MetricModel, { kind: 'value' | 'score' }>;

/** How the values of one distribution are drawn. */
type Values = {
  /** Mean and mean square of all. */
  readonly mean: number;
  readonly square: number;
  readonly any: (chance: Chance) => number;
  /** Share of the largest values, which are drawn one by one so that sums stay as skewed as they are. */
  readonly tailShare: number;
  readonly tail: (chance: Chance) => number;
  /** Mean and square of the rest, and the variance it needs for the whole to have the right one. */
  readonly bulkMean: number;
  readonly bulkSquare: number;
  readonly bulkVariance: number;
};

const TABLE = 1024;
/** Slots at the end of the table whose values differ too much to stand for each other. */
const EXACT = 16;
/** Above this the sums of a batch are skewed enough to need more of the tail. */
const SKEWED_SIGMA = 1;

const cdf = (z: number) => Math.exp(logNormalCdf(z));

function lognormalValues(mean: number, sigma: number): Values {
  const mu = Math.log(mean) - sigma ** 2 / 2;
  const tailShare = sigma > SKEWED_SIGMA ? 0.05 : 0.02;
  const cut = normalQuantile(1 - tailShare);
  const valueAt = (upper: number) => Math.exp(mu - sigma * normalQuantile(upper));
  const table = Float64Array.from({ length: TABLE }, (_, slot) => valueAt((tailShare * (slot + 0.5)) / TABLE));
  const bulk = Float64Array.from({ length: TABLE }, (_, slot) =>
    valueAt(tailShare + ((1 - tailShare) * (slot + 0.5)) / TABLE),
  );
  const square = mean ** 2 * Math.exp(sigma ** 2);
  const bulkSquare = square * cdf(cut - 2 * sigma);
  const variance = square - mean ** 2 - (square - bulkSquare);
  const ofTail = (share: number) =>
    share * TABLE < EXACT ? valueAt(tailShare * Math.max(share, 1e-12)) : table[Math.floor(share * TABLE)];
  return {
    mean,
    square,
    any(chance) {
      const share = chance.uniform();
      if (share < tailShare) return ofTail(share / tailShare);
      return bulk[Math.floor(((share - tailShare) / (1 - tailShare)) * TABLE)];
    },
    tailShare,
    tail: (chance) => ofTail(chance.uniform()),
    bulkMean: (mean * cdf(cut - sigma)) / (1 - tailShare),
    bulkSquare: bulkSquare / (1 - tailShare),
    bulkVariance: Math.max(0, variance / (1 - tailShare)),
  };
}

function scoreValues(mean: number, concentration: number): Values {
  const table = Float64Array.from({ length: TABLE }, (_, slot) =>
    betaQuantile((slot + 0.5) / TABLE, mean * concentration, (1 - mean) * concentration),
  );
  const average = table.reduce((sum, value) => sum + value, 0) / TABLE;
  const square = table.reduce((sum, value) => sum + value * value, 0) / TABLE;
  const any = (chance: Chance) => table[Math.floor(chance.uniform() * TABLE)];
  const bulk = { bulkMean: average, bulkSquare: square, bulkVariance: square - average ** 2 };
  return { mean: average, square, any, tailShare: 0, tail: any, ...bulk };
}

/** The distributions of a model by factor on its mean: made once, shared by all writers of a metric. */
export function valuesByFactor(model: ValueModel): (factor: number) => Values {
  const known = new Map<number, Values>();
  return (factor) => {
    const before = known.get(factor);
    if (before !== undefined) return before;
    const mean = model.mean * factor;
    const made =
      model.kind === 'value'
        ? lognormalValues(mean, model.sigma)
        : scoreValues(Math.min(0.999, Math.max(0.001, mean)), model.concentration);
    known.set(factor, made);
    return made;
  };
}

/** Opens a writer for a crowd whose values nobody compares: their expected sums, for display. */
export function expectedWriter({ totals }: CellSums, values: (factor: number) => Values): ValueWriter {
  return ({ count }, factor) => {
    const { mean, square } = values(factor);
    totals.x += count * mean;
    totals.xx += count * square;
  };
}

/** Writes the values of a crowd's observations; `factor` multiplies today's mean. */
export type ValueWriter = (observer: Observer, factor: number) => void;

/** Opens the writer of a mean or ratio of a crowd: few values one by one, of many the tail, and the bulk by its moments. */
export function valueWriter(sums: CellSums, values: (factor: number) => Values, drawing: Drawing): ValueWriter {
  const { chance, pool } = drawing;
  const add = (bucket: number, value: number) => {
    sums.x[bucket] += value;
    sums.xx[bucket] += value * value;
  };
  return (observer, factor) => {
    const of = values(factor);
    const { count, isFew, places, noisy, roots } = observer;
    if (count === 0) return;
    sums.isDirty = true;
    if (isFew) {
      for (let index = 0; index < count; index += 1) add(places[index], of.any(chance));
      return;
    }
    const place = pool.start();
    const bulk = count * (1 - of.tailShare);
    const [sum, square] = [bulk * of.bulkMean, bulk * of.bulkSquare];
    const noise = Math.sqrt(bulk * of.bulkVariance);
    const { x, xx } = sums;
    for (let bucket = 0; bucket < noisy.length; bucket += 1) {
      x[bucket] += sum * noisy[bucket] + noise * roots[bucket] * pool.at(place, bucket);
      xx[bucket] += square * noisy[bucket];
    }
    const drawn = chance.poisson(count * of.tailShare);
    for (let index = 0; index < drawn; index += 1) add(placeOfEvent(observer, chance), of.tail(chance));
  };
}

import { logBinsOf } from '@rampart/connectors';
import { BINS_PER_OCTAVE, LOWEST_BIN } from '@rampart/rollout';
import { coarser } from './point-increase.ts';
import type { PointValue } from './point-value.ts';

/** Sums over observations, as cells of evidence hold them; `bins` where their histogram is wanted. */
export type Sums = {
  readonly count: number;
  readonly sum: number;
  readonly sumSquares: number;
  readonly bins?: ReadonlyMap<number, number>;
};

/** The value of a point of either sort of histogram. */
export type HistogramValue = Exclude<PointValue, { kind: 'number' }>;

/** Scale at which the buckets of an exponential histogram are Rampart's log bins. */
const OWN_SCALE = Math.log2(BINS_PER_OCTAVE);
/** Above the bin of the largest double. */
const HIGHEST_BIN = 1024 * BINS_PER_OCTAVE;

/** Histogram of a point in log bins; `factor` takes its unit to that of the metric. Exact for exponential ones of scale 4 and above in the same unit. */
export function binsOf(value: HistogramValue, factor = 1): ReadonlyMap<number, number> {
  if (value.kind === 'explicit') return new Map(logBinsOf(explicitEdges(value.bounds, value.counts, factor)));
  const bins =
    value.scale >= OWN_SCALE && factor === 1
      ? shifted(value)
      : new Map(logBinsOf(exponentialEdges(value.scale, value.positive, factor)));
  if (value.low > 0) bins.set(LOWEST_BIN, (bins.get(LOWEST_BIN) ?? 0) + value.low);
  return bins;
}

function shifted(value: Extract<PointValue, { kind: 'exponential' }>): Map<number, number> {
  const { offset, counts } = coarser(value, OWN_SCALE);
  const bins = new Map<number, number>();
  for (const [i, count] of counts.entries()) {
    const bin = Math.min(HIGHEST_BIN, Math.max(LOWEST_BIN, offset + i));
    if (count > 0) bins.set(bin, (bins.get(bin) ?? 0) + count);
  }
  return bins;
}

/** Cumulative counts by upper edge. */
function explicitEdges(bounds: readonly number[], counts: readonly number[], factor: number): Map<number, number> {
  const edges = new Map<number, number>();
  let total = 0;
  for (const [i, count] of counts.entries()) {
    total += count;
    edges.set((bounds[i] ?? Number.POSITIVE_INFINITY) * factor, total);
  }
  return edges;
}

function exponentialEdges(
  scale: number,
  { offset, counts }: { readonly offset: number; readonly counts: readonly number[] },
  factor: number,
): Map<number, number> {
  const edgeOf = (index: number) => 2 ** (index / 2 ** scale) * factor;
  const edges = new Map([[edgeOf(offset), 0]]);
  let total = 0;
  for (const [i, count] of counts.entries()) {
    total += count;
    edges.set(edgeOf(offset + i + 1), total);
  }
  return edges;
}

/** Sums of `count` equal values. */
export function sumsOf(count: number, value: number): Sums {
  return { count, sum: count * value, sumSquares: count * value * value };
}

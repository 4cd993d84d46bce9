import { BINS_PER_OCTAVE, LOWEST_BIN, upperEdgeOf } from '../evidence.ts';
import type { BinTotals } from './prepared-batch.ts';

/** Counts of a log histogram: `counts[i]` values fell into bin `from + i`. Grown in place by the fold that owns it. */
export type Histogram = { from: number; counts: number[] };

/** A histogram as those see it who may not change it. */
export type Counts = { readonly from: number; readonly counts: readonly number[] };

/** A histogram without values. */
export function emptyHistogram(): Histogram {
  return { from: 0, counts: [] };
}

/** An independent copy. */
export function copyHistogram({ from, counts }: Counts): Histogram {
  return { from, counts: [...counts] };
}

/** Makes room for a bin and gives its place. */
function placeOf(into: Histogram, bin: number): number {
  if (into.counts.length === 0) into.from = bin;
  if (bin < into.from) {
    into.counts = [...new Array<number>(into.from - bin).fill(0), ...into.counts];
    into.from = bin;
  }
  while (into.counts.length <= bin - into.from) into.counts.push(0);
  return bin - into.from;
}

/** Adds the counts of one arm of a batch, whatever the users. */
export function addBins(into: Histogram, { bin, count }: BinTotals): void {
  for (let index = 0; index < bin.length; index += 1) {
    const place = placeOf(into, bin[index]);
    into.counts[place] += count[index];
  }
}

/** Number of values. */
export function sizeOf({ counts }: Counts): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

/** Where a share `quantile` of the values lie at or below: the bin, and how far into it (0 to 1). */
function locate(of: Counts, quantile: number): { readonly bin: number; readonly depth: number } | undefined {
  const wanted = quantile * sizeOf(of);
  let below = 0;
  for (let index = 0; index < of.counts.length; index += 1) {
    const count = of.counts[index];
    if (count > 0 && below + count >= wanted - 1e-9) {
      return { bin: of.from + index, depth: Math.max(0, wanted - below) / count };
    }
    below += count;
  }
  return undefined;
}

/** Quantile of a histogram, interpolated inside its bin on the log scale; `undefined` for an empty one. */
export function quantileOf(histogram: Counts, quantile: number): number | undefined {
  const place = locate(histogram, quantile);
  return place && upperEdgeOf(place.bin) * 2 ** ((Math.min(1, place.depth) - 1) / BINS_PER_OCTAVE);
}

/** The bin edge at or just above a quantile: a cut that splits the histogram exactly. */
export function quantileEdgeOf(histogram: Counts, quantile: number): number | undefined {
  const place = locate(histogram, quantile);
  return place && upperEdgeOf(place.bin);
}

/**
 * The lowest bin that counts as beyond a cut. A bin that straddles the cut counts only where `certain` is false: the fail
 * side counts what is surely beyond, the pass side what may be.
 */
export function firstBinBeyond(cut: number, certain: boolean): number {
  if (!(cut > 0)) return Number.NEGATIVE_INFINITY;
  const edge = Math.log2(cut) * BINS_PER_OCTAVE;
  if (!certain) return Math.floor(edge - 1 + 1e-9) + 1;
  // Values of the lowest bin may be 0: none is surely beyond a cut.
  return Math.max(LOWEST_BIN + 1, Math.ceil(edge - 1e-9));
}

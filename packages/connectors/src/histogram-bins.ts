import { BINS_PER_OCTAVE, binOf } from '@rampart/rollout';

/** Observations of one histogram bucket: `count` values in (low, high]. */
type Bucket = { readonly low: number; readonly high: number; readonly count: number };

/** Buckets from cumulative counts by upper edge (`le`, in any order; `Infinity` for the last). */
function bucketsOf(cumulative: ReadonlyMap<number, number>): readonly Bucket[] {
  const edges = [...cumulative].sort(([one], [other]) => one - other);
  return edges.map(([high, total], i) => {
    const [low, below] = edges[i - 1] ?? [0, 0];
    return { low, high, count: Math.max(0, total - below) };
  });
}

/**
 * Log bins, as evidence has them, from the cumulative counts of a Prometheus histogram by upper edge. Where in a bucket
 * its values lie is not on record: they are spread evenly over it on the log scale, so that a limit at an edge of the
 * histogram is judged exactly and one between two edges by interpolation. Values below the first edge count as at it,
 * values above the last finite one as just above that.
 */
export function logBinsOf(cumulative: ReadonlyMap<number, number>): readonly (readonly [bin: number, count: number])[] {
  const bins = new Map<number, number>();
  for (const bucket of bucketsOf(cumulative)) {
    for (const [bin, count] of spread(bucket)) bins.set(bin, (bins.get(bin) ?? 0) + count);
  }
  return [...bins].filter(([, count]) => count > 0).sort(([one], [other]) => one - other);
}

function spread({ low, high, count }: Bucket): readonly (readonly [number, number])[] {
  if (high === Number.POSITIVE_INFINITY) return [[binOf(low) + 1, count]];
  if (low <= 0) return [[binOf(high), count]];
  const [from, to] = [Math.log2(low) * BINS_PER_OCTAVE, Math.log2(high) * BINS_PER_OCTAVE];
  const [first, last] = [Math.floor(from + 1e-9), binOf(high)];
  const upTo = (bin: number) => Math.round(count * Math.min(1, (bin + 1 - from) / (to - from)) || 0);
  return Array.from({ length: Math.max(1, last - first + 1) }, (_, i) => {
    const bin = first + i;
    const through = bin >= last ? count : upTo(bin);
    return [bin, through - (i === 0 ? 0 : upTo(bin - 1))] as const;
  });
}

import type { ExponentialPoint, HistogramPoint, NumberPoint } from './wire-table.ts';

/** Counts of an exponential histogram from an index on: entry `i` holds values in (b^(offset+i), b^(offset+i+1)], b = 2^(2^-scale). */
export type IndexedCounts = { readonly offset: number; readonly counts: readonly number[] };

/** What a data point says, apart from when and of whom. Absent `sum`: not sent. */
export type PointValue =
  | { readonly kind: 'number'; readonly value: number }
  | {
      readonly kind: 'explicit';
      readonly count: number;
      readonly sum?: number;
      readonly bounds: readonly number[];
      readonly counts: readonly number[];
    }
  | {
      readonly kind: 'exponential';
      readonly count: number;
      readonly sum?: number;
      readonly scale: number;
      /** Values at or about 0, and negative ones: neither durations nor tokens have any. */
      readonly low: number;
      readonly positive: IndexedCounts;
    };

/** Bit 0 of a point's flags: it marks the end of its stream and carries no value. */
const NO_RECORDED_VALUE = 1;

/** The value of a number point; a text says why it has none that counts. */
export function numberValueOf({ asDouble, asInt, flags = 0 }: NumberPoint): PointValue | string {
  if ((flags & NO_RECORDED_VALUE) !== 0) return 'no recorded value';
  const value = asDouble ?? asInt;
  if (value === undefined || !Number.isFinite(value)) return `a value of ${value ?? 'nothing'}`;
  return { kind: 'number', value };
}

/** The value of an explicit histogram's point; a text says why it has none that counts. */
export function explicitValueOf(point: HistogramPoint): PointValue | string {
  const { count = 0, sum, bucketCounts: counts = [], explicitBounds: bounds = [], flags = 0 } = point;
  if ((flags & NO_RECORDED_VALUE) !== 0) return 'no recorded value';
  if (sum !== undefined && !Number.isFinite(sum)) return `a sum of ${sum}`;
  const isRising = bounds.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > (bounds[i - 1] ?? 0)));
  if (!isRising) return 'bounds that do not rise';
  if (counts.length > 0 && counts.length !== bounds.length + 1) {
    return `${counts.length} bucket counts over ${bounds.length} bounds`;
  }
  if (counts.length > 0 && totalOf(counts) !== count) return `bucket counts that do not add up to its count ${count}`;
  return { kind: 'explicit', count, bounds, counts, ...(sum !== undefined && { sum }) };
}

/** The value of an exponential histogram's point; a text says why it has none that counts. */
export function exponentialValueOf(point: ExponentialPoint): PointValue | string {
  const { count = 0, sum, scale = 0, zeroCount = 0, positive = {}, negative = {}, flags = 0 } = point;
  if ((flags & NO_RECORDED_VALUE) !== 0) return 'no recorded value';
  if (sum !== undefined && !Number.isFinite(sum)) return `a sum of ${sum}`;
  // Bounds of the scale in the specification of the data model.
  if (scale < -10 || scale > 20) return `a scale of ${scale}`;
  const counts = positive.bucketCounts ?? [];
  const low = zeroCount + totalOf(negative.bucketCounts ?? []);
  if (low + totalOf(counts) !== count) return `bucket counts that do not add up to its count ${count}`;
  const { offset = 0 } = positive;
  return {
    ...{ kind: 'exponential', count, scale, low, positive: { offset, counts } },
    ...(sum !== undefined && { sum }),
  };
}

function totalOf(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

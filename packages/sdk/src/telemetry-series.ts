import { binOf, type TelemetrySeries, USER_BUCKETS } from '@rampart/api/wire';
import type { Aggregation } from '@rampart/flags';
import type { Slot } from './slot.ts';

/** Most series kept between two flushes; more are dropped and counted. */
const MAX_SERIES = 5000;
/** Most histogram bins of one user bucket of one series: the receiver takes no more. */
const MAX_BINS_PER_BUCKET = 2048;
/** Most histogram bins over all series between two flushes. */
const MAX_BINS = 500_000;
/** Largest magnitude of a value: the sum of squares of any number of these stays a finite double. */
const LARGEST_VALUE = 1e140;

/** Bounds of the aggregation; tests make them small. */
export type SeriesLimits = { readonly maxSeries: number; readonly maxBins: number };

/**
 * Sums observations by flag, rollout, attempt, epoch, stratum, arm, metric and user bucket. Its cost depends on how many
 * of these there are, not on traffic. What does not fit is dropped whole and counted.
 */
export class SeriesTable {
  readonly #limits: SeriesLimits;
  #series = new Map<string, Map<string, Series>>();
  #size = 0;
  #bins = 0;
  #dropped = 0;

  constructor(limits: SeriesLimits = { maxSeries: MAX_SERIES, maxBins: MAX_BINS }) {
    this.#limits = limits;
  }

  /** Adds one observation. `bucket` is the user bucket in [0, 64). */
  add(slot: Slot, metric: string, aggregation: Aggregation, bucket: number, value: number): void {
    const series = this.#seriesOf(slot, metric);
    if (series === undefined || !(Math.abs(value) <= LARGEST_VALUE)) {
      this.#dropped += 1;
      return;
    }
    if (aggregation === 'histogram' && !this.#addToBin(series, bucket, value)) {
      this.#dropped += 1;
      return;
    }
    series.add(bucket, value);
  }

  /** Counts observations that were lost elsewhere. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** Observations lost since the last `take`. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Hands out what was summed since the last time, and starts anew. */
  take(): { readonly series: readonly TelemetrySeries[]; readonly dropped: number } {
    const all = [...this.#series.values()].flatMap((metrics) => [...metrics.values()]);
    const series = all.filter((each) => each.size > 0).map((each) => each.toWire());
    const dropped = this.#dropped;
    this.#series = new Map();
    this.#size = 0;
    this.#bins = 0;
    this.#dropped = 0;
    return { series, dropped };
  }

  #seriesOf(slot: Slot, metric: string): Series | undefined {
    const metrics = this.#series.get(slot.id);
    const known = metrics?.get(metric);
    if (known !== undefined) return known;
    if (this.#size >= this.#limits.maxSeries) return undefined;
    const series = new Series(slot, metric);
    this.#size += 1;
    if (metrics === undefined) this.#series.set(slot.id, new Map([[metric, series]]));
    else metrics.set(metric, series);
    return series;
  }

  #addToBin(series: Series, bucket: number, value: number): boolean {
    const bins = series.binsOf(bucket);
    const bin = binOf(value);
    const count = bins.get(bin);
    if (count === undefined && (bins.size >= MAX_BINS_PER_BUCKET || this.#bins >= this.#limits.maxBins)) return false;
    if (count === undefined) this.#bins += 1;
    bins.set(bin, (count ?? 0) + 1);
    return true;
  }
}

class Series {
  readonly #slot: Slot;
  readonly #metric: string;
  readonly #count = new Float64Array(USER_BUCKETS);
  readonly #sum = new Float64Array(USER_BUCKETS);
  readonly #sumSquares = new Float64Array(USER_BUCKETS);
  #bins: Map<number, Map<number, number>> | undefined;
  size = 0;

  constructor(slot: Slot, metric: string) {
    this.#slot = slot;
    this.#metric = metric;
  }

  add(bucket: number, value: number): void {
    this.size += 1;
    this.#count[bucket] = at(this.#count, bucket) + 1;
    this.#sum[bucket] = at(this.#sum, bucket) + value;
    this.#sumSquares[bucket] = at(this.#sumSquares, bucket) + value * value;
  }

  binsOf(bucket: number): Map<number, number> {
    this.#bins ??= new Map();
    const known = this.#bins.get(bucket);
    if (known !== undefined) return known;
    const bins = new Map<number, number>();
    this.#bins.set(bucket, bins);
    return bins;
  }

  toWire(): TelemetrySeries {
    const { flag, place } = this.#slot;
    const metric = this.#metric;
    const bucket = [...this.#count.keys()].filter((index) => at(this.#count, index) > 0);
    const pick = (column: Float64Array): number[] => bucket.map((index) => at(column, index));
    const { rollout, attempt, epoch, stratum, arm } = place;
    const series = {
      ...{ flag, rollout, attempt, epoch, stratum, arm, metric, bucket },
      ...{ count: pick(this.#count), sum: pick(this.#sum), sumSquares: pick(this.#sumSquares) },
    };
    return this.#bins === undefined ? series : { ...series, bins: bucket.map((index) => this.#pairs(index)) };
  }

  #pairs(bucket: number): (readonly [number, number])[] {
    return [...(this.#bins?.get(bucket) ?? [])].sort(([one], [other]) => one - other);
  }
}

function at(column: Float64Array, index: number): number {
  return column[index] ?? 0;
}

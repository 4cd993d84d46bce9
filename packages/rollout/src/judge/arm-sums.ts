import type { Arm } from '@rampart/flags';
import {
  BINS_PER_OCTAVE,
  type EvidenceBatch,
  type EvidenceSeries,
  LOWEST_BIN,
  USER_BUCKETS,
  upperEdgeOf,
} from '../evidence.ts';

/** Index of observations whose users are unknown, after the 64 user buckets. */
export const UNKNOWN = USER_BUCKETS;
const WIDTH = USER_BUCKETS + 1;

/** Counts of a log histogram by bin. */
export type Histogram = Readonly<Record<string, number>>;

/** Sums of one metric in one arm by user bucket (64, then unknown users). */
export type ArmSums = {
  readonly n: readonly number[];
  readonly x: readonly number[];
  readonly xx: readonly number[];
  /** Histogram per user bucket, for metrics that are aggregated so. */
  readonly bins: readonly Histogram[];
};

/** One stratum of one batch: both arms of one metric where shares are the same. */
export type StratumSums = {
  readonly epoch: number;
  readonly stratum: number;
  readonly treatment: ArmSums;
  readonly control: ArmSums;
};

/** One metric's part of a batch. */
export type MetricBatch = {
  readonly strata: readonly StratumSums[];
  /** Units placed by their audience, by epoch: exposed, and in neither arm. */
  readonly targeted: readonly { readonly epoch: number; readonly sums: ArmSums }[];
  /** Occurrences in the batch, for a count whose source knows no arms. */
  readonly unattributed?: number;
};

const zeros = (): number[] => new Array<number>(WIDTH).fill(0);
const EMPTY: ArmSums = { n: zeros(), x: zeros(), xx: zeros(), bins: [] };

function addSeries(into: ArmSums, series: EvidenceSeries): ArmSums {
  const [n, x, xx, bins] = [[...into.n], [...into.x], [...into.xx], [...into.bins]];
  series.bucket.forEach((bucket, index) => {
    const at = bucket >= 0 ? bucket : UNKNOWN;
    n[at] += series.count[index];
    x[at] += series.sum[index];
    xx[at] += series.sumSquares[index];
    const counts = series.bins?.[index];
    if (counts) bins[at] = addHistogram(bins[at] ?? {}, counts);
  });
  return { n, x, xx, bins };
}

function addHistogram(into: Histogram, counts: readonly (readonly [number, number])[]): Histogram {
  const sum: Record<string, number> = { ...into };
  for (const [bin, count] of counts) sum[bin] = (sum[bin] ?? 0) + count;
  return sum;
}

/** Sum of histograms; holes count as empty. */
export function mergeHistograms(parts: readonly (Histogram | undefined)[]): Histogram {
  const sum: Record<string, number> = {};
  for (const part of parts) {
    for (const [bin, count] of Object.entries(part ?? {})) sum[bin] = (sum[bin] ?? 0) + count;
  }
  return sum;
}

/** One metric's part of a batch, from epochs of the current statistics only. */
export function metricBatch(batch: EvidenceBatch, metric: string, fromEpoch: number): MetricBatch {
  const strata = new Map<string, { epoch: number; stratum: number; arms: Record<Arm, ArmSums> }>();
  for (const series of batch.series) {
    if (series.metric !== metric || series.epoch < fromEpoch) continue;
    const key = `${series.epoch}/${series.stratum}`;
    const entry = strata.get(key) ?? {
      epoch: series.epoch,
      stratum: series.stratum,
      arms: { treatment: EMPTY, control: EMPTY, targeted: EMPTY },
    };
    entry.arms[series.arm] = addSeries(entry.arms[series.arm], series);
    strata.set(key, entry);
  }
  const all = [...strata.values()];
  return {
    strata: all.map(({ epoch, stratum, arms }) => ({
      epoch,
      stratum,
      treatment: arms.treatment,
      control: arms.control,
    })),
    targeted: all
      .filter(({ arms }) => arms.targeted !== EMPTY)
      .map(({ epoch, arms }) => ({ epoch, sums: arms.targeted })),
  };
}

/** The part of a metric's batch that belongs to one epoch. */
export function ofEpoch(batch: MetricBatch, epoch: number): MetricBatch {
  return {
    ...batch,
    strata: batch.strata.filter((one) => one.epoch === epoch),
    targeted: batch.targeted.filter((one) => one.epoch === epoch),
  };
}

/** All exposed units of a batch, split or targeted. */
export function exposedSums(batch: MetricBatch): readonly ArmSums[] {
  return [...batch.strata.map((one) => one.treatment), ...batch.targeted.map((one) => one.sums)];
}

/**
 * Observations beyond a cut, per user bucket. A bin that straddles the cut counts only where `certain` is false: the
 * fail side counts what is surely beyond, the pass side what may be.
 */
export function exceedances(sums: ArmSums, cut: number, certain: boolean): readonly number[] {
  return sums.n.map((_, index) => {
    const histogram = sums.bins[index];
    if (histogram === undefined) return 0;
    let beyond = 0;
    for (const [bin, count] of Object.entries(histogram)) {
      const edge = certain ? lowerEdgeOf(Number(bin)) : upperEdgeOf(Number(bin));
      if (certain ? edge >= cut * (1 - 1e-12) : edge > cut * (1 + 1e-12)) beyond += count;
    }
    return beyond;
  });
}

/** Every value in a bin is above this. */
function lowerEdgeOf(bin: number): number {
  return bin <= LOWEST_BIN ? 0 : 2 ** (bin / BINS_PER_OCTAVE);
}

/** Where a share `quantile` of the values lie at or below: the bin, and how far into it (0 to 1). */
function locate(histogram: Histogram, quantile: number): { readonly bin: number; readonly depth: number } | undefined {
  const bins = Object.entries(histogram)
    .map(([bin, count]) => [Number(bin), count] as const)
    .sort(([a], [b]) => a - b);
  const wanted = quantile * bins.reduce((sum, [, count]) => sum + count, 0);
  let below = 0;
  for (const [bin, count] of bins) {
    if (below + count >= wanted - 1e-9) return { bin, depth: Math.max(0, wanted - below) / count };
    below += count;
  }
  return undefined;
}

/** Quantile of a histogram, interpolated inside its bin on the log scale; `undefined` for an empty one. */
export function quantileOf(histogram: Histogram, quantile: number): number | undefined {
  const place = locate(histogram, quantile);
  return place && upperEdgeOf(place.bin) * 2 ** ((Math.min(1, place.depth) - 1) / BINS_PER_OCTAVE);
}

/** The bin edge at or just above a quantile: a cut that splits the histogram exactly. */
export function quantileEdgeOf(histogram: Histogram, quantile: number): number | undefined {
  const place = locate(histogram, quantile);
  return place && upperEdgeOf(place.bin);
}

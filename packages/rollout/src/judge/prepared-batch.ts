import type { Arm } from '@rampart/flags';
import { type EvidenceBatch, USER_BUCKETS, type UserCount } from '../evidence.ts';
import { total } from './tally.ts';

/** Index of observations whose users are unknown, after the 64 user buckets. */
export const UNKNOWN = USER_BUCKETS;
/** Length of a vector by user bucket: 64, then unknown users. */
export const WIDTH = USER_BUCKETS + 1;

/** Counts of log histograms: entry `i` says that `count[i]` values of users in `bucket[i]` fell into `bin[i]`. */
export type BinCounts = {
  readonly bucket: readonly number[];
  readonly bin: readonly number[];
  readonly count: readonly number[];
  /** The highest bins stand first, so that a tail is a beginning. Default: any order. */
  readonly isDescending?: true;
};

/** Counts of a log histogram by bin. */
export type BinTotals = Pick<BinCounts, 'bin' | 'count'>;

/** Sums of one metric in one arm by user bucket (64, then unknown users): observations, their sum, their squares. */
export type ArmSums = {
  readonly n: readonly number[];
  readonly x: readonly number[];
  readonly xx: readonly number[];
  /** Of all buckets: most of what reads a batch needs no more. `bins`: the histogram whatever the users; a bin may come again. */
  readonly totals: { readonly n: number; readonly x: number; readonly xx: number; readonly bins?: BinTotals };
  /** For metrics that are aggregated as histograms. */
  readonly bins?: BinCounts;
};

/** Sums by user bucket, with their totals. */
export function armSums(sums: Omit<ArmSums, 'totals'>): ArmSums {
  const { n, x, xx, bins } = sums;
  const totals = { n: total(n), x: total(x), xx: total(xx) };
  if (bins === undefined) return { ...sums, totals };
  return { ...sums, totals: { ...totals, bins: totalsOf(bins) }, bins: descending(bins) };
}

/** The same counts, the highest bins first; entries of one bin stay in their order. */
function descending({ bucket, bin, count }: BinCounts): BinCounts {
  const order = [...bin.keys()].sort((one, other) => bin[other] - bin[one]);
  const pick = (values: readonly number[]) => order.map((index) => values[index]);
  return { bucket: pick(bucket), bin: pick(bin), count: pick(count), isDescending: true };
}

function totalsOf({ bin, count }: BinCounts): BinTotals {
  const totals = new Map<number, number>();
  for (let index = 0; index < bin.length; index += 1) {
    totals.set(bin[index], (totals.get(bin[index]) ?? 0) + count[index]);
  }
  return { bin: [...totals.keys()], count: [...totals.values()] };
}

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
};

/** Users counted in a batch, of one arm, epoch and stratum. */
export type UserSum = { readonly arm: Arm; readonly epoch: number; readonly stratum: number; readonly count: number };

/** A batch of evidence laid out for folding: dense by user bucket. It is read while it is folded, and never kept. */
export type PreparedBatch = Pick<
  EvidenceBatch,
  'seq' | 'fromAt' | 'toAt' | 'occurrences' | 'instances' | 'failures' | 'idle' | 'priceBooks'
> & {
  /** Whether any series arrived: data of any arm shows that the source is alive. */
  readonly hasSeries: boolean;
  readonly metrics: Readonly<Record<string, MetricBatch>>;
  readonly users: Readonly<Record<UserCount, readonly UserSum[]>>;
};

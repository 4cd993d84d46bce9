import type { Validity } from '../verdict.ts';
import type { ArmSums, MetricBatch } from './prepared-batch.ts';
import type { Sums, Tally } from './tally.ts';

/** What a fold may look at beside the batch, all of it fixed before the batch. */
export type FoldContext = {
  /** Control's quantile before this batch: the cut of a quantile comparison must not depend on what it judges. */
  readonly cut?: number | undefined;
  /** Middle of the batch on the plan's clock, epoch ms over `timeScale`: which hour of the week it belongs to. */
  readonly at: number;
  /** Length of the batch, for rates; 0 where part of it was not seen, so that silence is never taken for a low rate. */
  readonly batchMs: number;
  /** Whether anything arrived from anyone: then no events of a metric are none, where more of them would be harm. */
  readonly isAlive: boolean;
  /** Whether the metric's source was there and said that nobody came: then no events of it are none, whatever harm is. */
  readonly isIdle?: boolean;
  /** Whether everyone is exposed now. */
  readonly isEveryone: boolean;
  /** Occurrences in the batch, for a count whose source knows no arms. */
  readonly unattributed?: number | undefined;
};

/** A running vector of sums over one metric. Checks whose sides need the same sums share one. */
export type Stream = {
  /** Says what is summed: equal keys within a rollout are equal sums. */
  readonly key: string;
  readonly size: number;
  /** Whether it cuts at control's quantile. */
  readonly hasCuts?: boolean;
  /** Of a histogram, the lowest bin that matters to it; the fold need not hand it what lies below. */
  readonly fromBin?: (context: FoldContext) => number;
  readonly add: (into: Tally, batch: MetricBatch, context: FoldContext) => void;
  /** The same for the sums of the attempt, where the fail side reads less of them. */
  readonly addToAttempt?: (into: Tally, batch: MetricBatch, context: FoldContext) => void;
};

/** What a side shows beside its evidence. */
export type Shown = {
  readonly treatmentCount: number;
  readonly controlCount: number;
  /** Estimate and anytime 95 % interval in the metric's unit, where the method has them. */
  readonly value?: number;
  readonly interval?: readonly [number, number];
  readonly validity: Validity;
};

/**
 * Log likelihood ratios that are sums over batches, so that what came since an instant is a difference. A side's evidence is
 * at most the largest of them, or 0, times `power`.
 */
export type AddedRatios = {
  readonly size: number;
  /** The same vector at each call, to be read before the next. */
  readonly of: (sums: Sums) => Sums;
  readonly power: (sums: Sums) => number;
};

/**
 * One side of a check, laid out for its limit: turns batches into sums and sums into evidence. `earlier` is a copy of the
 * sums from before: evidence is then that of what came since.
 */
export type SideJudge = {
  /** Name for people, with the section of the statistics it implements. */
  readonly method: string;
  /** Absent while the line is not known. */
  readonly stream?: Stream;
  readonly logE: (sums: Sums, earlier?: Sums) => number;
  /** A cheap bound of `logE` from above. */
  readonly atMost: (sums: Sums, earlier?: Sums) => number;
  /** A cheap bound of `logE` of the whole sums from below, where there is one. */
  readonly atLeast?: (sums: Sums) => number;
  /** What `atMost` is the largest of, where it is that. */
  readonly ratios?: AddedRatios;
  /** What is missing before the method may speak; absent once it may. */
  readonly lacks: (sums: Sums) => string | undefined;
  /** Observations of treatment in the sums. */
  readonly count: (sums: Sums) => number;
  readonly show: (sums: Sums) => Shown;
};

/** Adds an arm's values from bin `first` on to the buckets of their users, from a place on; gives their number. */
export function addBeyond(into: Tally, at: number, { bins }: ArmSums, first: number): number {
  let sum = 0;
  for (let index = 0; bins !== undefined && index < bins.bin.length; index += 1) {
    if (bins.bin[index] < first) continue;
    into[at + bins.bucket[index]] += bins.count[index];
    sum += bins.count[index];
  }
  return sum;
}

/** All exposed units of a batch, split or targeted. */
export function eachExposed(batch: MetricBatch, visit: (arm: ArmSums) => void): void {
  for (const { treatment } of batch.strata) visit(treatment);
  for (const { sums } of batch.targeted) visit(sums);
}

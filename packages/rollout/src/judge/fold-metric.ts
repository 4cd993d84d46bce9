import { USER_BUCKETS } from '../evidence.ts';
import { type ArmSums, exposedSums, type MetricBatch, mergeHistograms } from './arm-sums.ts';
import type { ArmTotals, BaselineTotals, MetricEvidence } from './evidence-state.ts';
import { plus, total } from './tally.ts';

function addTotals(to: ArmTotals, sums: readonly ArmSums[]): ArmTotals {
  if (sums.length === 0) return to;
  return {
    n: to.n + total(sums.map((arm) => total(arm.n))),
    x: to.x + total(sums.map((arm) => total(arm.x))),
    xx: to.xx + total(sums.map((arm) => total(arm.xx))),
    bins: mergeHistograms([to.bins, ...sums.flatMap((arm) => arm.bins)]),
  };
}

function addBaseline(before: BaselineTotals, all: MetricBatch, batchMs: number): BaselineTotals {
  const sums = all.strata.map((stratum) => stratum.control);
  const byBucket = (from: readonly number[], pick: (arm: ArmSums) => readonly number[]) =>
    sums.reduce((sum, arm) => plus(sum, pick(arm).slice(0, USER_BUCKETS)), from);
  const totals = addTotals(before, sums);
  return {
    ...totals,
    n: totals.n + (all.unattributed ?? 0),
    seenMs: before.seenMs + batchMs,
    nByBucket: byBucket(before.nByBucket, (arm) => arm.n),
    xByBucket: byBucket(before.xByBucket, (arm) => arm.x),
  };
}

/** What the fold of a metric needs to know of the batch. */
type BatchTime = { readonly isBaseline: boolean; readonly at: number; readonly batchMs: number };

/** Displayed totals of a metric after one more batch; before exposure everyone counts towards the baseline. */
export function foldMetric(
  before: MetricEvidence,
  all: MetricBatch,
  now: MetricBatch,
  { isBaseline, at, batchMs }: BatchTime,
): MetricEvidence {
  if (isBaseline) return { ...before, baseline: addBaseline(before.baseline, all, batchMs) };
  const control = all.strata.map((stratum) => stratum.control);
  const exposed = exposedSums(now);
  const saw = exposed.some((arm) => total(arm.n) > 0);
  return {
    ...before,
    treatment: addTotals(before.treatment, exposed),
    control: addTotals(
      before.control,
      now.strata.map((stratum) => stratum.control),
    ),
    controlSoFar: mergeHistograms([before.controlSoFar, ...control.flatMap((arm) => arm.bins)]),
    ...(saw && { lastAt: at }),
  };
}

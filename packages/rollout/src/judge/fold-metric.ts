import { USER_BUCKETS } from '../evidence.ts';
import { type ArmSums, exposedSums, mergeHistograms, type MetricBatch } from './arm-sums.ts';
import type { ArmTotals, MetricEvidence } from './evidence-state.ts';
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

function addBaseline(before: MetricEvidence['baseline'], sums: readonly ArmSums[]): MetricEvidence['baseline'] {
  const byBucket = (from: readonly number[], pick: (arm: ArmSums) => readonly number[]) =>
    sums.reduce((sum, arm) => plus(sum, pick(arm).slice(0, USER_BUCKETS)), from);
  return {
    ...addTotals(before, sums),
    nByBucket: byBucket(before.nByBucket, (arm) => arm.n),
    xByBucket: byBucket(before.xByBucket, (arm) => arm.x),
  };
}

/** Displayed totals of a metric after one more batch; before exposure everyone counts towards the baseline. */
export function foldMetric(before: MetricEvidence, all: MetricBatch, now: MetricBatch, isBaseline: boolean, at: number): MetricEvidence {
  const control = all.strata.map((stratum) => stratum.control);
  if (isBaseline) return { ...before, baseline: addBaseline(before.baseline, control) };
  const exposed = exposedSums(now);
  const saw = exposed.some((arm) => total(arm.n) > 0);
  return {
    ...before,
    treatment: addTotals(before.treatment, exposed),
    control: addTotals(before.control, now.strata.map((stratum) => stratum.control)),
    controlSoFar: mergeHistograms([before.controlSoFar, ...control.flatMap((arm) => arm.bins)]),
    ...(saw && { lastAt: at }),
  };
}

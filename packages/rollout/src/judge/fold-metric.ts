import { USER_BUCKETS } from '../evidence.ts';
import type { Metric } from '../plan.ts';
import { WEEK_SLOTS } from '../verdict.ts';
import type { ArmTotals, MetricEvidence } from './evidence-state.ts';
import { addBins } from './histogram.ts';
import type { ArmSums, MetricBatch } from './prepared-batch.ts';
import { slotOf } from './rhythm.ts';
import type { FoldContext } from './side-judge.ts';
import { addAt, emptyTally } from './tally.ts';

function addTotals(to: ArmTotals, sums: ArmSums): void {
  to.n += sums.totals.n;
  to.x += sums.totals.x;
  to.xx += sums.totals.xx;
  if (sums.totals.bins) addBins(to.bins, sums.totals.bins);
}

/** Makes room in vectors that are empty before the first batch. */
function grow(baseline: MetricEvidence['baseline']): void {
  if (baseline.nByBucket.length > 0) return;
  const { nByBucket, xByBucket, week } = baseline;
  for (const tally of [nByBucket, xByBucket]) tally.push(...emptyTally(USER_BUCKETS));
  for (const tally of [week.n, week.x, week.seenMs]) tally.push(...emptyTally(WEEK_SLOTS));
}

/** Before exposure everyone counts towards the baseline. */
export function foldBaseline(
  { baseline }: MetricEvidence,
  { kind }: Metric,
  batch: MetricBatch,
  context: FoldContext,
  timeScale: number,
): void {
  // Events of a time that was not seen whole would make a rate of too many in too little.
  if (context.batchMs === 0 && (kind === 'rate' || kind === 'count')) return;
  grow(baseline);
  const slot = slotOf(context.at);
  const unattributed = context.unattributed ?? 0;
  for (const { control } of batch.strata) {
    addTotals(baseline, control);
    addAt(baseline.nByBucket, 0, control.n.slice(0, USER_BUCKETS));
    addAt(baseline.xByBucket, 0, control.x.slice(0, USER_BUCKETS));
    baseline.week.n[slot] += control.totals.n;
    baseline.week.x[slot] += control.totals.x;
  }
  baseline.n += unattributed;
  baseline.week.n[slot] += unattributed;
  baseline.seenMs += context.batchMs;
  baseline.week.seenMs[slot] += context.batchMs / timeScale;
}

/** Displayed totals of a metric after one more batch: of the running stage, and control's histogram of the attempt. */
export function foldMetric(into: MetricEvidence, attempt: MetricBatch, stage: MetricBatch, at: number): void {
  const before = into.treatment.n;
  for (const { treatment, control } of stage.strata) {
    addTotals(into.treatment, treatment);
    addTotals(into.control, control);
  }
  for (const { sums } of stage.targeted) addTotals(into.treatment, sums);
  for (const { control } of attempt.strata) if (control.totals.bins) addBins(into.controlSoFar, control.totals.bins);
  if (into.treatment.n > before) {
    into.lastAt = at;
    into.quietFrom = at;
  }
}

import type { EvidenceBatch } from '../evidence.ts';
import type { Check, Metric } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { MetricBatch } from './arm-sums.ts';
import { checksOf, type EvidenceState } from './evidence-state.ts';
import { total } from './tally.ts';

type Counted = { readonly at: number; readonly count: number };

/** Longest window any count limit of the plan looks back. */
function windowOf(checks: Iterable<Check>, metric: string): number {
  const windows = [...checks].map((check) =>
    check.metric === metric && check.limit.kind === 'count' ? check.limit.windowMs : 0,
  );
  return Math.max(0, ...windows);
}

/** A batch with the occurrences of a count whose source knows no arms: they are everyone's (semantics §2, `no spike`). */
export function withOccurrences(of: MetricBatch, batch: EvidenceBatch, metric: Metric): MetricBatch {
  if (metric.kind !== 'count' || metric.source === 'telemetry') return of;
  const own = (batch.occurrences ?? []).filter((one) => one.metric === metric.name);
  return { ...of, unattributed: total(own.map((one) => one.count)) };
}

/**
 * Occurrences of count metrics inside their windows: those reported with an instant of their own, and those the SDK
 * observed in exposed units (counted when the batch arrived; control's are not the feature's).
 */
export function foldOccurrences(evidence: EvidenceState, batch: EvidenceBatch, state: RolloutState): EvidenceState {
  const occurrences = { ...evidence.occurrences };
  const checks = [...checksOf(state).values()];
  for (const metric of Object.values(state.plan.metrics)) {
    if (metric.kind !== 'count') continue;
    const reported = (batch.occurrences ?? []).filter((one) => one.metric === metric.name);
    const observed = batch.series.filter(
      (one) => one.metric === metric.name && one.arm !== 'control' && one.epoch >= state.statisticsFromEpoch,
    );
    const seen: Counted[] = [
      ...reported.map(({ at, count }) => ({ at: Math.min(at, batch.toAt), count })),
      ...observed.map((series) => ({ at: batch.toAt, count: total(series.sum) })),
    ].filter((one) => one.count > 0);
    const kept = (occurrences[metric.name] ?? []).filter(
      (one) => one.at > batch.toAt - 2 * windowOf(checks, metric.name),
    );
    occurrences[metric.name] = [...kept, ...seen].sort((a, b) => a.at - b.at);
  }
  return { ...evidence, occurrences };
}

/** Most occurrences in any window that ends at one of them, and in the window that ends now. */
export function countInWindows(
  occurrences: readonly Counted[],
  windowMs: number,
  since: number,
  now: number,
): { readonly most: number; readonly current: number } {
  const counted = occurrences.filter((one) => one.at >= since);
  const endingAt = (end: number) =>
    total(counted.filter((one) => one.at > end - windowMs && one.at <= end).map((one) => one.count));
  return { most: Math.max(0, ...counted.map((one) => endingAt(one.at))), current: endingAt(now) };
}

import type { Metric } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Ledger } from './evidence-state.ts';
import type { PlanMetric } from './plan-checks.ts';
import type { MetricBatch, PreparedBatch } from './prepared-batch.ts';
import { eachExposed } from './side-judge.ts';
import { total } from './tally.ts';

type Counted = { readonly at: number; readonly count: number };

type Exposures = Pick<RolloutState, 'phase' | 'history' | 'attempts'>;

/** When the running attempt first exposed anyone; what happened before is not the feature's. Before that: any time. */
export function exposedSince({ phase, history, attempts }: Exposures): number {
  const attempt = attempts.at(-1)?.number;
  const first = history.find((stage) => stage.attempt === attempt)?.startedAt;
  return first ?? (phase === 'baseline' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
}

/** Occurrences in a batch of a count whose source knows no arms: they are everyone's (semantics §2, `no spike`). */
export function unattributedIn(batch: PreparedBatch, metric: Metric, state: Exposures): number | undefined {
  if (metric.kind !== 'count' || metric.source === 'telemetry') return undefined;
  if (batch.occurrences === undefined || batch.occurrences.length === 0) return 0;
  const exposedAt = exposedSince(state);
  const own = batch.occurrences.filter((one) => one.metric === metric.name && one.at >= exposedAt);
  return total(own.map((one) => one.count));
}

/**
 * Occurrences of a count metric inside its windows: those reported with an instant of their own, and those the SDK
 * observed in exposed units (counted when the batch arrived; control's are not the feature's).
 */
export function foldOccurrences(
  into: Ledger,
  { metric, windowMs }: PlanMetric,
  batch: PreparedBatch,
  attempt: MetricBatch,
): void {
  const seen: Counted[] = [];
  for (const { metric: name, at, count } of batch.occurrences ?? []) {
    if (name === metric.name && count > 0) seen.push({ at: Math.min(at, batch.toAt), count });
  }
  eachExposed(attempt, ({ totals: { x } }) => {
    if (x > 0) seen.push({ at: batch.toAt, count: x });
  });
  // One that is told late belongs to a window that ended as long ago.
  const from = batch.toAt - 2 * windowMs - metric.lagMs;
  const before = into.occurrences[metric.name] ?? [];
  if (seen.length === 0 && before.every((one) => one.at > from)) return;
  into.occurrences[metric.name] = [...before.filter((one) => one.at > from), ...seen].sort((a, b) => a.at - b.at);
}

/** Most occurrences in any window that ends at one of them, and in the window that ends now. `occurrences`: by their instant. */
export function countInWindows(
  occurrences: readonly Counted[],
  windowMs: number,
  since: number,
  now: number,
): { readonly most: number; readonly current: number } {
  const endingAt = (end: number) => {
    let sum = 0;
    for (const { at, count } of occurrences) {
      if (at > end) break;
      if (at >= since && at > end - windowMs) sum += count;
    }
    return sum;
  };
  let most = 0;
  for (const { at } of occurrences) if (at >= since) most = Math.max(most, endingAt(at));
  return { most, current: endingAt(now) };
}

import type { SourceSight, SourceStatus } from '@rampart/api';
import type { SourceErrorReason } from '@rampart/connectors';
import { silenceMs } from '@rampart/rollout';
import type { RolloutRun } from './rollout-run.ts';

const TELEMETRY = 'telemetry';

/** How the last question about one metric of a rollout went. Instants in epoch milliseconds. */
export type MetricSight = {
  readonly metric: string;
  readonly source: string;
  readonly outcome: 'value' | 'no-data' | 'stale' | 'error';
  readonly reason?: SourceErrorReason;
  /** What went wrong, or makes the numbers less than certain. */
  readonly why?: string;
  /** Instant of the newest data known. */
  readonly newestAt?: number;
  /** Whether what was asked for last lies further back than a source may be silent. */
  readonly isBehind: boolean;
  /** Errors in a row. */
  readonly failed: number;
};

/** Whether a metric gives what it should: a short silence is none. */
const isWell = ({ outcome, isBehind }: MetricSight): boolean => outcome !== 'error' && !isBehind;

/** Whether it gives nothing at all. */
const isSilent = ({ outcome, isBehind }: MetricSight): boolean =>
  outcome === 'error' || (outcome === 'no-data' && isBehind);

/** How every source of a rollout does, those that are pulled and Rampart's own telemetry. `now` in epoch milliseconds. */
export function sightsOf(
  { state, evidence }: Pick<RolloutRun, 'state' | 'evidence'>,
  pulled: readonly MetricSight[],
  now: number,
): readonly SourceSight[] {
  const bySource = Map.groupBy(pulled, ({ source }) => source);
  const sources = [...bySource].map(([source, metrics]) => sightOf(source, metrics));
  const own = Object.values(state.plan.metrics).filter(({ source }) => source === TELEMETRY);
  if (own.length === 0 || (state.phase !== 'exposing' && state.phase !== 'monitoring')) return sources;
  const seen = own.flatMap(({ name }) => evidence.metrics[name]?.lastAt ?? []);
  const newestAt = seen.length === 0 ? undefined : Math.max(...seen);
  const isUp = newestAt !== undefined && now - newestAt <= silenceMs(state.plan);
  const telemetry: SourceSight = {
    source: TELEMETRY,
    status: isUp ? 'up' : 'silent',
    ...(!isUp && { why: 'neither SDKs nor OpenTelemetry have reported an exposed unit lately' }),
    ...(newestAt !== undefined && { newestAt }),
    metrics: own.map(({ name }) => name),
  };
  return [telemetry, ...sources];
}

/** How one source does for one rollout, from how its metrics do. */
function sightOf(source: string, metrics: readonly MetricSight[]): SourceSight {
  const status = statusOf(metrics);
  const whys = new Set(status === 'up' ? [] : metrics.flatMap(({ why }) => why ?? []));
  const newest = metrics.flatMap(({ newestAt }) => newestAt ?? []);
  return {
    source,
    status,
    ...(whys.size > 0 && { why: [...whys].join('; ') }),
    ...(newest.length > 0 && { newestAt: Math.max(...newest) }),
    metrics: metrics.map(({ metric }) => metric),
  };
}

/** The worst that can be said, but a source that gives some of its metrics is not silent. */
function statusOf(metrics: readonly MetricSight[]): SourceStatus {
  const isContradictory = ({ reason, outcome, why }: MetricSight) =>
    reason === 'contradictory' || (outcome === 'value' && why !== undefined);
  if (metrics.some(isContradictory)) return 'contradictory';
  if (metrics.some(({ reason }) => reason === 'partial')) return 'partial';
  if (metrics.every(isSilent)) return 'silent';
  if (metrics.some(isSilent)) return 'partial';
  return metrics.every(isWell) ? 'up' : 'lagging';
}

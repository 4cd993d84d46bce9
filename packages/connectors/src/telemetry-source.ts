import type { EvidenceSeries } from '@rampart/rollout';
import type { MetricQuery, MetricSource, SourceAnswer } from './ports.ts';

/** Evidence as the store has it: what arrived in the interval, and when the rollout was last heard of at all. */
export type StoredEvidence = {
  readonly series: readonly EvidenceSeries[];
  /** Instant of the newest evidence of the rollout, of any metric; absent before any. */
  readonly newestAt?: number;
};

/** Reads stored evidence of one rollout that arrived in [fromAt, toAt). */
export type EvidenceReader = (query: Pick<MetricQuery, 'rollout' | 'fromAt' | 'toAt'>) => Promise<StoredEvidence>;

/**
 * Rampart's own telemetry as a metric source, named `telemetry`. `stale` when the newest evidence is older than the
 * interval asked for by more than the metric's lag; `no-data` when the interval holds no observation of this metric;
 * `error` when the store cannot be read.
 */
export function telemetrySource(options: { readonly read: EvidenceReader }): MetricSource {
  return {
    name: 'telemetry',
    read: async ({ metric, rollout, fromAt, toAt }) => {
      try {
        const stored = await options.read({ rollout, fromAt, toAt });
        return answerOf(stored, metric.name, fromAt - metric.lagMs);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return { kind: 'error', message: `The stored telemetry of rollout ${rollout} could not be read: ${reason}` };
      }
    },
  };
}

function answerOf(stored: StoredEvidence, metric: string, oldestAt: number): SourceAnswer {
  const { newestAt } = stored;
  if (newestAt === undefined) return { kind: 'no-data' };
  if (newestAt < oldestAt) return { kind: 'stale', newestAt };
  const series = stored.series.filter((one) => one.metric === metric && one.count.some((count) => count > 0));
  return series.length === 0 ? { kind: 'no-data' } : { kind: 'value', series, newestAt };
}

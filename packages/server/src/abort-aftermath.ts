import type { TelemetryBatch } from '@rampart/api';

/** SDK processes told apart in one aftermath; more are counted as this many. */
const MOST_PROCESSES = 1_000;

/** What telemetry that was gathered after an abort says. */
export type AftermathSight = {
  /** Observations of the feature, and the SDK processes they were made in. */
  readonly treated: number;
  readonly treating: number;
  /** When the last of them arrived, epoch milliseconds. */
  readonly lastTreatedAt?: number;
  /** Deliveries since then that were about the rollout, with nobody treated in them. */
  readonly quietReports: number;
};

/** Watches whether people still see what was aborted. In memory: after a restart it knows what arrives from then on. */
export type Aftermath = {
  /** Reads a delivery of an SDK process that arrived at `now`. Cheap while nothing is watched. */
  readonly note: (batch: TelemetryBatch, now: number) => void;
  /** Watches a rollout from `since` on, and says what was seen; another `since` begins anew. */
  readonly of: (rollout: string, since: number) => AftermathSight;
  readonly forget: (rollout: string) => void;
};

type Watch = { since: number; treated: number; treating: Set<string>; lastTreatedAt?: number; quietReports: number };

/** An aftermath that watches nothing. */
export function createAftermath(): Aftermath {
  const watches = new Map<string, Watch>();
  return {
    note(batch, now) {
      for (const [rollout, watch] of watches) noteIn(watch, rollout, batch, now);
    },
    of(rollout, since) {
      const known = watches.get(rollout);
      const watch =
        known?.since === since ? known : { since, treated: 0, treating: new Set<string>(), quietReports: 0 };
      watches.set(rollout, watch);
      const { treated, treating, lastTreatedAt, quietReports } = watch;
      return { treated, treating: treating.size, quietReports, ...(lastTreatedAt !== undefined && { lastTreatedAt }) };
    },
    forget: (rollout) => void watches.delete(rollout),
  };
}

/**
 * Only a delivery whose whole interval lies after the abort says something of the time after it, by the clock of the process and by
 * ours: neither a delivery that was late nor a clock that is ahead may look like people who still see the feature.
 */
function noteIn(watch: Watch, rollout: string, batch: TelemetryBatch, now: number): void {
  const { fromAt, toAt, instance } = batch;
  const begunAt = Math.min(fromAt, now - (toAt - fromAt));
  if (begunAt < (watch.lastTreatedAt ?? watch.since)) return;
  const counts = new Map<string, number>();
  let isAbout = false;
  for (const series of batch.series) {
    if (series.rollout !== rollout) continue;
    isAbout = true;
    if (series.arm === 'control') continue;
    const count = series.count.reduce((sum, one) => sum + one, 0);
    counts.set(series.metric, (counts.get(series.metric) ?? 0) + count);
  }
  // Several metrics see the same request: the one that saw most of them counts.
  const treated = Math.max(0, ...counts.values());
  if (treated > 0) {
    watch.treated += treated;
    watch.lastTreatedAt = now;
    watch.quietReports = 0;
    if (watch.treating.size < MOST_PROCESSES) watch.treating.add(instance);
  } else if (isAbout) watch.quietReports += 1;
}

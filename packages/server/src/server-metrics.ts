import type { SourceSight, TelemetryReceipt } from '@rampart/api';
import type { Phase, RolloutState } from '@rampart/rollout';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { DeliveryReport } from './outbox.ts';
import type { OutboxCount } from './store/store.ts';

/** Metrics of the server itself. */
export type ServerMetrics = {
  readonly batch: (status: TelemetryReceipt['status'], ignoredSeries: number) => void;
  readonly tick: (seconds: number) => void;
  readonly delivery: (report: DeliveryReport) => void;
  /** Prometheus text of the moment. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
};

/** Where gauges read from when they are asked. */
export type MetricSources = {
  readonly rollouts: () => readonly RolloutState[];
  readonly connectedSdks: () => number;
  readonly revision: () => number;
  /** How the sources of each rollout do. */
  readonly sights: () => readonly { readonly rollout: string; readonly sources: readonly SourceSight[] }[];
  readonly now: () => number;
  readonly outbox: () => Promise<readonly OutboxCount[]>;
};

const PHASES: readonly Phase[] = [
  'draft',
  'preflight',
  'baseline',
  'exposing',
  'monitoring',
  'complete',
  'aborted',
  'cancelled',
];
const DELIVERY_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];
const TICK_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** Metrics in a registry of their own, so that two servers in one process do not mix. */
export function createServerMetrics(sources: MetricSources): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  addGauges(sources, registers);
  const batches = new Counter({
    name: 'rampart_ingest_batches_total',
    help: 'Telemetry batches received.',
    labelNames: ['status'],
    registers,
  });
  const ignored = new Counter({
    name: 'rampart_ingest_ignored_series_total',
    help: 'Series and occurrences that no rollout reads.',
    registers,
  });
  const ticks = new Histogram({
    name: 'rampart_tick_seconds',
    help: 'Time one look at one rollout took.',
    buckets: TICK_BUCKETS,
    registers,
  });
  const deliveries = new Counter({
    name: 'rampart_deliveries_total',
    help: 'Deliveries of notifications by how they went: delivered, retry, refused.',
    labelNames: ['destination', 'result'],
    registers,
  });
  const latency = new Histogram({
    name: 'rampart_delivery_latency_seconds',
    help: 'Time from what a notification tells of (of a digest: the end of its window) until it was delivered.',
    labelNames: ['destination'],
    buckets: DELIVERY_BUCKETS,
    registers,
  });
  return {
    delivery({ destination, result, latencyMs }) {
      deliveries.inc({ destination, result });
      if (result === 'delivered') latency.observe({ destination }, latencyMs / 1000);
    },
    batch(status, ignoredSeries) {
      batches.inc({ status });
      if (ignoredSeries > 0) ignored.inc(ignoredSeries);
    },
    tick: (seconds) => ticks.observe(seconds),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function addGauges(sources: MetricSources, registers: Registry[]): void {
  new Gauge({
    name: 'rampart_rollouts',
    help: 'Rollouts by phase.',
    labelNames: ['phase'],
    registers,
    collect() {
      const states = sources.rollouts();
      for (const phase of PHASES) this.set({ phase }, states.filter((state) => state.phase === phase).length);
    },
  });
  new Gauge({
    name: 'rampart_connected_sdks',
    help: 'SDK processes with a stream or a sign of life in the last minute.',
    registers,
    collect() {
      this.set(sources.connectedSdks());
    },
  });
  new Gauge({
    name: 'rampart_ruleset_revision',
    help: 'Revision of the ruleset.',
    registers,
    collect() {
      this.set(sources.revision());
    },
  });
  new Gauge({
    name: 'rampart_outbox_messages',
    help: 'Messages of the outbox by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      const counts = await sources.outbox();
      this.set({ state: 'pending' }, sumOf(counts, 'pending'));
      this.set({ state: 'dead' }, sumOf(counts, 'dead'));
    },
  });
  new Gauge({
    name: 'rampart_destination_messages',
    help: 'Messages of the outbox by destination and state.',
    labelNames: ['destination', 'state'],
    registers,
    async collect() {
      this.reset();
      for (const { destination, pending, dead } of await sources.outbox()) {
        this.set({ destination, state: 'pending' }, pending);
        this.set({ destination, state: 'dead' }, dead);
      }
    },
  });
  addSourceGauges(sources, registers);
}

function sumOf(counts: readonly OutboxCount[], state: 'pending' | 'dead'): number {
  return counts.reduce((sum, count) => sum + count[state], 0);
}

function addSourceGauges({ sights, now }: MetricSources, registers: Registry[]): void {
  new Gauge({
    name: 'rampart_source_status',
    help: 'How a metric source does for a rollout: 1 for the status it has.',
    labelNames: ['rollout', 'source', 'status'],
    registers,
    collect() {
      this.reset();
      for (const { rollout, sources } of sights()) {
        for (const { source, status } of sources) this.set({ rollout, source, status }, 1);
      }
    },
  });
  new Gauge({
    name: 'rampart_source_age_seconds',
    help: 'Age of the newest data of a metric source for a rollout.',
    labelNames: ['rollout', 'source'],
    registers,
    collect() {
      this.reset();
      for (const { rollout, sources } of sights()) {
        for (const { source, newestAt } of sources) {
          if (newestAt !== undefined) this.set({ rollout, source }, Math.max(0, now() - newestAt) / 1000);
        }
      }
    },
  });
}

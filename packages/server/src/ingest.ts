import {
  checkBody,
  type ScoreReceipt,
  type SignalBatch,
  scoreBatchSchema,
  signalBatchSchema,
  type TelemetryBatch,
  type TelemetryReceipt,
  telemetryBatchSchema,
} from '@rampart/api';
import { type AlertLabels, alertMetricsFor, type Occurrence, type Phase, type RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { TelemetryBody } from './evidence-batcher.ts';
import { createIdleNews } from './idle-news.ts';
import type { InstanceRegistry } from './instance-registry.ts';
import type { RolloutTable } from './rollout-table.ts';
import { placeScores, scoreKeyOf } from './score-places.ts';
import type { Store, TelemetryBatch as StoredBatch } from './store/store.ts';

/** Takes telemetry in. Each resolves only once the batch is durable. */
export type Ingest = {
  /** @throws ProblemError `TELEMETRY_INVALID` @throws StoreError */
  readonly telemetry: (body: unknown) => Promise<TelemetryReceipt>;
  /** @throws ProblemError `TELEMETRY_INVALID` @throws StoreError */
  readonly signals: (body: unknown) => Promise<TelemetryReceipt>;
  /** An alert that fires, for every rollout whose plan aborts on it; `undefined` where none does. @throws StoreError */
  readonly alert: (alert: FiredAlert) => Promise<TelemetryReceipt | undefined>;
  /** @throws ProblemError `TELEMETRY_INVALID` @throws StoreError */
  readonly scores: (body: unknown) => Promise<ScoreReceipt>;
};

/** An alert that fires since `at`, epoch milliseconds. `batchId` is the same in every repetition of this firing. */
type FiredAlert = { readonly batchId: string; readonly labels: AlertLabels; readonly at: number };

/** What ingest works with. */
export type IngestOptions = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly instances: InstanceRegistry;
  /** Told each delivery of an SDK process that is durable and no repetition. Default: nobody. */
  readonly onTelemetry?: (batch: TelemetryBatch, now: number) => void;
  readonly onBatch: (status: TelemetryReceipt['status'], ignoredSeries: number) => void;
  /** Told which flags an SDK has evaluated. */
  readonly onFlags?: (flags: ReadonlySet<string>) => void;
};

/** Phases in which evidence is read. */
const READING: readonly Phase[] = ['baseline', 'exposing', 'monitoring', 'aborted'];

/** Whether a rollout reads evidence now. */
export function readsEvidence({ phase }: RolloutState): boolean {
  return READING.includes(phase);
}

function isReading(table: RolloutTable, id: string): boolean {
  const run = table.get(id);
  return run !== undefined && readsEvidence(run.state);
}

/** Ways in for telemetry. What names no rollout that reads it is accepted and counted as ignored: an SDK must not fail for it. */
export function createIngest(options: IngestOptions): Ingest {
  const { store, table, clock, instances, onBatch, onTelemetry } = options;
  const reads = (id: string): boolean => isReading(table, id);
  const put = async (batch: Omit<StoredBatch, 'receivedAt'>, ignored: number) => {
    const { batchId } = batch;
    const status = await store.putTelemetry({ ...batch, receivedAt: clock.now() });
    onBatch(status, ignored);
    return { batchId, status };
  };
  const idleNews = createIdleNews((id) => table.get(id)?.state);
  return {
    async telemetry(json) {
      const batch = checkBody(telemetryBatchSchema, json, 'TELEMETRY_INVALID');
      if (batch.closing) instances.left(batch.instance);
      else instances.seen(batch.instance, batch.revision, clock.now(), batch.evaluated);
      const { batchId, instance, sequence, priceBook } = batch;
      const byRollout = Map.groupBy(batch.series, ({ rollout }) => rollout);
      const measured = [...byRollout.keys()].filter(reads);
      const idle = idleNews.of(batch.idle?.filter((id) => reads(id) && !byRollout.has(id)) ?? [], clock.now());
      const rollouts = [...measured, ...idle];
      const seriesOf = (rollout: string) => byRollout.get(rollout) ?? [];
      const body = (rollout: string): TelemetryBody => ({
        ...{ type: 'telemetry', instance, series: seriesOf(rollout) },
        ...(idle.includes(rollout) && { idle: ['telemetry'] }),
        ...(priceBook !== undefined && { priceBook }),
      });
      const sender = sequence === undefined ? {} : { sender: { id: instance, sequence } };
      const ignored = batch.series.length - rollouts.flatMap(seriesOf).length;
      const receipt = await put({ batchId, ...sender, rollouts, body }, ignored);
      if (receipt.status === 'accepted') onTelemetry?.(batch, clock.now());
      idleNews.heard(rollouts, clock.now());
      options.onFlags?.(new Set(batch.series.map(({ flag }) => flag)));
      return receipt;
    },
    signals(json) {
      const batch = checkBody(signalBatchSchema, json, 'TELEMETRY_INVALID');
      const ofFlag = table.all().filter(({ state }) => state.plan.flag === batch.flag);
      const rollouts = ofFlag.map(({ state }) => state.id).filter(reads);
      const occurrences = occurrencesOf(batch, clock.now());
      const body: TelemetryBody = { type: 'signals', occurrences };
      return put({ batchId: batch.batchId, rollouts, body }, rollouts.length > 0 ? 0 : occurrences.length);
    },
    async alert({ batchId, labels, at }) {
      const found = table.all().flatMap(({ state }) => {
        const metrics = reads(state.id) ? alertMetricsFor(state, labels) : [];
        return metrics.length === 0 ? [] : [{ id: state.id, metrics }];
      });
      if (found.length === 0) return undefined;
      const metrics = [...new Set(found.flatMap((one) => one.metrics))];
      const occurrences = metrics.map((metric) => ({ metric, at: Math.min(at, clock.now()), count: 1 }));
      const rollouts = found.map(({ id }) => id);
      return put({ batchId, rollouts, body: { type: 'signals', occurrences } }, 0);
    },
    async scores(json) {
      const { flag, scores } = checkBody(scoreBatchSchema, json, 'TELEMETRY_INVALID');
      const run = table.all().find(({ state }) => state.plan.flag === flag && reads(state.id));
      const { taken, ignored } = placeScores(flag, scores, run?.state, table.book.ruleset(), clock.now());
      const rollouts = run === undefined ? [] : [run.state.id];
      const puts = taken.map(({ score, series }) =>
        put({ batchId: scoreKeyOf(flag, score), rollouts, body: { type: 'scores', series } }, 0),
      );
      const receipts = await Promise.all(puts);
      const duplicates = receipts.filter(({ status }) => status === 'duplicate').length;
      return { accepted: receipts.length - duplicates, duplicates, ignored };
    },
  };
}

function occurrencesOf({ occurrences }: SignalBatch, now: number): readonly Occurrence[] {
  // Never in the future: an occurrence there would stand in every window to come.
  return occurrences.map(({ metric, at = now, count = 1 }) => ({ metric, at: Math.min(at, now), count }));
}

import {
  checkBody,
  type ScoreReceipt,
  type SignalBatch,
  scoreBatchSchema,
  signalBatchSchema,
  type TelemetryReceipt,
  telemetryBatchSchema,
} from '@rampart/api';
import type { Occurrence, Phase } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { TelemetryBody } from './evidence-batcher.ts';
import type { InstanceRegistry } from './instance-registry.ts';
import type { RolloutTable } from './rollout-table.ts';
import { placeScores, scoreKeyOf } from './score-places.ts';
import type { Store } from './store/store.ts';

/** Takes telemetry in. Each resolves only once the batch is durable. */
export type Ingest = {
  /** @throws ProblemError `TELEMETRY_INVALID` @throws StoreError */
  readonly telemetry: (body: unknown) => Promise<TelemetryReceipt>;
  /** @throws ProblemError `TELEMETRY_INVALID` @throws StoreError */
  readonly signals: (body: unknown) => Promise<TelemetryReceipt>;
  /** @throws ProblemError `TELEMETRY_INVALID` @throws StoreError */
  readonly scores: (body: unknown) => Promise<ScoreReceipt>;
};

/** What ingest works with. */
export type IngestOptions = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly instances: InstanceRegistry;
  readonly onBatch: (status: TelemetryReceipt['status'], ignoredSeries: number) => void;
};

/** Phases in which evidence is read. */
const READING: readonly Phase[] = ['baseline', 'exposing', 'monitoring', 'aborted'];

/** Ways in for telemetry. What names no rollout that reads it is accepted and counted as ignored: an SDK must not fail for it. */
export function createIngest(options: IngestOptions): Ingest {
  const { store, table, clock, instances, onBatch } = options;
  const put = async (batchId: string, rollouts: readonly string[], body: TelemetryBody, ignored: number) => {
    const status = await store.putTelemetry({ batchId, receivedAt: clock.now(), rollouts, body });
    onBatch(status, ignored);
    return { batchId, status };
  };
  const reads = (id: string): boolean => {
    const phase = table.get(id)?.state.phase;
    return phase !== undefined && READING.includes(phase);
  };
  return {
    telemetry(json) {
      const batch = checkBody(telemetryBatchSchema, json, 'TELEMETRY_INVALID');
      if (batch.closing) instances.left(batch.instance);
      else instances.seen(batch.instance, batch.revision, clock.now());
      const rollouts = [...new Set(batch.series.map(({ rollout }) => rollout))].filter(reads);
      const series = batch.series.filter(({ rollout }) => rollouts.includes(rollout));
      const { instance, priceBook } = batch;
      const body = { type: 'telemetry', instance, series, ...(priceBook !== undefined && { priceBook }) } as const;
      return put(batch.batchId, rollouts, body, batch.series.length - series.length);
    },
    signals(json) {
      const batch = checkBody(signalBatchSchema, json, 'TELEMETRY_INVALID');
      const ofFlag = table.all().filter(({ state }) => state.plan.flag === batch.flag);
      const rollouts = ofFlag.map(({ state }) => state.id).filter(reads);
      const occurrences = occurrencesOf(batch, clock.now());
      return put(
        batch.batchId,
        rollouts,
        { type: 'signals', occurrences },
        rollouts.length > 0 ? 0 : occurrences.length,
      );
    },
    async scores(json) {
      const { flag, scores } = checkBody(scoreBatchSchema, json, 'TELEMETRY_INVALID');
      const run = table.all().find(({ state }) => state.plan.flag === flag && reads(state.id));
      const { taken, ignored } = placeScores(flag, scores, run?.state, table.book.ruleset(), clock.now());
      const rollouts = run === undefined ? [] : [run.state.id];
      const puts = taken.map(({ score, series }) =>
        put(scoreKeyOf(flag, score), rollouts, { type: 'scores', series }, 0),
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

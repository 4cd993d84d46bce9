import { hash } from 'node:crypto';
import { ProblemError, type TelemetryReceipt } from '@rampart/api';
import type { RolloutState } from '@rampart/rollout';
import type { Clock } from '../clock.ts';
import { recordOf, streamOf } from '../event-records.ts';
import type { TelemetryBody } from '../evidence-batcher.ts';
import { createIdleNews } from '../idle-news.ts';
import { readsEvidence } from '../ingest.ts';
import type { Log } from '../log.ts';
import type { RolloutTable } from '../rollout-table.ts';
import type { DocumentWrite, Store } from '../store/store.ts';
import { flagsIn, type ReadingRollout } from './arm-of.ts';
import { decodeJson } from './decode-json.ts';
import { decodeProtobuf } from './decode-protobuf.ts';
import { exposuresOf, type PastExposure } from './exposure-log.ts';
import { Observations } from './observations.ts';
import { observeLogs } from './observe-logs.ts';
import { cumulativeResources, observeMetrics } from './observe-metrics.ts';
import { observeSpans } from './observe-spans.ts';
import type { Encoding, Rejected } from './otlp-answer.ts';
import { createStreamBook } from './stream-book.ts';
import { type Decoded, LOGS_REQUEST, METRICS_REQUEST, type Message, TRACES_REQUEST } from './wire-table.ts';

/** What is exported. */
export type ExportedSignal = 'metrics' | 'logs' | 'traces';

/** Takes exports in. Each resolves only once what it counts is durable. */
export type OtlpReceiver = {
  /** What of the export was left out. @throws ProblemError `BODY_INVALID`, `BODY_TOO_LARGE` @throws StoreError */
  readonly take: (signal: ExportedSignal, encoding: Encoding, body: Uint8Array) => Promise<Rejected>;
};

/** What a receiver works with. */
export type ReceiverOptions = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly onBatch: (status: TelemetryReceipt['status'], ignored: number) => void;
};

/** A write that meets others this often in a row gives up; the exporter sends again. */
const MOST_TRIES = 20;

/** A receiver of OTLP exports for the rollouts of a table. */
export function createReceiver(options: ReceiverOptions): OtlpReceiver {
  const { store, table, clock, log, onBatch } = options;
  const book = createStreamBook(store);
  const readingRollouts = createReadingRollouts(store, table);
  const idleNews = createIdleNews((id) => table.get(id)?.state);
  const tell = createTeller(log);
  return {
    async take(signal, encoding, body) {
      // An exporter that got no answer sends the same bytes again.
      const batchId = `otlp-${signal}-${hash('sha256', body, 'hex')}`;
      const { flags, read } = decodedExport(signal, encoding, body);
      const rollouts = await readingRollouts(flags);
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const now = clock.now();
        const into = new Observations();
        const documents = await read({ rollouts, now, into, book });
        const idle = idleIn(into, idleNews, now);
        const status = await put(store, { batchId, now, into, documents, idle });
        if (status === undefined) continue;
        idleNews.heard([...idle.keys(), ...into.series.map(({ rollout }) => rollout)], now);
        const { rejected } = into;
        onBatch(status, into.ignored + rejected.count);
        tell(rejected);
        return rejected;
      }
      throw new ProblemError(
        'STORE_UNAVAILABLE',
        'The streams of this export are being changed all the time; send it again.',
      );
    },
  };
}

type Reading = {
  readonly rollouts: readonly ReadingRollout[];
  readonly now: number;
  readonly into: Observations;
  readonly book: ReturnType<typeof createStreamBook>;
};

/** An export as decoded. `read` may be run again on other streams; it answers with what has to be written beside the batch. */
type Export = {
  readonly flags: ReadonlySet<string>;
  readonly read: (reading: Reading) => Promise<readonly DocumentWrite[]>;
};

function decodedExport(signal: ExportedSignal, encoding: Encoding, body: Uint8Array): Export {
  const decode = <M extends Message>(message: M): Decoded<M> =>
    encoding === 'json' ? decodeJson(body, message) : decodeProtobuf(body, message);
  if (signal === 'metrics') {
    const request = decode(METRICS_REQUEST);
    const read = async (reading: Reading) => {
      const page = await reading.book.open(cumulativeResources(request, reading.rollouts));
      observeMetrics(request, { ...reading, draftOf: page.draftOf });
      return page.documents(reading.now);
    };
    return { flags: flagsIn(request), read };
  }
  if (signal === 'logs') {
    const request = decode(LOGS_REQUEST);
    return { flags: flagsIn(request), read: withoutStreams((reading) => observeLogs(request, reading)) };
  }
  const request = decode(TRACES_REQUEST);
  return { flags: flagsIn(request), read: withoutStreams((reading) => observeSpans(request, reading)) };
}

function withoutStreams(observe: (reading: Reading) => void): Export['read'] {
  return async (reading) => {
    observe(reading);
    return [];
  };
}

type Batch = {
  readonly batchId: string;
  readonly now: number;
  readonly into: Observations;
  readonly documents: readonly DocumentWrite[];
  readonly idle: ReadonlyMap<string, readonly string[]>;
};

/** Sources of rollouts that were there and counted nothing, where that is news. */
function idleIn(
  { series, present }: Observations,
  news: ReturnType<typeof createIdleNews>,
  now: number,
): ReadonlyMap<string, readonly string[]> {
  const busy = new Set(series.map(({ rollout }) => rollout));
  const quiet = [...present.keys()].filter((id) => !busy.has(id));
  return new Map(news.of(quiet, now).map((id) => [id, [...(present.get(id) ?? [])]]));
}

/** Undefined when streams were changed at the same time: they are to be read again. */
async function put(
  store: Store,
  { batchId, now, into, documents, idle }: Batch,
): Promise<TelemetryReceipt['status'] | undefined> {
  const { series } = into;
  const rollouts = [...new Set([...series.map(({ rollout }) => rollout), ...idle.keys()])];
  const body = (rollout: string): TelemetryBody => {
    const own = idle.get(rollout);
    return own === undefined ? { type: 'telemetry', series } : { type: 'telemetry', series: [], idle: own };
  };
  const batch = { batchId, receivedAt: now, rollouts, body };
  // Most of what an app exports is about no rollout: nothing is kept of it, not even that it came.
  if (rollouts.length === 0 && documents.length === 0) return 'accepted';
  if (documents.length === 0) return store.putTelemetry(batch);
  const status = await store.putTelemetryWith(batch, documents);
  return typeof status === 'string' ? status : undefined;
}

/** The newest rollout that reads telemetry of each of some flags, with its exposures; these are read again when they have changed. */
function createReadingRollouts(
  store: Store,
  table: RolloutTable,
): (flags: ReadonlySet<string>) => Promise<readonly ReadingRollout[]> {
  const known = new Map<string, { readonly seen: string; readonly exposures: readonly PastExposure[] }>();
  const exposuresIn = async (state: RolloutState): Promise<readonly PastExposure[]> => {
    const { id, epoch, attempt, phase, baselineSince } = state;
    const seen = JSON.stringify([epoch, attempt, phase, baselineSince]);
    const cached = known.get(id);
    if (cached?.seen === seen) return cached.exposures;
    const exposures = exposuresOf((await store.readStream(streamOf(id))).map(recordOf));
    known.set(id, { seen, exposures });
    return exposures;
  };
  return async (flags) => {
    const newest = new Map<string, RolloutState>();
    for (const { state } of table.all()) {
      const { flag } = state.plan;
      if (!readsEvidence(state)) known.delete(state.id);
      else if (flags.has(flag) && (newest.get(flag)?.createdAt ?? 0) <= state.createdAt) newest.set(flag, state);
    }
    return Promise.all(
      [...newest.values()].map(async (state) => ({
        id: state.id,
        plan: state.plan,
        exposures: await exposuresIn(state),
      })),
    );
  };
}

/** Time between two lines of the log about what is left out, ms: exporters repeat their mistakes with every export. */
const TELL_EVERY_MS = 60_000;

function createTeller(log: Log): (rejected: Rejected) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return ({ count, why }) => {
    const now = performance.now();
    if (why === '' || now - toldAt < TELL_EVERY_MS) return;
    toldAt = now;
    log.warn({ rejected: count }, `an OTLP export was not counted whole: ${why}`);
  };
}

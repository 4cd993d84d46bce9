import { DatabaseSync } from 'node:sqlite';
import { encodeAppend, encodeTelemetry, encodeTelemetryWith, encodeWrite, integer } from './encode-write.ts';
import { verifySqliteChain } from './sqlite-chain.ts';
import { changeOf } from './sqlite-change.ts';
import { failureOf } from './sqlite-failure.ts';
import { BUSY_TIMEOUT_MS } from './sqlite-open.ts';
import { createReader } from './sqlite-reader.ts';
import type { Results, SettleRequest, WriteRequest, WriterOptions } from './sqlite-request.ts';
import { openWriter, type Settled, type WriterClient } from './sqlite-writer-client.ts';
import type { Append, Store, StoreChange, StoredEvent } from './store.ts';
import { StoreError } from './store-error.ts';

/** Rows of one call where the caller names no limit. */
const DEFAULT_LIMIT = 1_000;
/** Rows that no table reaches. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * Opens, or creates, a store in one SQLite file on a local disk (never a network file system). Durable to power loss.
 * All writing happens in one thread of its own, which keeps the process alive until `close`; reads run on the caller's
 * thread. Other processes may have the same file open.
 * @throws StoreError
 */
export async function openSqliteStore(options: WriterOptions): Promise<Store> {
  const listeners = new Set<(change: StoreChange) => void>();
  const announce = (group: readonly Settled[]) => {
    const change = changeOf(group);
    // Each in a turn of its own, so that no listener can harm another, or the answers of the group.
    if (change) for (const listener of listeners) queueMicrotask(() => listener(change));
  };
  const writer = await openWriter(options, announce);
  const reads = await openReads(options.file, writer);
  return {
    ...createWrites(writer),
    ...createOutbox(writer),
    ...createReads(reads),
    async prune({ now, limit = DEFAULT_LIMIT, evidenceOf = [] }) {
      return writer.call({ op: 'prune', now: integer('now', now), limit: integer('limit', limit), evidenceOf });
    },
    onChange(listener) {
      // A function of its own, so that the same listener given twice is stopped one by one.
      const own = (change: StoreChange) => listener(change);
      listeners.add(own);
      return () => listeners.delete(own);
    },
    async close() {
      // The writer closes last: only it can bring the log back into the file.
      reads.close();
      await writer.close();
    },
  };
}

type Reader = ReturnType<typeof createReader>;

type Reads = {
  readonly read: <T>(query: (reader: Reader, db: DatabaseSync) => T | Promise<T>) => Promise<T>;
  readonly close: () => void;
};

async function openReads(file: string, writer: WriterClient): Promise<Reads> {
  const named = (error: unknown) => {
    const { code, message } = failureOf(error, file);
    return new StoreError(code, message, { cause: error });
  };
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    const reader = createReader(db, file);
    return {
      async read<T>(query: (reader: Reader, db: DatabaseSync) => T | Promise<T>): Promise<T> {
        if (!db.isOpen) throw new StoreError('STORE_UNAVAILABLE', `the store ${file} is closed; open it again`);
        try {
          return await query(reader, db);
        } catch (error) {
          throw named(error);
        }
      },
      close: () => db.isOpen && db.close(),
    };
  } catch (error) {
    await writer.close();
    throw named(error);
  }
}

function createWrites(
  writer: WriterClient,
): Pick<Store, 'append' | 'putDocuments' | 'saveCheckpoint' | 'putTelemetry' | 'putTelemetryWith'> {
  return {
    async append(append) {
      const request = encodeAppend(append);
      const result = await writer.call(request);
      return result.ok ? { ok: true, events: storedEvents(append, request, result.events) } : result;
    },
    async putDocuments(save) {
      const result = await writer.call(encodeWrite(save));
      return result.ok ? { ok: true } : result;
    },
    async saveCheckpoint(save) {
      const result = await writer.call(encodeWrite(save));
      return result.ok ? { ok: true, version: save.checkpoint.expectedVersion + 1 } : result;
    },
    putTelemetry: async (batch) => writer.call(encodeTelemetry(batch)),
    putTelemetryWith: async (batch, documents) => writer.call(encodeTelemetryWith(batch, documents)),
  };
}

function createOutbox(
  writer: WriterClient,
): Pick<Store, 'claimOutbox' | 'finishOutbox' | 'retryOutbox' | 'buryOutbox' | 'reviveOutbox'> {
  const settle = (id: number, owner: string, fate: Pick<SettleRequest, 'state'> & Partial<SettleRequest>) =>
    writer.call({ op: 'settle', dueAt: null, error: null, ...fate, id, owner });
  return {
    async claimOutbox(claim) {
      const now = integer('now', claim.now);
      const limit = integer('limit', claim.limit);
      const leaseMs = integer('leaseMs', claim.leaseMs);
      const { destination, priorities, owner } = claim;
      const rows = await writer.call({ op: 'claim', destination, priorities, now, limit, leaseMs, owner });
      return rows.map((row) => ({ ...row, body: JSON.parse(row.body) }));
    },
    finishOutbox: (id, owner) => settle(id, owner, { state: 'done' }),
    async retryOutbox(id, owner, { dueAt, error }) {
      return settle(id, owner, { state: 'pending', dueAt: integer('dueAt', dueAt), error });
    },
    buryOutbox: (id, owner, error) => settle(id, owner, { state: 'dead', error }),
    reviveOutbox: (id) => writer.call({ op: 'revive', id }),
  };
}

type ReadCalls =
  | 'readStream'
  | 'readEvents'
  | 'getDocument'
  | 'listDocuments'
  | 'telemetryAfter'
  | 'evidenceAfter'
  | 'getCheckpoint'
  | 'listOutbox'
  | 'findOutbox'
  | 'outboxOutlook'
  | 'countOutbox'
  | 'getReply'
  | 'stats'
  | 'verifyChain';

function createReads({ read }: Reads): Pick<Store, ReadCalls> {
  return {
    readStream: (stream, afterVersion = 0) => read((reader) => reader.readStream(stream, afterVersion)),
    readEvents: (afterSeq, limit) => read((reader) => reader.readEvents(afterSeq, limit)),
    getDocument: (kind, key) => read((reader) => reader.getDocument(kind, key)),
    listDocuments: (kind) => read((reader) => reader.listDocuments(kind)),
    telemetryAfter: (rollout, seq, limit) => read((reader) => reader.telemetryAfter(rollout, seq, limit)),
    evidenceAfter: (rollout, seq, limit = NO_LIMIT) =>
      read((reader) => reader.evidenceAfter(rollout, seq, integer('limit', limit))),
    getCheckpoint: (key) => read((reader) => reader.getCheckpoint(key)),
    listOutbox: (state, limit = DEFAULT_LIMIT) => read((reader) => reader.listOutbox(state, limit)),
    findOutbox: (keyPrefix) => read((reader) => reader.findOutbox(keyPrefix)),
    outboxOutlook: (now) => read((reader) => reader.outboxOutlook(integer('now', now))),
    countOutbox: () => read((reader) => reader.countOutbox()),
    getReply: (key, now) => read((reader) => reader.getReply(key, now)),
    stats: () => read((reader) => reader.stats()),
    verifyChain: () => read((_reader, db) => verifySqliteChain(db)),
  };
}

/** Built from the texts that were stored, so a caller sees now what a reader will see later. */
function storedEvents(
  { stream }: Append,
  { append }: WriteRequest,
  written: Extract<Results['write'], { ok: true }>['events'],
): readonly StoredEvent[] {
  return written.flatMap(({ seq, version, hash }, i) => {
    const event = append?.events[i];
    return event
      ? [{ stream, version, seq, at: event.at, by: event.by, type: event.type, data: JSON.parse(event.data), hash }]
      : [];
  });
}

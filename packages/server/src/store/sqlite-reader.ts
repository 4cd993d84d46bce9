import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { unpackJson } from './packed-json.ts';
import { numberIn, type Row, textIn } from './sqlite-row.ts';
import type {
  OutboxCount,
  OutboxEntry,
  OutboxOutlook,
  OutboxState,
  StoredDocument,
  StoredEvent,
  StoreStats,
} from './store.ts';

const EVENT = 'SELECT seq, stream, version, at, "by", type, data, hash FROM events';

/** The reads of `Store` on a read-only connection, each a consistent view of the last commit. */
export function createReader(db: DatabaseSync, file: string) {
  return {
    ...createEventReads(db),
    ...createDocumentReads(db),
    ...createEvidenceReads(db),
    ...createOutboxReads(db, file),
  };
}

function createEventReads(db: DatabaseSync) {
  const stream = db.prepare(`${EVENT} WHERE stream = ? AND version > ? ORDER BY version`);
  const all = db.prepare(`${EVENT} WHERE seq > ? ORDER BY seq LIMIT ?`);
  return {
    readStream: (name: string, afterVersion: number) => stream.all(name, afterVersion).map(eventIn),
    readEvents: (afterSeq: number, limit: number) => all.all(afterSeq, limit).map(eventIn),
  };
}

function createDocumentReads(db: DatabaseSync) {
  const one = db.prepare(
    'SELECT kind, key, version, value FROM documents WHERE kind = ? AND key = ? AND value IS NOT NULL',
  );
  const kind = db.prepare(
    'SELECT kind, key, version, value FROM documents WHERE kind = ? AND value IS NOT NULL ORDER BY key',
  );
  const reply = db.prepare('SELECT value FROM replies WHERE key = ? AND expires_at > ?');
  return {
    getDocument(name: string, key: string): StoredDocument | undefined {
      const row = one.get(name, key);
      return row && documentIn(row);
    },
    listDocuments: (name: string) => kind.all(name).map(documentIn),
    getReply(key: string, now: number): unknown {
      const row = reply.get(key, now);
      return row && jsonIn(row, 'value');
    },
  };
}

function createEvidenceReads(db: DatabaseSync) {
  const telemetry = db.prepare(
    `SELECT t.seq, t.received_at, t.body FROM telemetry_rollouts r JOIN telemetry t ON t.seq = r.seq
     WHERE r.rollout = ? AND r.seq > ? ORDER BY r.seq LIMIT ?`,
  );
  const evidence = db.prepare('SELECT seq, value FROM evidence WHERE rollout = ? AND seq > ? ORDER BY seq LIMIT ?');
  const checkpoint = db.prepare('SELECT version, value FROM checkpoints WHERE key = ?');
  return {
    telemetryAfter: (rollout: string, seq: number, limit: number) =>
      telemetry.all(rollout, seq, limit).map((row) => ({
        seq: numberIn(row, 'seq'),
        receivedAt: numberIn(row, 'received_at'),
        body: jsonIn(row, 'body'),
      })),
    evidenceAfter: (rollout: string, seq: number, limit: number) =>
      evidence.all(rollout, seq, limit).map((row) => ({ seq: numberIn(row, 'seq'), value: packedIn(row, 'value') })),
    getCheckpoint(key: string) {
      const row = checkpoint.get(key);
      return row && { version: numberIn(row, 'version'), value: jsonIn(row, 'value') };
    },
  };
}

function createOutboxReads(db: DatabaseSync, file: string) {
  const columns = 'id, key, destination, kind, body, due_at, priority, matter, state, attempts, error';
  const list = db.prepare(
    `SELECT * FROM (SELECT ${columns} FROM outbox WHERE state = ? ORDER BY id DESC LIMIT ?) ORDER BY id`,
  );
  const find = db.prepare(`SELECT ${columns} FROM outbox WHERE key >= ? AND key < ? ORDER BY key`);
  const due = db.prepare(
    `SELECT destination FROM outbox WHERE state = 'pending' AND max(due_at, leased_until) <= ?
     GROUP BY destination ORDER BY min(priority), min(id)`,
  );
  const next = db.prepare(
    `SELECT min(max(due_at, leased_until)) AS at FROM outbox WHERE state = 'pending' AND max(due_at, leased_until) > ?`,
  );
  const byDestination = db.prepare(
    `SELECT destination, count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'dead') AS dead,
       min(due_at) FILTER (WHERE state = 'pending') AS oldest
     FROM outbox WHERE state <> 'done' GROUP BY destination ORDER BY destination`,
  );
  const count = db.prepare(
    `SELECT (SELECT coalesce(max(seq), 0) FROM events) AS events, (SELECT count(*) FROM telemetry) AS telemetry,
       (SELECT count(*) FROM outbox WHERE state = 'pending') AS pending, (SELECT count(*) FROM outbox WHERE state = 'dead') AS dead`,
  );
  return {
    listOutbox: (state: OutboxState, limit: number) => list.all(state, limit).map(entryIn),
    findOutbox: (prefix: string) => find.all(prefix, `${prefix}\u{10FFFF}`).map(entryIn),
    outboxOutlook(now: number): OutboxOutlook {
      const row = next.get(now);
      const nextAt = row?.at === null ? undefined : numberIn(row, 'at');
      return { due: due.all(now).map((one) => textIn(one, 'destination')), ...(nextAt !== undefined && { nextAt }) };
    },
    countOutbox: () =>
      byDestination.all().map(
        (row): OutboxCount => ({
          destination: textIn(row, 'destination'),
          pending: numberIn(row, 'pending'),
          dead: numberIn(row, 'dead'),
          ...(row.oldest !== null && { oldestDueAt: numberIn(row, 'oldest') }),
        }),
      ),
    stats(): StoreStats {
      const row = count.get();
      return {
        bytes: sizeOf(file) + sizeOf(`${file}-wal`),
        events: numberIn(row, 'events'),
        telemetry: numberIn(row, 'telemetry'),
        outboxPending: numberIn(row, 'pending'),
        outboxDead: numberIn(row, 'dead'),
      };
    },
  };
}

function eventIn(row: Row): StoredEvent {
  return {
    stream: textIn(row, 'stream'),
    version: numberIn(row, 'version'),
    seq: numberIn(row, 'seq'),
    at: numberIn(row, 'at'),
    by: textIn(row, 'by'),
    type: textIn(row, 'type'),
    data: jsonIn(row, 'data'),
    hash: textIn(row, 'hash'),
  };
}

function documentIn(row: Row): StoredDocument {
  return {
    kind: textIn(row, 'kind'),
    key: textIn(row, 'key'),
    version: numberIn(row, 'version'),
    value: jsonIn(row, 'value'),
  };
}

function entryIn(row: Row): OutboxEntry {
  return {
    id: numberIn(row, 'id'),
    key: textIn(row, 'key'),
    destination: textIn(row, 'destination'),
    kind: textIn(row, 'kind'),
    body: jsonIn(row, 'body'),
    dueAt: numberIn(row, 'due_at'),
    priority: numberIn(row, 'priority'),
    ...(typeof row.matter === 'string' && { group: row.matter }),
    // The table takes no other text there.
    state: textIn(row, 'state') as OutboxState,
    attempts: numberIn(row, 'attempts'),
    ...(typeof row.error === 'string' && { error: row.error }),
  };
}

function jsonIn(row: Row, column: string): unknown {
  return JSON.parse(textIn(row, column));
}

/** Packed, or the plain text of an older version. */
function packedIn(row: Row, column: string): unknown {
  const value = row[column];
  return value instanceof Uint8Array ? unpackJson(value) : jsonIn(row, column);
}

/** The log is absent until the first write. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

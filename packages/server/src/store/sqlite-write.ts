import type { DatabaseSync } from 'node:sqlite';
import { eventHash, GENESIS_HASH } from './event-hash.ts';
import type { Results, WriteRequest } from './sqlite-request.ts';
import { numberIn, textIn } from './sqlite-row.ts';
import type { Conflict } from './store.ts';

/**
 * Gives the function that runs one write inside the open transaction. It may leave parts behind on a conflict: the
 * caller rolls back to its savepoint. Guards are in the statements themselves: what would write returns a row only if
 * the expected version stands, and events are inserted only from that row.
 */
export function createWrite(db: DatabaseSync): (request: WriteRequest) => Results['write'] {
  const append = createAppend(db);
  const guards = [createPutDocuments(db), createSaveCheckpoint(db), createAddEvidence(db), createKeepReply(db)];
  const addMessage = db.prepare(
    `INSERT INTO outbox (key, destination, kind, body, due_at, priority, matter) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO NOTHING`,
  );
  const fold = db.prepare(
    `INSERT INTO telemetry_folded (rollout, through_seq) VALUES (?, ?)
     ON CONFLICT (rollout) DO UPDATE SET through_seq = max(through_seq, excluded.through_seq)`,
  );
  const finish = ({ telemetryFolded, outbox }: WriteRequest) => {
    if (telemetryFolded) fold.run(telemetryFolded.rollout, telemetryFolded.throughSeq);
    for (const { key, destination, kind, body, dueAt, priority, group } of outbox)
      addMessage.run(key, destination, kind, body, dueAt, priority, group);
  };
  return (request) => {
    const written = append(request.append);
    if (!written.ok) return written;
    for (const guard of guards) {
      const conflict = guard(request);
      if (conflict) return conflict;
    }
    finish(request);
    return written;
  };
}

function createAppend(db: DatabaseSync): (append: WriteRequest['append']) => Results['write'] {
  const begin = db.prepare(
    'INSERT INTO streams (stream, version) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING version',
  );
  const advance = db.prepare(
    'UPDATE streams SET version = version + ? WHERE stream = ? AND version = ? RETURNING version',
  );
  const current = db.prepare('SELECT version FROM streams WHERE stream = ?');
  const head = db.prepare('SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1');
  const insert = db.prepare(
    'INSERT INTO events (seq, stream, version, at, "by", type, data, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const project = db.prepare(
    `INSERT INTO documents (kind, key, version, value) VALUES (?, ?, ?, ?)
     ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, value = excluded.value`,
  );
  return (append) => {
    if (!append) return { ok: true, events: [] };
    const { stream, expectedVersion, events, projection } = append;
    const count = events.length;
    const row = expectedVersion === 0 ? begin.get(stream, count) : advance.get(count, stream, expectedVersion);
    if (!row) return conflictOn('stream', stream, current.get(stream));
    const last = head.get();
    let seq = last ? numberIn(last, 'seq') : 0;
    let hash = last ? textIn(last, 'hash') : GENESIS_HASH;
    let version = numberIn(row, 'version') - count;
    const written = events.map(({ at, by, type, data }) => {
      seq += 1;
      version += 1;
      hash = eventHash(hash, { stream, version, at, by, type, data });
      insert.run(seq, stream, version, at, by, type, data, hash);
      return { seq, version, hash };
    });
    if (projection) project.run(projection.kind, projection.key, version, projection.value);
    return { ok: true, events: written };
  };
}

/** Gives the function that writes documents, unless one does not stand at the version expected. */
export function createPutDocuments(
  db: DatabaseSync,
): (request: Pick<WriteRequest, 'documents'>) => Conflict | undefined {
  const put = db.prepare(
    `INSERT INTO documents (kind, key, version, value) SELECT ?1, ?2, 1, ?3
     WHERE coalesce(?4, 0) = 0 OR EXISTS (SELECT 1 FROM documents WHERE kind = ?1 AND key = ?2)
     ON CONFLICT (kind, key) DO UPDATE SET version = version + 1, value = excluded.value
     WHERE ?4 IS NULL OR version = ?4 RETURNING version`,
  );
  const current = db.prepare('SELECT version FROM documents WHERE kind = ? AND key = ?');
  return ({ documents }) => {
    for (const { kind, key, value, expectedVersion } of documents) {
      if (put.get(kind, key, value, expectedVersion ?? null)) continue;
      return conflictOn('document', `${kind}/${key}`, current.get(kind, key));
    }
    return undefined;
  };
}

function createSaveCheckpoint(db: DatabaseSync): (request: WriteRequest) => Conflict | undefined {
  const save = db.prepare(
    `INSERT INTO checkpoints (key, version, value) SELECT ?1, 1, ?2
     WHERE ?3 = 0 OR EXISTS (SELECT 1 FROM checkpoints WHERE key = ?1)
     ON CONFLICT (key) DO UPDATE SET version = version + 1, value = excluded.value WHERE version = ?3 RETURNING version`,
  );
  const current = db.prepare('SELECT version FROM checkpoints WHERE key = ?');
  return ({ checkpoint }) => {
    if (!checkpoint || save.get(checkpoint.key, checkpoint.value, checkpoint.expectedVersion)) return undefined;
    return conflictOn('checkpoint', checkpoint.key, current.get(checkpoint.key));
  };
}

function createAddEvidence(db: DatabaseSync): (request: WriteRequest) => Conflict | undefined {
  const add = db.prepare(
    `INSERT INTO evidence (rollout, seq, value) SELECT ?1, ?2, ?3
     WHERE ?2 = 1 + coalesce((SELECT max(seq) FROM evidence WHERE rollout = ?1), 0) RETURNING seq`,
  );
  const current = db.prepare('SELECT max(seq) AS version FROM evidence WHERE rollout = ? GROUP BY rollout');
  return ({ evidence }) => {
    if (!evidence || add.get(evidence.rollout, evidence.seq, evidence.value)) return undefined;
    return conflictOn('evidence', evidence.rollout, current.get(evidence.rollout));
  };
}

function createKeepReply(db: DatabaseSync): (request: WriteRequest) => Conflict | undefined {
  const keep = db.prepare(
    `INSERT INTO replies (key, value, expires_at) VALUES (?1, ?2, ?3)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
     WHERE expires_at <= ?4 RETURNING expires_at`,
  );
  return ({ reply }) => {
    if (!reply || keep.get(reply.key, reply.value, reply.expiresAt, reply.at)) return undefined;
    return { ok: false, conflict: 1, on: 'reply', key: reply.key };
  };
}

function conflictOn(on: Conflict['on'], key: string, row: Parameters<typeof numberIn>[0]): Conflict {
  return { ok: false, conflict: row ? numberIn(row, 'version') : 0, on, key };
}

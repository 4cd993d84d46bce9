/** One step of the schema; `number` 1, 2, … Never edit one that was released: add the next. */
export type Migration = { readonly number: number; readonly sql: string };

const FIRST = `
CREATE TABLE schema_migrations (
  number INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE streams (
  stream TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  stream TEXT NOT NULL REFERENCES streams (stream),
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  "by" TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (stream, version)
) STRICT;

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events never change'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
-- INSERT OR REPLACE removes rows without firing the trigger above.
CREATE TRIGGER events_only_grow BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE seq >= NEW.seq)
  OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'events are only added at the end'); END;

-- A NULL value is a deleted document: the row stays so that its version never starts again.
CREATE TABLE documents (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  value TEXT,
  PRIMARY KEY (kind, key)
) STRICT;

CREATE TABLE checkpoints (
  key TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE evidence (
  rollout TEXT NOT NULL,
  seq INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (rollout, seq)
) STRICT;

-- Ids outlive their bodies, for de-duplication. AUTOINCREMENT: a pruned seq is never given again.
CREATE TABLE telemetry_ids (
  batch_id TEXT PRIMARY KEY,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX telemetry_ids_by_age ON telemetry_ids (received_at);

CREATE TABLE telemetry (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE telemetry_rollouts (
  rollout TEXT NOT NULL,
  seq INTEGER NOT NULL REFERENCES telemetry (seq),
  PRIMARY KEY (rollout, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX telemetry_rollouts_by_seq ON telemetry_rollouts (seq);

CREATE TABLE telemetry_folded (
  rollout TEXT PRIMARY KEY,
  through_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  destination TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
  attempts INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  leased_until INTEGER NOT NULL DEFAULT 0,
  error TEXT
) STRICT;
-- A pending message can be claimed from the later of its due time and the end of its lease.
CREATE INDEX outbox_claimable ON outbox (max(due_at, leased_until), id) WHERE state = 'pending';
CREATE INDEX outbox_by_state ON outbox (state, id) WHERE state <> 'pending';

CREATE TABLE replies (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX replies_by_age ON replies (expires_at);
`;

const SECOND = `
-- Last batch of each sender that delivers in order: instead of a row in telemetry_ids for every batch.
CREATE TABLE telemetry_senders (
  sender TEXT PRIMARY KEY,
  last_sequence INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX telemetry_senders_by_age ON telemetry_senders (seen_at);

-- Deflated JSON from now on (packed-json.ts); batches written before stay the text they were.
CREATE TABLE evidence_with_packed (
  rollout TEXT NOT NULL,
  seq INTEGER NOT NULL,
  value ANY NOT NULL,
  PRIMARY KEY (rollout, seq)
) STRICT;
INSERT INTO evidence_with_packed SELECT rollout, seq, value FROM evidence;
DROP TABLE evidence;
ALTER TABLE evidence_with_packed RENAME TO evidence;
`;

const THIRD = `
-- Urgent messages first, each destination for itself, and those of one matter in their order. "matter" is the message's group.
ALTER TABLE outbox ADD COLUMN priority INTEGER NOT NULL DEFAULT 2;
ALTER TABLE outbox ADD COLUMN matter TEXT;
CREATE INDEX outbox_by_destination ON outbox (destination, priority, id) WHERE state = 'pending';
CREATE INDEX outbox_by_matter ON outbox (destination, matter, id) WHERE state = 'pending' AND matter IS NOT NULL;
`;

/** All steps, in order. */
export const MIGRATIONS: readonly Migration[] = [
  { number: 1, sql: FIRST },
  { number: 2, sql: SECOND },
  { number: 3, sql: THIRD },
];

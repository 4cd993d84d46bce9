import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { MIGRATIONS } from './migrations.ts';
import type { WriterOptions } from './sqlite-request.ts';
import { StoreError } from './store-error.ts';

/** 'RMPT': marks the file as a Rampart store (`PRAGMA application_id`). */
const APPLICATION_ID = 0x524d5054;
/** How long to wait for another process that holds the write lock. */
export const BUSY_TIMEOUT_MS = 30_000;
const LOCK_RETRY_MS = 20;
const WAL_KEEP_BYTES = 64 * 1024 * 1024;

/** Opens, or creates, a store file for writing, durable to power loss, with its schema brought up to date. */
export function openForWriting({ file, maxPages }: WriterOptions): DatabaseSync {
  // Only the owner may read the file; SQLite gives its companions (-wal, -shm) the same mode.
  closeSync(openSync(file, 'a', 0o600));
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  try {
    requireSqlite(String(scalar(db, 'SELECT sqlite_version() AS value')));
    requireOurs(db, file);
    enterWal(db);
    db.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_KEEP_BYTES}`);
    if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
    migrate(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Refuses versions with the WAL-reset bug, which corrupts a database used over two connections (3.7.0 to 3.51.2).
 * @throws StoreError `SQLITE_TOO_OLD`
 */
export function requireSqlite(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major * 1_000_000 + minor * 1_000 + patch >= 3_051_003) return;
  throw new StoreError(
    'SQLITE_TOO_OLD',
    `this Node has SQLite ${version}, which can corrupt a database in WAL mode; use a Node with SQLite 3.51.3 or newer (Node 24.21 has 3.53.4)`,
  );
}

function requireOurs(db: DatabaseSync, file: string): void {
  const tables = Number(scalar(db, 'SELECT count(*) AS value FROM sqlite_schema'));
  const id = Number(scalar(db, 'SELECT application_id AS value FROM pragma_application_id'));
  if (id === APPLICATION_ID || (id === 0 && tables === 0)) return;
  throw new StoreError(
    'NOT_A_DATABASE',
    `${file} is the database of another application (application_id ${id}, ${tables} tables and indexes); give another file`,
  );
}

/** Entering WAL does not honour the busy timeout when two processes open a new file at once, hence the loop. */
function enterWal(db: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; ; waitedMs += LOCK_RETRY_MS) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (waitedMs >= BUSY_TIMEOUT_MS || !(error instanceof Error && error.message.includes('locked'))) throw error;
      Atomics.wait(pause, 0, 0, LOCK_RETRY_MS);
    }
  }
}

function migrate(db: DatabaseSync, file: string): void {
  // An up-to-date file is opened without writing, so also on a full disk.
  if (schemaOf(db, file) === MIGRATIONS.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    // Read again under the lock: another process may have been faster.
    for (const { number, sql } of MIGRATIONS.slice(schemaOf(db, file))) {
      db.exec(sql);
      db.prepare('INSERT INTO schema_migrations (number) VALUES (?)').run(number);
    }
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Number of the last migration applied; 0 for an empty file. @throws StoreError `SCHEMA_TOO_NEW` */
function schemaOf(db: DatabaseSync, file: string): number {
  const set = scalar(db, "SELECT count(*) AS value FROM sqlite_schema WHERE name = 'schema_migrations'") === 1;
  const found = set ? Number(scalar(db, 'SELECT coalesce(max(number), 0) AS value FROM schema_migrations')) : 0;
  const known = MIGRATIONS.length;
  if (found <= known) return found;
  throw new StoreError(
    'SCHEMA_TOO_NEW',
    `${file} has schema ${found}, this Rampart knows up to ${known}; run the newer Rampart again, or restore the backup made before the upgrade`,
  );
}

function scalar(db: DatabaseSync, sql: string): unknown {
  return db.prepare(sql).get()?.value;
}

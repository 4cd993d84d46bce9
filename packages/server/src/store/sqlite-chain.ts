import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { eventHash, GENESIS_HASH } from './event-hash.ts';
import { numberIn, type Row, textIn } from './sqlite-row.ts';
import type { ChainReport } from './store.ts';

/** Events checked before other work gets a turn. */
const CHUNK = 500;

type Broken = Extract<ChainReport, { ok: false }>;
type Progress = { seq: number; head: string; readonly versions: Map<string, number> };

/** Recomputes the chain from the first event over a read-only connection, in slices, while writes go on. */
export async function verifySqliteChain(db: DatabaseSync): Promise<ChainReport> {
  const slice = db.prepare(
    'SELECT seq, stream, version, at, "by", type, data, hash FROM events WHERE seq > ? ORDER BY seq LIMIT ?',
  );
  const streams = db.prepare('SELECT stream, version FROM streams');
  const progress: Progress = { seq: 0, head: GENESIS_HASH, versions: new Map() };
  for (;;) {
    // One snapshot for the last slice and the versions it must agree with.
    db.exec('BEGIN');
    const rows = slice.all(progress.seq, CHUNK);
    const ends = rows.length < CHUNK ? streams.all() : undefined;
    db.exec('COMMIT');
    for (const row of rows) {
      const broken = checkEvent(row, progress);
      if (broken) return broken;
    }
    if (ends) return checkEnds(ends, progress) ?? { ok: true, events: progress.seq, head: progress.head };
    await setImmediate();
  }
}

function checkEvent(row: Row, progress: Progress): Broken | undefined {
  const seq = numberIn(row, 'seq');
  const stream = textIn(row, 'stream');
  const version = numberIn(row, 'version');
  if (seq !== progress.seq + 1) return { ok: false, at: progress.seq + 1, why: `event ${progress.seq + 1} is missing` };
  const data = textIn(row, 'data');
  const event = { stream, version, at: numberIn(row, 'at'), by: textIn(row, 'by'), type: textIn(row, 'type'), data };
  const expected = eventHash(progress.head, event);
  const found = textIn(row, 'hash');
  if (found !== expected) {
    return { ok: false, at: seq, why: `event ${seq} has hash ${found}, its content and place give ${expected}` };
  }
  const before = progress.versions.get(stream) ?? 0;
  if (version !== before + 1)
    return { ok: false, at: seq, why: `stream "${stream}" goes from version ${before} to ${version}` };
  progress.versions.set(stream, version);
  progress.seq = seq;
  progress.head = found;
  return undefined;
}

function checkEnds(rows: readonly Row[], progress: Progress): Broken | undefined {
  const at = progress.seq + 1;
  for (const row of rows) {
    const stream = textIn(row, 'stream');
    const version = numberIn(row, 'version');
    const last = progress.versions.get(stream) ?? 0;
    if (last !== version)
      return { ok: false, at, why: `stream "${stream}" stands at version ${version}, its last event is ${last}` };
  }
  return rows.length < progress.versions.size
    ? { ok: false, at, why: 'a stream with events is no longer listed' }
    : undefined;
}

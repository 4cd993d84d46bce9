import type { DatabaseSync } from 'node:sqlite';
import { failureOf } from './sqlite-failure.ts';
import type { Outcome, Request } from './sqlite-request.ts';

/** Runs one request inside the open transaction; throws, or answers with a conflict, to have it undone. */
export type Execute = (request: Request) => Outcome;

/**
 * Gives the function that runs a group in one transaction, each request in its own savepoint so that a refused or failed
 * one harms no other, and returns only once all is committed; one outcome per request, in order.
 */
export function createGroupCommit(
  db: DatabaseSync,
  file: string,
  execute: Execute,
): (group: readonly Request[]) => readonly Outcome[] {
  const commit = (group: readonly Request[]) => {
    try {
      db.exec('BEGIN IMMEDIATE');
      const outcomes = group.map((request) => inSavepoint(db, file, execute, request));
      db.exec('COMMIT');
      return { outcomes };
    } catch (error) {
      // SQLite ends the transaction itself on some errors (no space, I/O).
      if (db.isTransaction) db.exec('ROLLBACK');
      return { error: failureOf(error, file) };
    }
  };
  return (group) => {
    const together = commit(group);
    if (together.outcomes) return together.outcomes;
    const { error } = together;
    if (error.code !== 'STORAGE_FULL' || group.length === 1) return group.map(() => ({ error }));
    // No space for all of them: whatever still fits alone (an abort beside bulky telemetry) gets through.
    return group.map((request) => {
      const alone = commit([request]);
      return alone.outcomes?.[0] ?? { error: alone.error ?? error };
    });
  };
}

function inSavepoint(db: DatabaseSync, file: string, execute: Execute, request: Request): Outcome {
  db.exec('SAVEPOINT request');
  try {
    const outcome = execute(request);
    const refused =
      'value' in outcome && typeof outcome.value === 'object' && 'ok' in outcome.value && !outcome.value.ok;
    db.exec(refused ? 'ROLLBACK TO request; RELEASE request' : 'RELEASE request');
    return outcome;
  } catch (error) {
    // Without its transaction the group is lost: the caller starts again, one by one.
    if (!db.isTransaction) throw error;
    db.exec('ROLLBACK TO request; RELEASE request');
    return { error: failureOf(error, file) };
  }
}

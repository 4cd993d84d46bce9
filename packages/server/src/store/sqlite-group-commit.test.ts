import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { createGroupCommit } from './sqlite-group-commit.ts';
import type { Outcome, Request } from './sqlite-request.ts';

/** A database of numbers, and requests (`revive`, which carry just an id) that insert their id. */
function numbers(before: (id: number, db: DatabaseSync) => Outcome | undefined) {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE numbers (n INTEGER PRIMARY KEY)');
  const insert = db.prepare('INSERT INTO numbers VALUES (?)');
  const commit = createGroupCommit(db, 'numbers.db', (request) => {
    if (request.op !== 'revive') throw new Error(`this test asks for revive only, got ${request.op}`);
    insert.run(request.id);
    return before(request.id, db) ?? { value: true };
  });
  const asked = (ids: readonly number[]): Request[] => ids.map((id) => ({ op: 'revive', id }));
  return {
    run: (ids: readonly number[]) =>
      commit(asked(ids)).map((outcome) => ('error' in outcome ? outcome.error.code : 'ok')),
    kept: () =>
      db
        .prepare('SELECT n FROM numbers ORDER BY n')
        .all()
        .map(({ n }) => n),
    idle: () => !db.isTransaction,
  };
}

/** What SQLite does on some errors: it ends the whole transaction, and says so. */
function endTransaction(db: DatabaseSync, errcode: number, message: string): never {
  db.exec('ROLLBACK');
  throw Object.assign(new Error(message), { errcode });
}

it('undoes a refused or failed request alone', () => {
  const conflict: Outcome = { value: { ok: false, conflict: 7, on: 'stream', key: 's' } };
  const { run, kept, idle } = numbers((id) => (id === 2 ? conflict : undefined));
  expect(run([1, 2, 1, 3])).toEqual(['ok', 'ok', 'NOT_STORABLE', 'ok']);
  expect(kept()).toEqual([1, 3]);
  expect(idle()).toBe(true);
});

it('commits one by one whatever still fits when a group as a whole finds no space', () => {
  const { run, kept, idle } = numbers((id, db) =>
    id >= 100 ? endTransaction(db, 13, 'database or disk is full') : undefined,
  );
  expect(run([1, 100, 2, 101, 3])).toEqual(['ok', 'STORAGE_FULL', 'ok', 'STORAGE_FULL', 'ok']);
  expect(kept()).toEqual([1, 2, 3]);
  expect(run([100])).toEqual(['STORAGE_FULL']);
  expect(idle()).toBe(true);
});

it('fails a whole group, keeping nothing of it, when the disk fails, and works again afterwards', () => {
  const { run, kept, idle } = numbers((id, db) => (id === 2 ? endTransaction(db, 778, 'disk I/O error') : undefined));
  expect(run([1, 2, 3])).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
  expect(kept()).toEqual([]);
  expect(idle()).toBe(true);
  expect(run([4])).toEqual(['ok']);
});

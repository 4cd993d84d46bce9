import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { makeStoreDir } from '../store-dir.test.support.ts';
import { appendTo, type ContractDatabase } from './contract-database.contract.ts';
import { MIGRATIONS } from './migrations.ts';
import { requireSqlite } from './sqlite-open.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { storeContract } from './store.contract.ts';

const directory = makeStoreDir('rampart-store-');
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;

function freshFile(): string {
  files += 1;
  return join(directory, `store ${files}.db`);
}

/** Works on the file as a stranger would, past the triggers that guard events. */
function behindItsBack(file: string, sql: string, ...values: (string | number)[]): void {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  const triggers = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${String(name)}`);
  expect(db.prepare(sql).run(...values).changes).toBe(1);
  db.close();
}

function contractDatabase(): ContractDatabase {
  const file = freshFile();
  return {
    open: () => openSqliteStore({ file }),
    changeEvent: async (seq, data) => behindItsBack(file, 'UPDATE events SET data = ? WHERE seq = ?', data, seq),
    removeEvent: async (seq) => behindItsBack(file, 'DELETE FROM events WHERE seq = ?', seq),
  };
}

describe('the SQLite store keeps the contract: it', () => {
  for (const [behaviour, check] of Object.entries(storeContract)) it(behaviour, () => check(contractDatabase()));
});

describe('a store file', () => {
  it('refuses changed, removed and replaced events also to other programs', async () => {
    const file = freshFile();
    const store = await openSqliteStore({ file });
    await store.append(appendTo('s', 0));
    await store.close();
    const db = new DatabaseSync(file);
    expect(() => db.exec("UPDATE events SET data = '{}'")).toThrow('events never change');
    expect(() => db.exec('DELETE FROM events')).toThrow('events are never removed');
    const replace = (seq: number, version: number) => () =>
      db.exec(`INSERT OR REPLACE INTO events VALUES (${seq}, 's', ${version}, 1, 'x', 'T', '{}', '')`);
    expect(replace(1, 2)).toThrow('events are only added at the end');
    expect(replace(2, 1)).toThrow('events are only added at the end');
    db.close();
  });

  it('is readable by its owner only, as are its companions', async () => {
    const { statSync } = await import('node:fs');
    const file = freshFile();
    const store = await openSqliteStore({ file });
    await store.append(appendTo('s', 0));
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it('of the first schema is brought up to date, and evidence written then is read', async () => {
    const file = freshFile();
    const [first] = MIGRATIONS;
    const db = new DatabaseSync(file);
    db.exec(`${first?.sql ?? ''} INSERT INTO schema_migrations VALUES (1); PRAGMA application_id = 0x524d5054`);
    db.exec(`INSERT INTO evidence VALUES ('r', 1, '{"seq":1}')`);
    db.close();
    const store = await openSqliteStore({ file });
    const next = { rollout: 'r', seq: 2, value: { seq: 2, note: 'packed' } };
    await store.saveCheckpoint({ checkpoint: { key: 'r', expectedVersion: 0, value: 0 }, evidence: next });
    expect(await store.evidenceAfter('r', 0)).toEqual([
      { seq: 1, value: { seq: 1 } },
      { seq: 2, value: { seq: 2, note: 'packed' } },
    ]);
    await store.close();
  });

  it('of a newer schema is refused, with both numbers and what to do', async () => {
    const file = freshFile();
    await (await openSqliteStore({ file })).close();
    behindItsBack(file, 'INSERT INTO schema_migrations VALUES (?)', 99);
    const opening = openSqliteStore({ file });
    await expect(opening).rejects.toMatchObject({ code: 'SCHEMA_TOO_NEW' });
    await expect(opening).rejects.toThrow(
      `schema 99, this Rampart knows up to ${MIGRATIONS.length}; run the newer Rampart`,
    );
  });

  it('that is no database, or the database of something else, is refused and left as it was', async () => {
    const text = freshFile();
    writeFileSync(text, 'This is a letter to my aunt, long enough to be a header of some other kind.\n'.repeat(20));
    await expect(openSqliteStore({ file: text })).rejects.toMatchObject({ code: 'NOT_A_DATABASE' });
    const other = freshFile();
    const db = new DatabaseSync(other);
    db.exec('CREATE TABLE recipes (name TEXT)');
    db.close();
    await expect(openSqliteStore({ file: other })).rejects.toThrow('another application');
    const again = new DatabaseSync(other);
    expect(again.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
    again.close();
  });

  it('in a directory that does not exist is refused with what to check', async () => {
    const opening = openSqliteStore({ file: join(directory, 'nowhere', 'store.db') });
    await expect(opening).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(opening).rejects.toThrow('nowhere');
  });

  it('opened by several at once for the first time is set up once', async () => {
    const file = freshFile();
    const stores = await Promise.all(Array.from({ length: 4 }, () => openSqliteStore({ file })));
    const appended = await Promise.all(stores.map((store, i) => store.append(appendTo(`s${i}`, 0))));
    expect(appended.every(({ ok }) => ok)).toBe(true);
    expect(await stores[0]?.verifyChain()).toMatchObject({ ok: true, events: 4 });
    for (const store of stores) await store.close();
  });

  it('needs an SQLite without the WAL-reset bug', () => {
    for (const version of ['3.51.3', '3.53.4', '3.100.0', '4.0.0']) expect(() => requireSqlite(version)).not.toThrow();
    for (const version of ['3.51.2', '3.7.0', '2.99.99', 'unknown']) {
      expect(() => requireSqlite(version)).toThrow(expect.objectContaining({ code: 'SQLITE_TOO_OLD' }));
    }
  });
});

describe('a full store', () => {
  const body = 'x'.repeat(20_000);
  const telemetry = (batchId: string) => ({ batchId, receivedAt: 1, rollouts: ['r'], body });

  it('loses nothing it acknowledged, keeps nothing by half, reads on, and writes again once there is space', async () => {
    const file = freshFile();
    const store = await openSqliteStore({ file, maxPages: 120 });
    const accepted: string[] = [];
    const refused: string[] = [];
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        try {
          await store.putTelemetry(telemetry(`batch ${i}`));
          accepted.push(`batch ${i}`);
        } catch (error) {
          expect(error).toMatchObject({ code: 'STORAGE_FULL' });
          refused.push(`batch ${i}`);
        }
      }),
    );
    expect(accepted.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
    const big = { ...appendTo('s', 0), projection: { kind: 'rollout', key: 's', value: 'y'.repeat(100_000) } };
    await expect(store.append(big)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    const kept = await store.telemetryAfter('r', 0, 100);
    expect(kept.length).toBe(accepted.length);
    expect(await store.readEvents(0, 10)).toEqual([]);
    const checkpoint = { key: 'r', expectedVersion: 0, value: 1 };
    await store.saveCheckpoint({ checkpoint, telemetryFolded: { rollout: 'r', throughSeq: kept.at(-1)!.seq } });
    expect((await store.prune({ now: 1 })).telemetry).toBe(accepted.length);
    expect(await store.append(big)).toMatchObject({ ok: true });
    expect(await store.putTelemetry(telemetry(refused[0]!))).toBe('accepted');
    expect(await store.putTelemetry(telemetry(accepted[0]!))).toBe('duplicate');
    expect(await store.verifyChain()).toMatchObject({ ok: true, events: 1 });
    await store.close();
  });

  it('lets a small decision through beside bulk that no longer fits', async () => {
    const file = freshFile();
    const store = await openSqliteStore({ file, maxPages: 60 });
    const bulk = Array.from({ length: 40 }, (_, i) => store.putTelemetry(telemetry(`batch ${i}`)).catch(() => 'full'));
    const abort = store.append(appendTo('s', 0));
    expect(await abort).toMatchObject({ ok: true });
    expect(await Promise.all(bulk)).toContain('full');
    await store.close();
  });
});

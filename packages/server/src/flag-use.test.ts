import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openFlagUse } from './flag-use.ts';
import { HEALTHY, startRig, startRollout, testClock, trafficOf } from './server-rig.test.support.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { makeStoreDir } from './store-dir.test.support.ts';

const HOUR_MS = 3_600_000;
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

async function openStore(): Promise<Store> {
  const dir = makeStoreDir('rampart-flag-use-');
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const store = await openSqliteStore({ file: join(dir, 'rampart.db') });
  undo.push(() => store.close());
  return store;
}

function logInto(warned: string[]) {
  const warn = (_: object, message: string) => void warned.push(message);
  return { info: () => undefined, warn, error: warn };
}

describe('the use of flags', () => {
  it('is written once an hour for each flag, and known after a restart with since when it is noted', async () => {
    const [store, clock, warned] = [await openStore(), testClock(), [] as string[]];
    const written: string[] = [];
    const watched: Store = {
      ...store,
      getDocument: (kind, key) => store.getDocument(kind, key),
      listDocuments: (kind) => store.listDocuments(kind),
      putDocuments: (save) => {
        written.push(...save.documents.map(({ key }) => key));
        return store.putDocuments(save);
      },
    };
    const use = await openFlagUse(watched, clock, logInto(warned));
    const at = clock.now();
    for (let minute = 0; minute < 90; minute += 1) {
      use.note(['checkout', 'search']);
      clock.advance(60_000);
    }
    await use.stop();
    expect(written).toEqual(['store', 'checkout', 'search', 'checkout', 'search']);
    const again = await openFlagUse(store, clock, logInto(warned));
    expect([again.lastAt('checkout'), again.lastAt('other')]).toEqual([at + HOUR_MS, undefined]);
    expect(again.since).toBe(at);
    expect(warned).toEqual([]);
  });

  it('that cannot be written is tried again a minute later', async () => {
    const [store, clock, warned] = [await openStore(), testClock(), [] as string[]];
    let isFull = true;
    const failing: Store = {
      ...store,
      putDocuments: (save) => (isFull ? Promise.reject(new Error('full')) : store.putDocuments(save)),
      getDocument: () => Promise.resolve({ kind: 'k', key: 'k', version: 1, value: 0 }),
      listDocuments: (kind) => store.listDocuments(kind),
    };
    const use = await openFlagUse(failing, clock, logInto(warned));
    use.note(['checkout']);
    await use.stop();
    use.note(['checkout']);
    expect(warned).toHaveLength(1);
    isFull = false;
    clock.advance(60_000);
    use.note(['checkout']);
    await use.stop();
    expect((await openFlagUse(store, clock, logInto([]))).lastAt('checkout')).toBe(clock.now());
  });

  it('is kept of flags that are there, whatever a sender names', async () => {
    const rig = await startRig();
    undo.push(rig.dispose);
    await startRollout(rig);
    const ruleset = await rig.sdk.getRuleset();
    if (ruleset === 'unchanged') throw new Error('no ruleset');
    const batch = trafficOf(ruleset, ruleset.flags.checkout!, 'batch-1', rig.clock.now(), HEALTHY);
    const [series] = batch.series;
    await rig.sdk.sendTelemetry({ ...batch, series: [series!, { ...series!, flag: 'made-up' }] });
    await rig.server.close();
    const store = await openSqliteStore({ file: rig.file });
    undo.push(() => store.close());
    expect((await store.listDocuments('flag-use')).map(({ key }) => key)).toEqual(['checkout']);
  });
});

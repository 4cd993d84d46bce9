import assert from 'node:assert/strict';
import { appendTo, type Contract, type ContractDatabase, message, withStore } from './contract-database.contract.ts';
import { appendContract } from './store-append.contract.ts';
import { evidenceContract } from './store-evidence.contract.ts';
import { outboxContract } from './store-outbox.contract.ts';

const chainContract: Contract = {
  'finds an event that was changed behind its back': async (database) => {
    await fill(database);
    await database.changeEvent(3, '{"number":4}');
    await withStore(database, async (store) => {
      const report = await store.verifyChain();
      assert.ok(!report.ok && report.at === 3);
      assert.match(report.why, /event 3 has hash/);
    });
  },
  'finds an event that was removed from the middle': async (database) => {
    await fill(database);
    await database.removeEvent(2);
    await withStore(database, async (store) => {
      assert.deepEqual(await store.verifyChain(), { ok: false, at: 2, why: 'event 2 is missing' });
    });
  },
  'finds an event that was removed from the end': async (database) => {
    await fill(database);
    await database.removeEvent(5);
    await withStore(database, async (store) => {
      const report = await store.verifyChain();
      assert.ok(!report.ok && report.at === 5);
      assert.match(report.why, /stands at version 5, its last event is 4/);
    });
  },
  'verifies more events than one slice while writes go on': async (database) => {
    await withStore(database, async (store) => {
      for (let i = 0; i < 12; i += 1) await store.append(appendTo('s', i * 100, {}, 100));
      const [report] = await Promise.all([store.verifyChain(), store.append(appendTo('t', 0))]);
      assert.ok(report.ok && report.events >= 1_200);
    });
  },
};

const lifeContract: Contract = {
  'has everything again after it was closed and opened': async (database) => {
    const before = await withStore(database, async (store) => {
      await store.append(
        appendTo('s', 0, { projection: { kind: 'rollout', key: 's', value: 1 }, outbox: [message('m')] }, 3),
      );
      await store.putTelemetry({ batchId: 'b', receivedAt: 1, rollouts: ['r'], body: [1] });
      return store.readEvents(0, 10);
    });
    await withStore(database, async (store) => {
      assert.deepEqual(await store.readEvents(0, 10), before);
      assert.equal((await store.getDocument('rollout', 's'))?.version, 3);
      assert.deepEqual((await store.telemetryAfter('r', 0, 1))[0]?.body, [1]);
      const stats = await store.stats();
      assert.deepEqual([stats.events, stats.telemetry, stats.outboxPending], [3, 1, 1]);
      assert.ok(stats.bytes > 0);
      assert.ok((await store.append(appendTo('s', 3))).ok);
      assert.ok((await store.verifyChain()).ok);
    });
  },
  'finishes what was asked before it closes and refuses what comes after': async (database) => {
    const store = await database.open();
    const asked = Array.from({ length: 50 }, (_, i) => store.append(appendTo(`s${i}`, 0)));
    const closing = store.close();
    const late = store.append(appendTo('late', 0));
    await assert.rejects(late, { code: 'STORE_UNAVAILABLE' });
    assert.ok((await Promise.all(asked)).every(({ ok }) => ok));
    await closing;
    await store.close();
    await assert.rejects(store.readStream('s1'), { code: 'STORE_UNAVAILABLE' });
    await withStore(database, async (again) => assert.equal((await again.stats()).events, 50));
  },
};

async function fill(database: ContractDatabase): Promise<void> {
  await withStore(database, async (store) => {
    for (let i = 0; i < 5; i += 1) await store.append(appendTo('s', i));
    assert.equal((await store.verifyChain()).ok, true);
  });
}

/**
 * What every store adapter must do. Free of any test runner: run each entry on a fresh database and let a rejection fail.
 */
export const storeContract: Contract = {
  ...appendContract,
  ...evidenceContract,
  ...outboxContract,
  ...chainContract,
  ...lifeContract,
};

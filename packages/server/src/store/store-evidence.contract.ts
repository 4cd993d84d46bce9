import assert from 'node:assert/strict';
import { appendTo, type Contract, withStore, withTwo } from './contract-database.contract.ts';
import { BATCH_ID_KEEP_MS, type Store } from './store.ts';

/** Telemetry, evidence and the checkpoints of its folding. */
export const evidenceContract: Contract = {
  'takes a telemetry batch once, whoever delivers it again': async (database) => {
    await withTwo(database, async (a, b) => {
      const answers = await Promise.all([put(a, 'x'), put(b, 'x'), put(a, 'x'), put(b, 'y')]);
      assert.deepEqual([...answers].sort(), ['accepted', 'accepted', 'duplicate', 'duplicate']);
      assert.equal(await put(b, 'x'), 'duplicate');
      assert.equal((await a.telemetryAfter('r', 0, 10)).length, 2);
    });
  },
  'knows the batches of a sender that delivers in order by their place, and forgets a sender after seven days': async (
    database,
  ) => {
    await withTwo(database, async (a, b) => {
      const send = (store: Store, id: string, sequence: number, receivedAt = 1_000) =>
        store.putTelemetry({
          ...{ batchId: `${id}-${sequence}`, sender: { id, sequence }, receivedAt },
          ...{ rollouts: ['r'], body: sequence },
        });
      const both = await Promise.all([send(a, 'x', 1), send(b, 'x', 1)]);
      assert.deepEqual([...both].sort(), ['accepted', 'duplicate']);
      assert.equal(await send(b, 'x', 1), 'duplicate');
      // Numbers in between were never acknowledged: a batch that was refused is not sent again.
      assert.equal(await send(b, 'x', 4, 2_000), 'accepted');
      assert.equal(await send(a, 'x', 3, 3_000), 'duplicate');
      assert.equal(await send(a, 'y', 1), 'accepted');
      assert.equal((await a.telemetryAfter('r', 0, 10)).length, 3);
      assert.equal((await a.prune({ now: 1_001 + BATCH_ID_KEEP_MS })).batchIds, 1);
      assert.equal(await send(a, 'y', 1), 'accepted');
      assert.equal(await send(a, 'x', 4), 'duplicate');
      await assert.rejects(send(a, 'x', -1), { code: 'NOT_STORABLE' });
    });
  },
  'gives each rollout its own telemetry in the order of commits': async (database) => {
    await withStore(database, async (store) => {
      await store.putTelemetry({ batchId: '1', receivedAt: 10, rollouts: ['a', 'b', 'a'], body: { n: 1 } });
      await store.putTelemetry({ batchId: '2', receivedAt: 9, rollouts: ['b'], body: { n: 2 } });
      await store.putTelemetry({ batchId: '3', receivedAt: 8, rollouts: [], body: { n: 3 } });
      await store.putTelemetry({ batchId: '4', receivedAt: 7, rollouts: ['b', 'a'], body: { n: 4 } });
      const b = await store.telemetryAfter('b', 0, 10);
      assert.deepEqual(
        b.map(({ receivedAt, body }) => [receivedAt, body]),
        [
          [10, { n: 1 }],
          [9, { n: 2 }],
          [7, { n: 4 }],
        ],
      );
      assert.deepEqual(await store.telemetryAfter('b', b[0]!.seq, 1), [b[1]]);
      assert.deepEqual(
        (await store.telemetryAfter('a', 0, 10)).map(({ body }) => body),
        [{ n: 1 }, { n: 4 }],
      );
      assert.deepEqual(await store.telemetryAfter('c', 0, 10), []);
    });
  },
  'gives each rollout a body of its own where it was given one, all or none of them': async (database) => {
    await withStore(database, async (store) => {
      const body = (rollout: string) => ({ of: rollout });
      await store.putTelemetry({ batchId: '1', receivedAt: 1, rollouts: ['a', 'b', 'a'], body });
      assert.equal(await store.putTelemetry({ batchId: '1', receivedAt: 1, rollouts: ['a', 'b'], body }), 'duplicate');
      await store.putTelemetry({ batchId: '2', receivedAt: 1, rollouts: [], body });
      for (const rollout of ['a', 'b']) {
        const read = await store.telemetryAfter(rollout, 0, 10);
        assert.deepEqual(
          read.map((row) => row.body),
          [{ of: rollout }],
        );
        await store.append(appendTo(rollout, 0, { telemetryFolded: { rollout, throughSeq: read[0]!.seq } }));
      }
      assert.equal((await store.prune({ now: 2 })).telemetry, 2);
    });
  },
  'keeps a telemetry batch and the documents beside it together or not at all': async (database) => {
    await withStore(database, async (store) => {
      const putWith = (batchId: string, value: number, expectedVersion: number) =>
        store.putTelemetryWith({ batchId, receivedAt: 1, rollouts: ['r'], body: value }, [
          { kind: 'k', key: 'd', value, expectedVersion },
        ]);
      assert.equal(await putWith('1', 1, 0), 'accepted');
      assert.equal(await putWith('1', 2, 1), 'duplicate');
      assert.deepEqual(await putWith('2', 3, 0), { ok: false, conflict: 1, on: 'document', key: 'k/d' });
      assert.deepEqual(await store.getDocument('k', 'd'), { kind: 'k', key: 'd', version: 1, value: 1 });
      assert.equal((await store.telemetryAfter('r', 0, 10)).length, 1);
      // The refused batch left no trace: its id is free.
      assert.equal(await putWith('2', 3, 1), 'accepted');
      assert.deepEqual(
        (await store.telemetryAfter('r', 0, 10)).map(({ body }) => body),
        [1, 3],
      );
    });
  },
  'never shows a seq below one already read while two stores write': async (database) => {
    await withTwo(database, async (a, b) => {
      const seen: number[] = [];
      let writing = true;
      const reader = async () => {
        while (writing) {
          for (const { seq } of await a.telemetryAfter('r', seen.at(-1) ?? 0, 7)) seen.push(seq);
          await new Promise(setImmediate);
        }
      };
      const reading = reader();
      await Promise.all(Array.from({ length: 120 }, (_, i) => put(i % 2 ? a : b, `batch ${i}`)));
      writing = false;
      await reading;
      for (let more = 1; more > 0; ) {
        const rest = await a.telemetryAfter('r', seen.at(-1) ?? 0, 50);
        seen.push(...rest.map(({ seq }) => seq));
        more = rest.length;
      }
      assert.equal(seen.length, 120);
    });
  },
  'lets only one of two stores fold the same increment': async (database) => {
    await withTwo(database, async (a, b) => {
      const fold = (store: Store, value: string, expectedVersion: number, seq: number) =>
        store.saveCheckpoint({
          checkpoint: { key: 'r', expectedVersion, value },
          evidence: { rollout: 'r', seq, value },
        });
      const first = await Promise.all([fold(a, 'a', 0, 1), fold(b, 'b', 0, 1)]);
      assert.deepEqual(first.map(({ ok }) => ok).sort(), [false, true]);
      const refused = first.find(({ ok }) => !ok);
      assert.deepEqual(refused, { ok: false, conflict: 1, on: 'checkpoint', key: 'r' });
      assert.deepEqual(await fold(b, 'c', 2, 2), { ok: false, conflict: 1, on: 'checkpoint', key: 'r' });
      assert.deepEqual(await fold(b, 'c', 1, 3), { ok: false, conflict: 1, on: 'evidence', key: 'r' });
      assert.deepEqual(await fold(b, 'c', 1, 2), { ok: true, version: 2 });
      assert.deepEqual(await a.getCheckpoint('r'), { version: 2, value: 'c' });
      const winner = first[0]?.ok ? 'a' : 'b';
      assert.deepEqual(await a.evidenceAfter('r', 0), [
        { seq: 1, value: winner },
        { seq: 2, value: 'c' },
      ]);
      assert.deepEqual(await a.evidenceAfter('r', 1), [{ seq: 2, value: 'c' }]);
      assert.deepEqual(await a.evidenceAfter('r', 0, 1), [{ seq: 1, value: winner }]);
    });
  },
  'prunes telemetry that every reader folded, and still knows its ids for seven days': async (database) => {
    await withStore(database, async (store) => {
      for (const id of ['1', '2', '3']) {
        await store.putTelemetry({ batchId: id, receivedAt: 1_000, rollouts: ['a', 'b'], body: id });
      }
      const seqs = (await store.telemetryAfter('a', 0, 10)).map(({ seq }) => seq);
      await store.append(appendTo('a', 0, { telemetryFolded: { rollout: 'a', throughSeq: seqs[1]! } }));
      await store.prune({ now: 2_000 });
      assert.equal((await store.stats()).telemetry, 3);
      assert.deepEqual(
        (await store.telemetryAfter('b', 0, 10)).map(({ seq }) => seq),
        seqs,
      );
      const checkpoint = { key: 'b', expectedVersion: 0, value: 0 };
      await store.saveCheckpoint({ checkpoint, telemetryFolded: { rollout: 'b', throughSeq: seqs[2]! } });
      assert.equal((await store.prune({ now: 2_000 })).telemetry, 2);
      assert.deepEqual(
        (await store.telemetryAfter('a', 0, 10)).map(({ body }) => body),
        ['3'],
      );
      assert.equal(await put(store, '1'), 'duplicate');
      assert.equal((await store.prune({ now: 1_000 + BATCH_ID_KEEP_MS })).batchIds, 0);
      assert.equal((await store.prune({ now: 1_001 + BATCH_ID_KEEP_MS })).batchIds, 3);
      assert.equal(await put(store, '1'), 'accepted');
      assert.ok((await store.telemetryAfter('r', 0, 1))[0]!.seq > seqs[2]!);
    });
  },
  'keeps every evidence batch of a rollout until it is told to let go, then the oldest go first': async (database) => {
    await withStore(database, async (store) => {
      const fold = (seq: number) => ({
        checkpoint: { key: 'r', expectedVersion: seq - 1, value: seq },
        evidence: { rollout: 'r', seq, value: { seq } },
        telemetryFolded: { rollout: 'r', throughSeq: 1_000 },
      });
      await put(store, 'x');
      await store.saveCheckpoint(fold(1));
      await store.saveCheckpoint(fold(2));
      assert.equal((await store.prune({ now: 1_001 + 10 * BATCH_ID_KEEP_MS })).telemetry, 1);
      assert.deepEqual(
        (await store.evidenceAfter('r', 0)).map(({ seq }) => seq),
        [1, 2],
      );
      const first = { rollout: 's', seq: 1, value: { seq: 1 } };
      await store.saveCheckpoint({ checkpoint: { key: 's', expectedVersion: 0, value: 1 }, evidence: first });
      const pruned = await store.prune({ now: 1, limit: 1, evidenceOf: ['r', 'unheard of'] });
      assert.deepEqual([pruned.evidence, pruned.more], [1, true]);
      assert.deepEqual(
        (await store.evidenceAfter('r', 0)).map(({ seq }) => seq),
        [2],
      );
      assert.equal((await store.prune({ now: 1, evidenceOf: ['r', 'unheard of'] })).evidence, 1);
      assert.deepEqual(await store.evidenceAfter('r', 0), []);
      assert.deepEqual(await store.getCheckpoint('r'), { version: 2, value: 2 });
      assert.equal((await store.evidenceAfter('s', 0)).length, 1);
    });
  },
  'prunes in slices and says when more is left': async (database) => {
    await withStore(database, async (store) => {
      for (const id of ['1', '2', '3']) await store.putTelemetry({ batchId: id, receivedAt: 0, rollouts: [], body: 0 });
      const now = BATCH_ID_KEEP_MS + 1;
      assert.deepEqual(await store.prune({ now, limit: 2 }), {
        telemetry: 0,
        batchIds: 2,
        evidence: 0,
        outbox: 0,
        replies: 0,
        more: true,
      });
      assert.deepEqual(await store.prune({ now, limit: 2 }), {
        telemetry: 0,
        batchIds: 1,
        evidence: 0,
        outbox: 0,
        replies: 0,
        more: false,
      });
    });
  },
};

function put(store: Store, batchId: string): Promise<'accepted' | 'duplicate'> {
  return store.putTelemetry({ batchId, receivedAt: 1_000, rollouts: ['r'], body: { batchId } });
}

import assert from 'node:assert/strict';
import { appendTo, type Contract, message, withStore, withTwo } from './contract-database.contract.ts';
import type { Append, Store } from './store.ts';

/** Appending, reading, and the documents beside the events. */
export const appendContract: Contract = {
  'gives events their version, place and content as they are read back': async (database) => {
    await withStore(database, async (store) => {
      const data = { b: [1, 'é', null], a: { z: 0.1, y: undefined } };
      const event = { at: 5, by: 'agent:x', type: 'Said', data };
      const first = await store.append({ stream: 's', expectedVersion: 0, events: [event, event] });
      const second = await store.append(appendTo('t', 0));
      assert.ok(first.ok && second.ok);
      const read = await store.readEvents(0, 10);
      assert.deepEqual(read, [...first.events, ...second.events]);
      assert.deepEqual(
        read.map(({ seq, stream, version }) => [seq, stream, version]),
        [
          [1, 's', 1],
          [2, 's', 2],
          [3, 't', 1],
        ],
      );
      assert.deepEqual(read[0]?.data, { a: { z: 0.1 }, b: [1, 'é', null] });
      assert.deepEqual(await store.readStream('s'), first.events);
      assert.deepEqual(await store.readStream('s', 1), first.events.slice(1));
      assert.deepEqual(await store.readEvents(1, 1), first.events.slice(1));
      assert.deepEqual(await store.readStream('nobody'), []);
    });
  },
  'refuses a version that is too low or too high and writes nothing': async (database) => {
    await withStore(database, async (store) => {
      assert.deepEqual(await store.append(appendTo('s', 1)), { ok: false, conflict: 0, on: 'stream', key: 's' });
      assert.ok((await store.append(appendTo('s', 0, {}, 3))).ok);
      for (const expected of [0, 1, 2, 4, 100]) {
        const refused = await store.append(everything(expected));
        assert.deepEqual(refused, { ok: false, conflict: 3, on: 'stream', key: 's' });
      }
      await assertNothingBeside(store, 3);
    });
  },
  'writes events, projection, documents, evidence, checkpoint, outbox and reply together': async (database) => {
    await withStore(database, async (store) => {
      assert.ok((await store.append(everything(0))).ok);
      assert.deepEqual(await store.getDocument('rollout', 's'), {
        kind: 'rollout',
        key: 's',
        version: 2,
        value: { stage: 1 },
      });
      assert.deepEqual(await store.getDocument('ruleset', 'prod'), {
        kind: 'ruleset',
        key: 'prod',
        version: 1,
        value: [1],
      });
      assert.deepEqual(await store.evidenceAfter('s', 0), [{ seq: 1, value: 'batch' }]);
      assert.deepEqual(await store.getCheckpoint('s'), { version: 1, value: { e: 0.5 } });
      assert.deepEqual(
        (await store.listOutbox('pending')).map(({ key }) => key),
        ['m'],
      );
      assert.equal(await store.getReply('request', 0), 'answer');
    });
  },
  'writes nothing at all when any one part conflicts': async (database) => {
    const parts: readonly [Partial<Append>, string, string][] = [
      [
        {
          documents: [
            { kind: 'a', key: 'b', value: 1 },
            { kind: 'ruleset', key: 'prod', value: 2, expectedVersion: 3 },
          ],
        },
        'document',
        'ruleset/prod',
      ],
      [{ checkpoint: { key: 's', expectedVersion: 1, value: 1 } }, 'checkpoint', 's'],
      [{ evidence: { rollout: 's', seq: 2, value: 1 } }, 'evidence', 's'],
    ];
    for (const [part, on, key] of parts) {
      await withStore(database, async (store) => {
        const refused = await store.append({ ...everything(0), ...part });
        assert.deepEqual(refused, { ok: false, conflict: 0, on, key });
        await assertNothingBeside(store, 0);
        assert.equal(await store.getDocument('a', 'b'), undefined);
      });
    }
  },
  'keeps every acknowledged event once with many writers on two stores': async (database) => {
    await withTwo(database, async (a, b) => {
      const wins = await Promise.all(Array.from({ length: 12 }, (_, i) => race(i % 2 ? a : b, `writer ${i}`, 15)));
      const events = await a.readEvents(0, 10_000);
      const said = events.map(({ data }) => data);
      assert.deepEqual([...said].sort(), wins.flat().sort());
      assert.equal(new Set(said).size, 12 * 15);
      assert.deepEqual(
        events.map(({ seq }) => seq),
        events.map((_, i) => i + 1),
      );
      assert.deepEqual(await b.verifyChain(), { ok: true, events: 180, head: events.at(-1)?.hash });
    });
  },
  'counts the versions of documents, also over a deletion, and lists what is left by key': async (database) => {
    await withStore(database, async (store) => {
      const put = (key: string, value: unknown, expectedVersion?: number) =>
        store.putDocuments({
          documents: [{ kind: 'token', key, value, ...(expectedVersion !== undefined && { expectedVersion }) }],
        });
      assert.deepEqual(await put('b', 1, 0), { ok: true });
      assert.deepEqual(await put('a', 2), { ok: true });
      assert.deepEqual(await put('b', 3, 0), { ok: false, conflict: 1, on: 'document', key: 'token/b' });
      assert.deepEqual(
        (await store.listDocuments('token')).map(({ key, value }) => [key, value]),
        [
          ['a', 2],
          ['b', 1],
        ],
      );
      assert.deepEqual(await put('b', null, 1), { ok: true });
      assert.equal(await store.getDocument('token', 'b'), undefined);
      assert.deepEqual(
        (await store.listDocuments('token')).map(({ key }) => key),
        ['a'],
      );
      assert.deepEqual(await put('b', 4, 0), { ok: false, conflict: 2, on: 'document', key: 'token/b' });
      assert.deepEqual(await put('b', 4, 2), { ok: true });
      assert.equal((await store.getDocument('token', 'b'))?.version, 3);
    });
  },
  'answers an idempotency key with the first reply until it expires': async (database) => {
    await withStore(database, async (store) => {
      const reply = (value: string, at: number) => ({ key: 'request', value, at, expiresAt: at + 100 });
      assert.ok((await store.append(appendTo('s', 0, { reply: reply('one', 0) }))).ok);
      const again = await store.append(appendTo('s', 1, { reply: reply('two', 99) }));
      assert.deepEqual(again, { ok: false, conflict: 1, on: 'reply', key: 'request' });
      assert.equal((await store.readStream('s')).length, 1);
      assert.equal(await store.getReply('request', 99), 'one');
      assert.equal(await store.getReply('request', 100), undefined);
      assert.ok((await store.putDocuments({ documents: [], reply: reply('three', 100) })).ok);
      assert.equal(await store.getReply('request', 100), 'three');
    });
  },
  'refuses values that JSON would change and goes on working': async (database) => {
    await withStore(database, async (store) => {
      const bad: readonly Partial<Append>[] = [
        { events: [] },
        { events: [{ at: 1.5, by: 'x', type: 'T', data: null }] },
        { events: [{ at: 1, by: 'x', type: 'T', data: { log: Number.NEGATIVE_INFINITY } }] },
        { events: [{ at: 1, by: '\ud800', type: 'T', data: null }] },
        { expectedVersion: -1 },
        { stream: '' },
        { checkpoint: { key: 'c', expectedVersion: 0, value: [1n] } },
      ];
      for (const part of bad)
        await assert.rejects(store.append({ ...appendTo('s', 0), ...part }), { code: 'NOT_STORABLE' });
      assert.ok((await store.append(appendTo('s', 0))).ok);
    });
  },
  'tells listeners what a commit changed until they stop, and nothing of refusals': async (database) => {
    await withStore(database, async (store) => {
      const heard: unknown[] = [];
      const stop = store.onChange((change) => heard.push(change));
      await store.append(everything(0));
      await store.append(everything(0));
      await store.putTelemetry({ batchId: 'b', receivedAt: 1, rollouts: ['r', 'q'], body: {} });
      await store.putTelemetry({ batchId: 'b', receivedAt: 1, rollouts: ['r'], body: {} });
      stop();
      await store.append(appendTo('t', 0));
      const documents = [
        { kind: 'rollout', key: 's' },
        { kind: 'ruleset', key: 'prod' },
      ];
      assert.deepEqual(heard, [
        { streams: ['s'], telemetryRollouts: [], documents, outbox: true },
        { streams: [], telemetryRollouts: ['r', 'q'], documents: [], outbox: false },
      ]);
    });
  },
};

function everything(expectedVersion: number): Append {
  return appendTo(
    's',
    expectedVersion,
    {
      projection: { kind: 'rollout', key: 's', value: { stage: 1 } },
      documents: [{ kind: 'ruleset', key: 'prod', value: [1] }],
      checkpoint: { key: 's', expectedVersion: 0, value: { e: 0.5 } },
      evidence: { rollout: 's', seq: 1, value: 'batch' },
      telemetryFolded: { rollout: 's', throughSeq: 0 },
      outbox: [message('m')],
      reply: { key: 'request', value: 'answer', at: 0, expiresAt: 100 },
    },
    2,
  );
}

async function assertNothingBeside(store: Store, events: number): Promise<void> {
  assert.equal((await store.readEvents(0, 100)).length, events);
  assert.equal((await store.readStream('s')).length, events);
  assert.equal(await store.getDocument('rollout', 's'), undefined);
  assert.equal(await store.getDocument('ruleset', 'prod'), undefined);
  assert.deepEqual(await store.evidenceAfter('s', 0), []);
  assert.equal(await store.getCheckpoint('s'), undefined);
  assert.deepEqual(await store.listOutbox('pending'), []);
  assert.equal(await store.getReply('request', 0), undefined);
  assert.ok((await store.verifyChain()).ok);
}

/** Appends to one contended stream until it has won `wins` times; gives what it was told is written. */
async function race(store: Store, name: string, wins: number): Promise<readonly string[]> {
  const won: string[] = [];
  let version = 0;
  while (won.length < wins) {
    const data = `${name}: ${won.length}`;
    const result = await store.append({
      stream: 'contended',
      expectedVersion: version,
      events: [{ at: 1, by: name, type: 'Won', data }],
      projection: { kind: 'contended', key: 'contended', value: data },
    });
    version = result.ok ? version + 1 : result.conflict;
    if (result.ok) won.push(data);
  }
  return won;
}

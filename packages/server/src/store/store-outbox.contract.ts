import assert from 'node:assert/strict';
import { appendTo, type Contract, message, withStore, withTwo } from './contract-database.contract.ts';
import { DONE_KEEP_MS, type Store } from './store.ts';

/** The outbox: claims, leases, dead letters. */
export const outboxContract: Contract = {
  'keeps one message per idempotency key': async (database) => {
    await withStore(database, async (store) => {
      await store.append(appendTo('s', 0, { outbox: [message('a'), message('a'), message('b')] }));
      await store.putDocuments({ documents: [], outbox: [message('a'), message('c')] });
      const keys = (await store.listOutbox('pending')).map(({ key }) => key);
      assert.deepEqual(keys, ['a', 'b', 'c']);
      assert.equal((await store.listOutbox('pending', 2)).length, 2);
    });
  },
  'gives each message to one of two owners claiming at once': async (database) => {
    await withTwo(database, async (a, b) => {
      await fill(a, 40);
      const claims = await Promise.all(
        Array.from({ length: 10 }, (_, i) => claim(i % 2 ? a : b, 100, i % 2 ? 'odd' : 'even', 5)),
      );
      const ids = claims.flat().map(({ id }) => id);
      assert.equal(ids.length, 40);
      assert.equal(new Set(ids).size, 40);
      assert.deepEqual(await claim(a, 100, 'late'), []);
    });
  },
  'gives out what is due, the longest due first, and says when the next will be': async (database) => {
    await withStore(database, async (store) => {
      assert.equal(await store.nextOutboxAt(), undefined);
      await store.putDocuments({ documents: [], outbox: [message('c', 300), message('b', 200), message('a', 100)] });
      assert.equal(await store.nextOutboxAt(), 100);
      const claimed = await claim(store, 200, 'me');
      assert.deepEqual(claimed, [
        {
          id: 3,
          key: 'a',
          destination: 'hook',
          kind: 'notice',
          body: { about: 'a' },
          dueAt: 100,
          attempts: 1,
          leasedUntil: 1_200,
        },
        {
          id: 2,
          key: 'b',
          destination: 'hook',
          kind: 'notice',
          body: { about: 'b' },
          dueAt: 200,
          attempts: 1,
          leasedUntil: 1_200,
        },
      ]);
      assert.equal(await store.nextOutboxAt(), 300);
      await claim(store, 300, 'me');
      assert.equal(await store.nextOutboxAt(), 1_200);
    });
  },
  'frees a message when its lease ends, and then refuses the owner that was too slow': async (database) => {
    await withTwo(database, async (a, b) => {
      await fill(a, 1);
      const [slow] = await claim(a, 0, 'slow');
      assert.deepEqual(await claim(b, 999, 'quick'), []);
      const [again] = await claim(b, 1_000, 'quick');
      assert.deepEqual([again?.id, again?.attempts], [slow?.id, 2]);
      const { id } = slow!;
      assert.equal(await a.finishOutbox(id, 'slow'), false);
      assert.equal(await a.retryOutbox(id, 'slow', { dueAt: 5, error: 'late' }), false);
      assert.equal(await a.buryOutbox(id, 'slow', 'late'), false);
      assert.equal(await b.finishOutbox(id, 'quick'), true);
      assert.equal(await b.finishOutbox(id, 'quick'), false);
      assert.deepEqual(
        (await a.listOutbox('done')).map((entry) => [entry.id, entry.error]),
        [[id, undefined]],
      );
      assert.deepEqual(await claim(a, 1e6, 'me'), []);
    });
  },
  'delivers again after a retry, keeping what went wrong': async (database) => {
    await withStore(database, async (store) => {
      await fill(store, 1);
      const [first] = await claim(store, 10, 'me');
      assert.equal(await store.retryOutbox(first!.id, 'me', { dueAt: 50, error: 'HTTP 503' }), true);
      assert.deepEqual(
        (await store.listOutbox('pending')).map(({ error, attempts, dueAt }) => [error, attempts, dueAt]),
        [['HTTP 503', 1, 50]],
      );
      assert.deepEqual(await claim(store, 49, 'me'), []);
      assert.deepEqual(
        (await claim(store, 50, 'other')).map(({ attempts }) => attempts),
        [2],
      );
    });
  },
  'keeps dead letters until they are revived': async (database) => {
    await withStore(database, async (store) => {
      await fill(store, 2);
      const [dead] = await claim(store, 10, 'me', 1);
      assert.equal(await store.buryOutbox(dead!.id, 'me', 'HTTP 410'), true);
      const { outboxPending, outboxDead } = await store.stats();
      assert.deepEqual([outboxPending, outboxDead], [1, 1]);
      assert.deepEqual(
        (await store.listOutbox('dead')).map(({ error, state }) => [error, state]),
        [['HTTP 410', 'dead']],
      );
      await store.prune({ now: 1e15 });
      assert.equal((await store.stats()).outboxDead, 1);
      assert.equal(await store.reviveOutbox(dead!.id), true);
      assert.equal(await store.reviveOutbox(dead!.id), false);
      assert.equal(await store.reviveOutbox(999), false);
      const revived = (await claim(store, 10, 'me')).find(({ id }) => id === dead!.id);
      assert.equal(revived?.attempts, 1);
    });
  },
  'forgets delivered messages and expired replies after their time': async (database) => {
    await withStore(database, async (store) => {
      await fill(store, 2);
      await store.putDocuments({ documents: [], reply: { key: 'r', value: 1, at: 0, expiresAt: 500 } });
      const [one] = await claim(store, 0, 'me', 1);
      await store.finishOutbox(one!.id, 'me');
      const kept = await store.prune({ now: 499 });
      assert.deepEqual([kept.outbox, kept.replies], [0, 0]);
      const gone = await store.prune({ now: DONE_KEEP_MS + 1_001 });
      assert.deepEqual([gone.outbox, gone.replies], [1, 1]);
      assert.equal((await store.listOutbox('pending')).length, 1);
    });
  },
};

async function fill(store: Store, count: number): Promise<void> {
  const outbox = Array.from({ length: count }, (_, i) => message(`message ${i}`));
  await store.append(appendTo('s', 0, { outbox }));
}

function claim(store: Store, now: number, owner: string, limit = 10) {
  return store.claimOutbox({ now, limit, leaseMs: 1_000, owner });
}

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
      assert.deepEqual(
        (await store.listOutbox('pending', 2)).map(({ key }) => key),
        ['b', 'c'],
      );
    });
  },
  'finds what has a key that begins with a text, whatever became of it': async (database) => {
    await withStore(database, async (store) => {
      const keys = ['r1:2/hook', 'r1:2/mail', 'r1:2/\u{10FFFE}', 'r1:20/hook', 'r1:2', 'R1:2/hook'];
      await store.putDocuments({ documents: [], outbox: keys.map((key) => message(key)) });
      const [done, dead] = await claim(store, 100, 'me', 2);
      await store.finishOutbox(done?.id ?? 0, 'me');
      await store.buryOutbox(dead?.id ?? 0, 'me', 'nobody there');
      const found = await store.findOutbox('r1:2/');
      assert.deepEqual(
        found.map(({ key, state }) => [key, state]),
        [
          ['r1:2/hook', 'done'],
          ['r1:2/mail', 'dead'],
          ['r1:2/\u{10FFFE}', 'pending'],
        ],
      );
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
  'gives out what is due in the order it was added, and says when more will be': async (database) => {
    await withStore(database, async (store) => {
      assert.deepEqual(await store.outboxOutlook(0), { due: [] });
      await store.putDocuments({ documents: [], outbox: [message('c', 300), message('b', 200), message('a', 100)] });
      assert.deepEqual(await store.outboxOutlook(99), { due: [], nextAt: 100 });
      assert.deepEqual(await store.outboxOutlook(200), { due: ['hook'], nextAt: 300 });
      const claimed = await claim(store, 200, 'me');
      const given = { destination: 'hook', kind: 'notice', priority: 2, attempts: 1, leasedUntil: 1_200 };
      assert.deepEqual(claimed, [
        { id: 2, key: 'b', body: { about: 'b' }, dueAt: 200, ...given },
        { id: 3, key: 'a', body: { about: 'a' }, dueAt: 100, ...given },
      ]);
      assert.deepEqual(await store.outboxOutlook(200), { due: [], nextAt: 300 });
      await claim(store, 300, 'me');
      assert.deepEqual(await store.outboxOutlook(300), { due: [], nextAt: 1_200 });
    });
  },
  'gives each destination its own messages, the most urgent first, of the priorities asked for': async (database) => {
    await withStore(database, async (store) => {
      const to = (destination: string, key: string, priority: number) => ({ ...message(key), destination, priority });
      const outbox = [to('slack', 'info', 2), to('slack', 'page', 0), to('pager', 'low', 1), to('slack', 'digest', 3)];
      await store.putDocuments({ documents: [], outbox });
      assert.deepEqual((await store.outboxOutlook(0)).due, ['slack', 'pager']);
      const keys = async (destination: string, priorities: readonly [number, number], limit: number) =>
        (await store.claimOutbox({ ...CLAIM, destination, priorities, now: 0, limit, owner: 'me' })).map(
          ({ key }) => key,
        );
      assert.deepEqual(await keys('slack', [1, 3], 1), ['info']);
      assert.deepEqual(await keys('slack', [0, 3], 9), ['page', 'digest']);
      assert.deepEqual(await keys('slack', [0, 3], 9), []);
      assert.deepEqual(await keys('pager', [0, 3], 9), ['low']);
    });
  },
  'holds back what would overtake an earlier message of its group, unless it is more urgent': async (database) => {
    await withStore(database, async (store) => {
      const about = (key: string, group: string, priority: number) => ({ ...message(key), group, priority });
      const outbox = [about('trigger', 'r1', 0), about('resolve', 'r1', 2), about('other', 'r2', 2)];
      await store.putDocuments({ documents: [], outbox });
      const keys = async (priorities: readonly [number, number], limit = 9, now = 0, owner = 'me') =>
        (await store.claimOutbox({ ...CLAIM, priorities, now, limit, owner })).map(({ key }) => key);
      assert.deepEqual(await keys([1, 3], 1), ['other']);
      assert.deepEqual(await keys([0, 3], 1), ['trigger']);
      assert.deepEqual(await keys([0, 3], 9, 0, 'another'), []);
      assert.equal(await store.retryOutbox(1, 'me', { dueAt: 500, error: 'HTTP 503' }), true);
      assert.deepEqual(await keys([0, 3], 9, 499), []);
      await store.putDocuments({ documents: [], outbox: [about('new page', 'r1', 0), about('urgent', 'r2', 0)] });
      assert.deepEqual(await keys([0, 3], 9, 499), ['new page', 'urgent']);
      assert.deepEqual(await keys([0, 3], 9, 500), ['trigger', 'resolve']);
    });
  },
  'counts what waits and what was given up, by destination': async (database) => {
    await withStore(database, async (store) => {
      assert.deepEqual(await store.countOutbox(), []);
      const outbox = [message('a', 7), message('b', 5), { ...message('c'), destination: 'another' }];
      await store.putDocuments({ documents: [], outbox });
      const [dead] = await store.claimOutbox({ ...CLAIM, destination: 'another', now: 0, owner: 'me', limit: 1 });
      await store.buryOutbox(dead!.id, 'me', 'HTTP 410');
      assert.deepEqual(await store.countOutbox(), [
        { destination: 'another', pending: 0, dead: 1 },
        { destination: 'hook', pending: 2, dead: 0, oldestDueAt: 5 },
      ]);
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

const CLAIM = { destination: 'hook', priorities: [0, 9], leaseMs: 1_000 } as const;

function claim(store: Store, now: number, owner: string, limit = 10) {
  return store.claimOutbox({ ...CLAIM, now, limit, owner });
}

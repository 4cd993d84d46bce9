import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventRecord } from '@rampart/rollout';
import { expect, it } from 'vitest';
import { abortDeliveries } from './abort-deliveries.ts';
import { openSqliteStore } from './store/sqlite-store.ts';

it('knows what became of the messages of an abort, however many others there were before', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-abort-deliveries-'));
  const store = await openSqliteStore({ file: join(dir, 'rampart.db') });
  try {
    const message = (key: string, destination: string) => ({ key, destination, kind: 'k', body: {}, dueAt: 0 });
    const others = Array.from({ length: 1_100 }, (_, i) => message(`other:${i}/hook`, 'hook'));
    const own = [message('r1:7/pager', 'pager'), message('r1:7/chat', 'chat'), message('r1:70/chat', 'chat')];
    await store.putDocuments({ documents: [], outbox: [...others, ...own] });
    const event = { type: 'RolloutAborted', incident: 1 } as EventRecord['event'];
    const records = [{ version: 7, at: 0, by: 'rampart', event }];
    expect(await abortDeliveries(store, 'r1', 1, records)).toEqual([
      { destination: 'chat', state: 'pending' },
      { destination: 'pager', state: 'pending' },
    ]);
    expect(await abortDeliveries(store, 'r1', 2, records)).toEqual([]);
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeliveryResult } from '@rampart/connectors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatcher, MAX_DELIVERIES, retryDelayMs } from './outbox.ts';
import { testClock } from './server-rig.test.support.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';

let dir: string;
let store: Store;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rampart-outbox-'));
  store = await openSqliteStore({ file: join(dir, 'rampart.db') });
  const message = { key: 'm1', destination: 'webhook:ops', kind: 'rollout.aborted', body: { id: 'm1' }, dueAt: 0 };
  await store.putDocuments({ documents: [{ kind: 'x', key: 'x', value: 1 }], outbox: [message] });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function dispatcher(answer: () => DeliveryResult | Promise<DeliveryResult>, isKnown = true) {
  const clock = testClock();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  let tries = 0;
  const deliver = async () => {
    tries += 1;
    return answer();
  };
  const notifierOf = () => (isKnown ? { name: 'ops', deliver } : undefined);
  const { drain } = createDispatcher({ store, clock, log, owner: 'me', random: () => 0, notifierOf });
  return { drain, clock, tries: () => tries };
}

describe('the outbox', () => {
  it('delivers each message once when it arrives', async () => {
    const { drain, tries } = dispatcher(() => ({ kind: 'delivered' }));
    await drain();
    await drain();
    expect(tries()).toBe(1);
    expect(await store.listOutbox('done')).toHaveLength(1);
  });

  it('tries again after a growing wait, or when the receiver says, and gives up after twelve times', async () => {
    let afterMs: number | undefined = 5_000;
    const { drain, clock, tries } = dispatcher(() => ({
      kind: 'retry',
      why: 'it answered 503',
      ...(afterMs === undefined ? {} : { afterMs }),
    }));
    await drain();
    expect(await store.nextOutboxAt()).toBe(clock.now() + 5_000);
    afterMs = undefined;
    for (let n = 0; n < 30; n += 1) {
      clock.advance(3_600_000);
      await drain();
    }
    expect(tries()).toBe(MAX_DELIVERIES);
    expect(await store.listOutbox('dead')).toMatchObject([
      { key: 'm1', attempts: MAX_DELIVERIES, error: 'it answered 503' },
    ]);
  });

  it('buries at once what is refused or has no receiver any more, and survives a notifier that throws', async () => {
    await dispatcher(() => Promise.reject(new Error('a defect'))).drain();
    expect(await store.listOutbox('pending')).toMatchObject([{ error: 'a defect' }]);
    const { drain, clock } = dispatcher(() => ({ kind: 'delivered' }), false);
    clock.advance(3_600_000);
    await drain();
    expect(await store.listOutbox('dead')).toMatchObject([{ error: 'webhook:ops is no longer set up' }]);
  });

  it('waits from a second up to an hour, spread over the upper half', () => {
    expect([1, 2, 3, 13, 60].map((n) => retryDelayMs(n, 0))).toEqual([1_000, 2_000, 4_000, 3_600_000, 3_600_000]);
    expect(retryDelayMs(1, 0.999)).toBeGreaterThanOrEqual(500);
  });
});

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DeliveryResult, Notification, Severity } from '@rampart/connectors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pace } from './delivery-lane.ts';
import { createDispatcher, MAX_DELIVERIES, PRIORITIES, retryDelayMs } from './outbox.ts';
import { testClock } from './server-rig.test.support.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { OutboxMessage, Store } from './store/store.ts';
import { makeStoreDir } from './store-dir.test.support.ts';

let dir: string;
let file: string;
let store: Store;
beforeEach(async () => {
  dir = makeStoreDir('rampart-outbox-');
  file = join(dir, 'rampart.db');
  store = await openSqliteStore({ file });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const OPEN: Pace = { perSecond: 1_000, burst: 1_000 };
const delivered: DeliveryResult = { kind: 'delivered' };

function notification(id: string, severity: Severity, rollout = 'r1'): Notification {
  return {
    ...{ id, type: 'rollout.aborted', at: 0, severity, audience: ['on-call'], group: `rollout/${rollout}/1`, rollout },
    ...{ flag: 'f', environment: 'production', version: 1, by: 'rampart', text: `${id} happened.`, data: {} },
  };
}

function message(id: string, more: Partial<OutboxMessage> & { severity?: Severity; rollout?: string } = {}) {
  const { severity = 'info', rollout, ...rest } = more;
  const body = notification(id, severity, rollout);
  const priority = PRIORITIES[severity];
  return { key: id, destination: 'webhook:ops', kind: body.type, body, dueAt: 0, priority, group: body.group, ...rest };
}

const put = (...outbox: OutboxMessage[]) => store.putDocuments({ documents: [], outbox });
const several = (count: number, severity: Severity) =>
  Array.from({ length: count }, (_, i) => message(`${severity}-${i}`, { severity, rollout: `r${i}` }));

type Answer = (message: Notification, destination: string) => DeliveryResult | Promise<DeliveryResult>;

function dispatcher(answer: Answer, pace: Pace | ((destination: string) => Pace) = OPEN, isKnown = true) {
  const clock = testClock();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const sent: Notification[] = [];
  const destinationOf = (destination: string) => {
    const deliver = async (one: Notification) => {
      sent.push(one);
      return answer(one, destination);
    };
    return isKnown
      ? { notifier: { name: 'ops', deliver }, pace: typeof pace === 'function' ? pace(destination) : pace }
      : undefined;
  };
  const givenUp: string[] = [];
  const onGivenUp = async ({ key }: { readonly key: string }, why: string) => void givenUp.push(`${key}: ${why}`);
  const made = createDispatcher({ store, clock, log, owner: 'me', random: () => 0, destinationOf, onGivenUp });
  return { ...made, clock, sent, givenUp, ids: () => sent.map(({ id }) => id) };
}

describe('the outbox', () => {
  it('delivers each message once when it arrives', async () => {
    await put(message('m1'));
    const { drain, sent } = dispatcher(() => delivered);
    await drain();
    await drain();
    expect(sent).toHaveLength(1);
    expect(await store.listOutbox('done')).toHaveLength(1);
  });

  it('tries again after a growing wait, or when the receiver says, and gives up after twelve times', async () => {
    await put(message('m1'));
    let afterMs: number | undefined = 5_000;
    const { drain, clock, sent } = dispatcher(() => ({
      kind: 'retry',
      why: 'it answered 503',
      ...(afterMs === undefined ? {} : { afterMs }),
    }));
    await drain();
    expect(await store.outboxOutlook(clock.now())).toEqual({ due: [], nextAt: clock.now() + 5_000 });
    afterMs = undefined;
    for (let n = 0; n < 30; n += 1) {
      clock.advance(3_600_000);
      await drain();
    }
    expect(sent).toHaveLength(MAX_DELIVERIES);
    expect(await store.listOutbox('dead')).toMatchObject([
      { key: 'm1', attempts: MAX_DELIVERIES, error: 'it answered 503' },
    ]);
  });

  it('buries at once what is refused or has no receiver any more, and survives a notifier that throws', async () => {
    await put(message('m1'));
    await dispatcher(() => Promise.reject(new Error('a defect'))).drain();
    expect(await store.listOutbox('pending')).toMatchObject([{ error: 'a defect' }]);
    const { drain, clock, givenUp } = dispatcher(() => delivered, OPEN, false);
    clock.advance(3_600_000);
    await drain();
    expect(await store.listOutbox('dead')).toMatchObject([{ error: 'webhook:ops is no longer set up' }]);
    expect(givenUp).toEqual(['m1: webhook:ops is no longer set up']);
  });

  it('waits from a second up to an hour, spread over the upper half', () => {
    expect([1, 2, 3, 13, 60].map((n) => retryDelayMs(n, 0))).toEqual([1_000, 2_000, 4_000, 3_600_000, 3_600_000]);
    expect(retryDelayMs(1, 0.999)).toBeGreaterThanOrEqual(500);
  });

  it('sends what is urgent first', async () => {
    await put(message('a'), message('b', { severity: 'warn' }), message('c', { severity: 'page' }));
    const { drain, ids } = dispatcher(() => delivered);
    await drain();
    expect(ids()).toEqual(['c', 'b', 'a']);
  });

  it('lets no destination wait for another that hangs', async () => {
    await put(message('slow', { destination: 'channel:dead' }), ...several(20, 'page'));
    let release: () => void = () => undefined;
    const hanging = new Promise<DeliveryResult>((resolve) => {
      release = () => resolve({ kind: 'retry', why: 'it did not answer in time' });
    });
    let left = 20;
    let all: () => void = () => undefined;
    const others = new Promise<void>((resolve) => {
      all = resolve;
    });
    const { drain } = dispatcher((_, destination) => {
      if (destination === 'channel:dead') return hanging;
      left -= 1;
      if (left === 0) all();
      return delivered;
    });
    const drained = drain();
    await others;
    release();
    await drained;
    expect(await store.listOutbox('pending')).toMatchObject([{ key: 'slow', error: 'it did not answer in time' }]);
  });

  it('keeps to the pace of a destination, pages first, and waits as a whole when it asks for patience', async () => {
    await put(...several(2, 'info'), ...several(2, 'page'));
    let next: DeliveryResult = delivered;
    const { drain, clock, ids } = dispatcher(() => next, { perSecond: 1, burst: 1 });
    await drain();
    await drain();
    expect(ids()).toEqual(['page-0']);
    next = { kind: 'retry', why: 'it answered 429', afterMs: 7_000 };
    clock.advance(1_000);
    await drain();
    expect(ids()).toEqual(['page-0', 'page-1']);
    next = delivered;
    clock.advance(6_999);
    await drain();
    expect(ids()).toHaveLength(2);
    clock.advance(1);
    await drain();
    clock.advance(1_000);
    await drain();
    expect(ids()).toEqual(['page-0', 'page-1', 'page-1', 'info-0']);
  });

  it('tries one message at a time while a destination is away, and all once it answers', async () => {
    await put(...several(10, 'page'));
    let isAway = true;
    const { drain, clock, sent, statusOf } = dispatcher(() =>
      isAway ? { kind: 'retry', why: 'it could not be reached (ECONNREFUSED)' } : delivered,
    );
    await drain();
    expect(sent).toHaveLength(3);
    clock.advance(1_000);
    await drain();
    expect(sent).toHaveLength(4);
    expect(statusOf('webhook:ops')).toMatchObject({
      failures: 4,
      waitsUntil: clock.now() + 2_000,
      lastFailure: { at: clock.now(), why: 'it could not be reached (ECONNREFUSED)' },
    });
    isAway = false;
    clock.advance(2_000);
    await drain();
    clock.advance(60_000);
    await drain();
    expect(await store.listOutbox('done')).toHaveLength(10);
    expect(statusOf('webhook:ops')).toMatchObject({ failures: 0 });
  });

  it('never lets the end of a matter overtake its beginning', async () => {
    await put(message('trigger', { severity: 'page' }), message('resolve'), message('other', { rollout: 'r2' }));
    let isFirst = true;
    const { drain, clock, ids } = dispatcher(({ id }) => {
      if (id !== 'trigger' || !isFirst) return delivered;
      isFirst = false;
      return { kind: 'retry', why: 'it answered 503' };
    });
    await drain();
    expect(ids()).toEqual(['trigger', 'other']);
    clock.advance(1_000);
    await drain();
    expect(ids()).toEqual(['trigger', 'other', 'trigger', 'resolve']);
  });

  it('joins what people would lose sight of in a flood, but no page', async () => {
    await put(...several(57, 'info'), ...several(30, 'page'));
    const { drain, clock, sent } = dispatcher(() => delivered, { ...OPEN, joins: true });
    await drain();
    expect(sent.map(({ severity }) => severity)).toEqual([...Array(30).fill('page'), ...Array(20).fill('info')]);
    clock.advance(59_999);
    await put(message('late page', { severity: 'page' }));
    await drain();
    expect(sent.at(-1)?.id).toBe('late page');
    clock.advance(1);
    await drain();
    expect(sent).toHaveLength(52);
    expect(sent.at(-1)).toMatchObject({ id: 'info-20+36', type: 'digest', severity: 'info', rollout: '' });
    expect(sent.at(-1)?.text).toMatch(
      /^37 messages about 37 rollouts:\n- info-20 happened\.\n(?:- .*\n){9}… and 27 more$/,
    );
    expect(await store.listOutbox('pending')).toEqual([]);
  });

  it('sends each message of a flood to a system', async () => {
    await put(...several(57, 'info'));
    const { drain, ids } = dispatcher(() => delivered);
    await drain();
    expect(new Set(ids()).size).toBe(57);
  });

  it('gathers a digest over a restart and sends it as one message when its window ends', async () => {
    const window = { priority: PRIORITIES.digest };
    const { clock, drain, sent } = dispatcher(() => delivered, { ...OPEN, joins: true });
    const dueAt = clock.now() + 900_000;
    await put(message('a', { ...window, dueAt }), message('b', { ...window, dueAt, severity: 'warn' }));
    await drain();
    await store.close();
    store = await openSqliteStore({ file });
    await put(message('c', { ...window, dueAt, rollout: 'r2' }));
    clock.advance(900_000);
    const after = dispatcher(() => delivered, { ...OPEN, joins: true });
    after.clock.advance(900_000);
    await after.drain();
    expect(sent).toEqual([]);
    expect(after.sent).toMatchObject([
      { type: 'digest', id: 'a+2', severity: 'warn', data: { messages: 3, types: { 'rollout.aborted': 3 } } },
    ]);
    expect(await store.listOutbox('done')).toHaveLength(3);
  });
});

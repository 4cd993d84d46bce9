import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Notification, NotifierKind } from '@rampart/connectors';
import { type Plan, parsePlan } from '@rampart/rollout';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AddressBook, createAddressBook } from './address-book.ts';
import { openChannels } from './channels.ts';
import { PLAN } from './server-rig.test.support.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { makeStoreDir } from './store-dir.test.support.ts';
import { openWebhooks, type Webhooks } from './webhooks.ts';

let dir: string;
let store: Store;
let webhooks: Webhooks;
beforeEach(async () => {
  dir = makeStoreDir('rampart-book-');
  store = await openSqliteStore({ file: join(dir, 'rampart.db') });
  webhooks = await openWebhooks({ store, policy: {}, secretOf: () => undefined });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Monday evening in Paris, and the next morning. */
const AT = Date.parse('2026-01-05T20:07:00Z');
const MORNING = Date.parse('2026-01-06T07:00:00Z');

const kind: NotifierKind = { open: (_, { name }) => ({ name, deliver: async () => ({ kind: 'delivered' }) }) };

function bookOf(notify: object): AddressBook {
  const deps = { store, secretOf: () => undefined, policy: {}, now: () => AT };
  return createAddressBook(openChannels(notify, deps, { email: kind, pagerduty: kind, webhook: kind }), webhooks);
}

function planWith(more = ''): Plan {
  const result = parsePlan(PLAN + more);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.plan;
}

function given(more: Partial<Notification> = {}): Notification {
  return {
    ...{ id: 'r1:1', type: 'stage.entered', at: AT, severity: 'info', audience: ['stakeholders'], group: 'g' },
    ...{ rollout: 'r1', flag: 'f', environment: 'production', version: 1, by: 'rampart', text: '', data: {} },
    ...more,
  };
}

const channels = { mail: { kind: 'email' }, pager: { kind: 'pagerduty' }, system: { kind: 'webhook' } };

describe('the address book', () => {
  it('writes a message to each webhook and channel that wants it, as urgent as it is, once', async () => {
    const hook = { url: 'https://example.com/x', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` };
    await webhooks.replace([
      { ...hook, name: 'ops' },
      { ...hook, name: 'other', events: ['rollout.aborted'] },
    ]);
    const book = bookOf({ channels, routes: [{ channel: 'mail' }, { channel: 'pager', severity: 'page' }] });
    const plan = planWith('notify: [system, mail]\n');
    const body = given({ type: 'rollout.held', severity: 'warn' });
    expect(book.addressing(body, plan).map(({ destination, ...rest }) => [destination, rest])).toEqual(
      ['webhook:ops', 'channel:mail', 'channel:system'].map((destination) => [
        destination,
        { key: `r1:1/${destination}`, kind: 'rollout.held', body, dueAt: AT, priority: 1, group: 'g' },
      ]),
    );
    expect(book.toldOfAbort('production')).toEqual(['ops', 'other', 'mail', 'pager']);
    expect(book.toldOfAbort('production', plan)).toEqual(['ops', 'other', 'mail', 'pager', 'system']);
    expect(book.all().map(({ destination }) => book.destinationOf(destination)?.notifier.name)).toEqual([
      ...['mail', 'pager', 'system', 'ops', 'other'],
    ]);
    expect(book.destinationOf('channel:gone')).toBeUndefined();
  });

  it('gathers by windows that end together, scaled as the plan is, and no page', () => {
    const book = bookOf({ channels, routes: [{ channel: 'mail', digest: '15m' }] });
    const due = (notification: Notification, plan = planWith()) =>
      book.addressing(notification, plan).map(({ dueAt, priority }) => [dueAt - AT, priority]);
    expect(due(given())).toEqual([[8 * 60_000, 3]]);
    expect(due(given({ at: AT + 60_000 }))).toEqual([[8 * 60_000, 3]]);
    expect(due(given({ severity: 'page' }))).toEqual([[0, 0]]);
    const scaled = parsePlan(PLAN, { timeScale: 0.001 });
    expect(due(given(), scaled.ok ? scaled.plan : planWith())[0]?.[0]).toBeLessThanOrEqual(900);
  });

  it('wakes no stakeholder at night, but for a page, and holds back nothing from a system or on-call', () => {
    const routes = [{ channel: 'mail' }, { channel: 'system' }];
    const book = bookOf({ channels, routes, stakeholderHours: 'Mon-Fri 08:00-20:00 Europe/Paris' });
    const due = (more: Partial<Notification>) =>
      book.addressing(given(more), planWith()).map(({ destination, dueAt }) => [destination, dueAt]);
    expect(due({})).toEqual([
      ['channel:mail', MORNING],
      ['channel:system', AT],
    ]);
    expect(due({ severity: 'page' })[0]).toEqual(['channel:mail', AT]);
    expect(due({ audience: ['on-call', 'stakeholders'] })[0]).toEqual(['channel:mail', AT]);
    expect(due({ at: MORNING })[0]).toEqual(['channel:mail', MORNING]);
  });

  it('reads past what plans of older versions carry under notify', () => {
    const book = bookOf({ channels, routes: [] });
    const old = ['ops', null, { slack: '#rollouts' }] as unknown as Plan['notify'];
    expect(book.addressing(given(), { ...planWith(), notify: old })).toEqual([]);
  });
});

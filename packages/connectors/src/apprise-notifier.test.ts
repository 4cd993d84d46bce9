import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { APPRISE } from './apprise-notifier.ts';
import { messageOf } from './notification.test.support.ts';
import { depsOf, notifierCases } from './notifier-rig.test.support.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';

const never = new AbortController().signal;
const KEY = 'planted-config-key';
const URLS = 'tgram://123456:planted-bot-token/-100';
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({
    accepts: { status: 200, body: {} },
    'status-404': { status: 204 },
    'status-503': { status: 424, body: { error: 'One or more notification could not be sent' } },
  });
});
afterAll(() => receiver.stop());
beforeEach(() => receiver.given('accepts'));
const open = (settings: object) =>
  APPRISE.open({ url: receiver.url, ...settings }, depsOf({ KEY, URLS }, { now: receiver.now }));

describe('Apprise keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: APPRISE,
    receiver: () => receiver,
    settings: () => ({ url: receiver.url, urls: { secretRef: 'URLS' } }),
    secrets: () => ({ URLS }),
    received: () => receiver.seen.map(({ body }) => body),
    hidden: () => ['planted', '127.0.0.1'],
    expected: { malformed: { kind: 'retry' } },
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('Apprise', () => {
  it('is sent title, text and type, under a key or with addresses', async () => {
    await open({ key: { secretRef: 'KEY' }, tag: 'ops' }).deliver(messageOf(), never);
    await open({ urls: { secretRef: 'URLS' } }).deliver(
      messageOf({ severity: 'info', type: 'rollout.completed' }),
      never,
    );
    const [first, second] = receiver.seen.map(({ url, body }) => ({ path: url.pathname, ...JSON.parse(body) }));
    expect(first).toEqual({
      path: `/notify/${KEY}`,
      title: '🔴 Rollout aborted: feature-xyz (production)',
      body: expect.stringContaining('https://rampart.example/rollouts/r1'),
      type: 'failure',
      format: 'text',
      tag: 'ops',
    });
    expect(second).toMatchObject({ path: '/notify/', type: 'success', urls: URLS });
  });

  it.each([
    ['status-404', { kind: 'refused', why: expect.stringContaining('nobody was told') }],
    ['status-503', { kind: 'retry', why: expect.stringContaining('424') }],
  ] as const)('says so where nobody or not everybody was told', async (behaviour, result) => {
    await receiver.given(behaviour);
    expect(await open({ key: { secretRef: 'KEY' } }).deliver(messageOf(), never)).toEqual(result);
  });

  it('needs a key or addresses, and not both', () => {
    const both = { key: { secretRef: 'KEY' }, urls: { secretRef: 'URLS' } };
    for (const settings of [{}, both]) expect(() => open(settings)).toThrow(/notify\.channels\.ops: give key or urls/);
  });
});

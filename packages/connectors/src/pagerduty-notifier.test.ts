import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Seen } from './http-fake.test.support.ts';
import { messageOf } from './notification.test.support.ts';
import type { Notification } from './notification.ts';
import { depsOf, notifierCases, openMemory } from './notifier-rig.test.support.ts';
import { PAGERDUTY } from './pagerduty-notifier.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';

const KEY = 'R0UT1NGKEY0planted0123456789abcd';
const never = new AbortController().signal;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({
    accepts: ({ body }: Seen) => ({
      status: 202,
      body: { status: 'success', message: 'Event processed', dedup_key: JSON.parse(body).dedup_key },
    }),
    // It repeats what it was sent.
    'status-400': {
      status: 400,
      body: { status: 'invalid event', message: 'Event object is invalid', errors: [`routing key ${KEY} is invalid`] },
    },
  });
});
afterAll(() => receiver.stop());
beforeEach(() => receiver.given('accepts'));

const settings = (more = {}) => ({ routingKey: { secretRef: 'KEY' }, url: receiver.url, ...more });
const open = (more = {}, memory = openMemory()) =>
  PAGERDUTY.open(settings(more), depsOf({ KEY }, { memory, now: receiver.now }));
const sent = () =>
  receiver.seen.map(({ url, body }) => {
    const { event_action: action = 'change', dedup_key: key } = JSON.parse(body);
    return [url.pathname, action, key].filter((part) => part !== undefined).join(' ');
  });
const told = async (messages: readonly Partial<Notification>[], more = {}) => {
  const pager = open(more);
  for (const message of messages) expect(await pager.deliver(messageOf(message), never)).toEqual({ kind: 'delivered' });
  return sent();
};

describe('PagerDuty keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: PAGERDUTY,
    receiver: () => receiver,
    settings,
    secrets: () => ({ KEY }),
    received: () => receiver.seen.map(({ body }) => JSON.parse(body).dedup_key),
    hidden: () => ['127.0.0.1'],
    expected: { malformed: { kind: 'retry' } },
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('PagerDuty', () => {
  it('is triggered by an abort under the key of the attempt, and resolved with the incident', async () => {
    expect(await told([{}, { type: 'incident.resolved', severity: 'info', data: { incident: 1 } }])).toEqual([
      '/v2/enqueue trigger rollout/r1/2',
      '/v2/enqueue resolve rollout/r1/2',
      '/v2/enqueue resolve rollout/r1/2/abort-unconfirmed',
      '/v2/enqueue resolve rollout/r1/2/incident-unattended',
    ]);
    expect(JSON.parse(receiver.seen[0]!.body)).toEqual({
      routing_key: KEY,
      event_action: 'trigger',
      dedup_key: 'rollout/r1/2',
      payload: {
        summary: messageOf().text,
        source: 'rampart production',
        severity: 'critical',
        timestamp: '2026-01-02T03:04:05.000Z',
        component: 'feature-xyz',
        group: 'rollout/r1/2',
        class: 'rollout.aborted',
        custom_details: {
          ...{ Stage: 'canary', Incident: '1', People: 'treatment 40, control 800', Assignee: 'ana', By: 'rampart' },
          id: 'r1:12',
        },
      },
      links: [
        { href: 'https://rampart.example/rollouts/r1/incidents/1', text: 'Incident 1' },
        { href: 'https://rampart.example/rollouts/r1', text: 'Rollout' },
      ],
      client: 'Rampart',
      client_url: 'https://rampart.example/rollouts/r1/incidents/1',
    });
  });

  it('keeps blindness apart from an abort, and ends it when sight is back, or when there is nothing left to see', async () => {
    const blind = { type: 'sight.lost', data: { since: 1 } };
    expect(await told([blind, { type: 'sight.returned', severity: 'info', data: {} }])).toEqual([
      '/v2/enqueue trigger rollout/r1/2/sight-lost',
      '/v2/enqueue resolve rollout/r1/2/sight-lost',
    ]);
    await receiver.given('accepts');
    expect(await told([blind, {}])).toEqual([
      '/v2/enqueue trigger rollout/r1/2/sight-lost',
      '/v2/enqueue trigger rollout/r1/2',
      '/v2/enqueue resolve rollout/r1/2/sight-lost',
    ]);
  });

  it('resolves the attempt before when the next one begins, and puts the news on the timeline', async () => {
    expect(await told([{ type: 'attempt.started', severity: 'info', group: 'rollout/r1/3', data: {} }])).toEqual([
      '/v2/enqueue resolve rollout/r1/2',
      '/v2/change/enqueue change',
    ]);
    const { routing_key: key, payload, ...rest } = JSON.parse(receiver.seen[1]!.body);
    expect([key, Object.keys(payload), rest.event_action]).toEqual([
      KEY,
      ['summary', 'source', 'timestamp', 'custom_details'],
      undefined,
    ]);
  });

  it('puts each stage on the timeline, and wakes nobody for what can wait', async () => {
    const stage = { type: 'stage.entered', severity: 'info', data: { stage: 'canary' } } as const;
    const warn = { type: 'alert.raised', severity: 'warn', data: { check: 'c' } } as const;
    expect(await told([stage, warn, { ...warn, type: 'issue.added' }])).toEqual(['/v2/change/enqueue change']);
  });

  it('is triggered by warnings too where it is set up so', async () => {
    const warn = { type: 'alert.raised', severity: 'warn', data: { check: 'c' } } as const;
    expect(await told([warn], { trigger: 'warn' })).toEqual(['/v2/enqueue trigger rollout/r1/2/alert/c']);
    expect(JSON.parse(receiver.seen[0]!.body).payload.severity).toBe('warning');
  });

  it('says what PagerDuty found wrong, without the key that it repeats', async () => {
    await receiver.given('status-400');
    expect(await open().deliver(messageOf(), never)).toEqual({
      kind: 'refused',
      why: 'it answered 400: Event object is invalid; routing key [secret] is invalid',
    });
  });

  it('keeps within the lengths of PagerDuty', async () => {
    await told([{ text: 'x'.repeat(5000), group: `rollout/${'r'.repeat(300)}/1` }]);
    const { dedup_key: key, payload } = JSON.parse(receiver.seen[0]!.body);
    expect([payload.summary.length, key.length <= 255]).toEqual([1024, true]);
  });

  it('resolves by name also without memory', async () => {
    const forgetful = { get: () => Promise.reject(new Error('disk')), put: () => Promise.reject(new Error('disk')) };
    const pager = PAGERDUTY.open(settings(), depsOf({ KEY }, { memory: forgetful, now: receiver.now }));
    expect(await pager.deliver(messageOf(), never)).toEqual({ kind: 'delivered' });
    await pager.deliver(messageOf({ type: 'sight.returned', severity: 'info', data: {} }), never);
    expect(sent()).toEqual(['/v2/enqueue trigger rollout/r1/2', '/v2/enqueue resolve rollout/r1/2/sight-lost']);
  });

  it('goes to the region it is set to, and takes no key that can be none', () => {
    expect(() => PAGERDUTY.open({ ...settings(), region: 'mars' }, depsOf({ KEY }))).toThrow(
      /CHANNEL_INVALID: notify\.channels\.ops: region/,
    );
    const short = () => PAGERDUTY.open(settings(), depsOf({ KEY: 'planted' }));
    expect(short).toThrow(/SECRET_INVALID: notify\.channels\.ops\.routingKey: KEY/);
    const open = () => PAGERDUTY.open(settings({ routingKey: 'planted-key' }), depsOf({}));
    expect(open).toThrow(/routingKey: write \{ secretRef: NAME \}/);
    expect(open).not.toThrow(/planted-key/);
    expect(short).not.toThrow(/planted/);
  });
});

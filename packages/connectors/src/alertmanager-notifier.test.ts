import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BareAlertmanager, runAlertmanager, SKIP_ALERTMANAGER } from './alertmanager.test.support.ts';
import { ALERTMANAGER } from './alertmanager-notifier.ts';
import { messageOf } from './notification.test.support.ts';
import type { Notification } from './notification.ts';
import { depsOf, notifierCases, openMemory } from './notifier-rig.test.support.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';

const PASSWORD = 'planted-password';
const never = new AbortController().signal;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({
    accepts: { status: 200 },
    'status-400': { status: 400, body: JSON.stringify('start time must be before end time') },
  });
});
afterAll(() => receiver.stop());
beforeEach(() => receiver.given('accepts'));
const auth = { basic: { user: 'rampart', password: { secretRef: 'PASSWORD' } } };

describe('Alertmanager keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: ALERTMANAGER,
    receiver: () => receiver,
    settings: () => ({ url: receiver.url, auth }),
    secrets: () => ({ PASSWORD }),
    received: () => receiver.seen.map(({ body }) => JSON.stringify(JSON.parse(body)[0].labels)),
    hidden: () => ['127.0.0.1', Buffer.from(`rampart:${PASSWORD}`).toString('base64')],
    expected: { malformed: { kind: 'retry' } },
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('Alertmanager', () => {
  it('is told of matters only: what has no end would be noise', async () => {
    const manager = ALERTMANAGER.open({ url: receiver.url }, depsOf({}, { now: receiver.now }));
    expect(await manager.deliver(messageOf({ type: 'issue.added' }), never)).toEqual({ kind: 'delivered' });
    expect(receiver.seen).toEqual([]);
  });

  it('says what it found wrong', async () => {
    await receiver.given('status-400');
    const manager = ALERTMANAGER.open({ url: receiver.url }, depsOf({}, { now: receiver.now }));
    expect(await manager.deliver(messageOf(), never)).toEqual({
      kind: 'refused',
      why: 'it answered 400: "start time must be before end time"',
    });
  });
});

type Alert = {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly status: { readonly state: string };
  readonly endsAt: string;
};

describe.skipIf(SKIP_ALERTMANAGER)('a real Alertmanager (apt-get install prometheus-alertmanager)', () => {
  let real: BareAlertmanager;
  beforeAll(async () => {
    real = await runAlertmanager('route: { receiver: none, group_wait: 1h }\nreceivers: [ { name: none } ]\n');
  }, 30_000);
  afterAll(() => real.stop());
  const now = Date.now();
  const firing = async (): Promise<readonly Alert[]> => {
    const alerts = (await (await fetch(`${real.url}/api/v2/alerts`)).json()) as readonly Alert[];
    return alerts.filter(({ endsAt }) => Date.parse(endsAt) > Date.now());
  };
  const names = async () => (await firing()).map(({ labels }) => labels.alertname).sort();
  const told = async (memory: ReturnType<typeof openMemory>, ...messages: readonly Partial<Notification>[]) => {
    const manager = ALERTMANAGER.open({ url: real.url, labels: { team: 'search' } }, depsOf({}, { memory }));
    for (const message of messages)
      expect(await manager.deliver(messageOf({ at: now - 60_000, ...message }), never)).toEqual({ kind: 'delivered' });
  };

  it('fires from an abort until its incident is resolved, with labels to route by and a link', async () => {
    const memory = openMemory();
    await told(memory, { group: 'rollout/r2/1', rollout: 'r2' });
    const [alert] = await firing();
    expect(alert).toMatchObject({
      labels: {
        ...{ alertname: 'RampartAbort', severity: 'critical', environment: 'production', flag: 'feature-xyz' },
        ...{ rollout: 'r2', attempt: '1', team: 'search' },
      },
      annotations: { summary: messageOf().text, runbook_url: 'https://rampart.example/rollouts/r2/incidents/1' },
      generatorURL: 'https://rampart.example/rollouts/r2/incidents/1',
    });
    await told(memory, { group: 'rollout/r2/1', rollout: 'r2' });
    expect(await firing()).toHaveLength(1);
    await told(memory, { type: 'incident.resolved', severity: 'info', group: 'rollout/r2/1', rollout: 'r2', at: now });
    expect(await firing()).toEqual([]);
  });

  it('fires for blindness until sight is back, or an abort ends what could be seen', async () => {
    const memory = openMemory();
    const blind = { type: 'sight.lost', data: { since: 1 } };
    await told(memory, blind, { type: 'alert.raised', severity: 'warn', data: { check: 'errorRate' } });
    expect(await names()).toEqual(['RampartAlert', 'RampartSightLost']);
    await told(memory, { type: 'sight.returned', severity: 'info', data: {}, at: now });
    expect(await names()).toEqual(['RampartAlert']);
    await told(memory, { at: now - 1000 });
    expect(await names()).toEqual(['RampartAbort']);
    await told(memory, { type: 'attempt.started', severity: 'info', data: {}, group: 'rollout/r1/3', at: now });
    expect(await names()).toEqual([]);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JSM } from './jsm-notifier.ts';
import { messageOf } from './notification.test.support.ts';
import { depsOf, notifierCases } from './notifier-rig.test.support.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';

const KEY = '0planted-1234-genie-key';
const never = new AbortController().signal;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({
    accepts: { status: 202, body: { result: 'Request will be processed', took: 0.1, requestId: '43a29c5c' } },
    'status-401': { status: 401, body: { message: `Could not authenticate ${KEY}`, took: 0.1, requestId: '43a29c5c' } },
    'status-400': { status: 422, body: { message: 'Message can not be empty.', took: 0.1, requestId: '43a29c5c' } },
  });
});
afterAll(() => receiver.stop());
beforeEach(() => receiver.given('accepts'));
const settings = () => ({ apiKey: { secretRef: 'KEY' }, url: receiver.url, tags: ['rollout'] });
const open = () => JSM.open(settings(), depsOf({ KEY }, { now: receiver.now }));

describe('Jira Service Management keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: JSM,
    receiver: () => receiver,
    settings,
    secrets: () => ({ KEY }),
    received: () => receiver.seen.map(({ body }) => JSON.parse(body).alias),
    hidden: () => ['127.0.0.1'],
    expected: { malformed: { kind: 'retry' } },
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('Jira Service Management', () => {
  it('is given an alert for an abort, and has it closed with the incident', async () => {
    const jira = open();
    await jira.deliver(messageOf(), never);
    await jira.deliver(messageOf({ type: 'incident.resolved', severity: 'info', data: { incident: 1 } }), never);
    const [alert, close] = receiver.seen;
    expect([alert!.url.pathname, alert!.headers.authorization]).toEqual(['/alerts', `GenieKey ${KEY}`]);
    expect(JSON.parse(alert!.body)).toMatchObject({
      message: 'Rollout aborted: feature-xyz (production)',
      alias: 'rollout/r1/2',
      priority: 'P1',
      tags: ['rollout'],
      details: { Stage: 'canary' },
    });
    expect(close!.url.pathname + close!.url.search).toBe('/alerts/rollout%2Fr1%2F2/close?identifierType=alias');
  });

  it('is not given what can wait', async () => {
    expect(await open().deliver(messageOf({ type: 'issue.added', severity: 'warn' }), never)).toEqual({
      kind: 'delivered',
    });
    expect(receiver.seen).toEqual([]);
  });

  it.each([
    ['status-400', 'it answered 422: Message can not be empty.'],
    ['status-401', 'it answered 401: Could not authenticate [secret]'],
  ] as const)('says why it refused, without the key', async (behaviour, why) => {
    await receiver.given(behaviour);
    expect(await open().deliver(messageOf(), never)).toEqual({ kind: 'refused', why });
  });
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectorError } from './connector-error.ts';
import { messageOf } from './notification.test.support.ts';
import { NOTIFIER_KINDS } from './notifier-kinds.ts';
import { notifierCases } from './notifier-rig.test.support.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';
import { type WebhookOptions, webhookNotifier } from './webhook-notifier.ts';

const SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
const PATH = '/hook/secret-path-3141';
const never = new AbortController().signal;
const message = messageOf();

type Received = { headers: Record<string, string>; body: string };
let receiver: Receiver;
const received = (): Received[] => receiver.seen as unknown as Received[];
beforeAll(async () => {
  receiver = await startReceiver({ accepts: { status: 204 } });
});
afterAll(() => receiver.stop());
beforeEach(() => receiver.given('accepts'));

const options = (change: Partial<WebhookOptions> = {}): WebhookOptions => ({
  name: 'ops',
  url: `${receiver.url}${PATH}`,
  secret: SECRET,
  allowedHosts: ['127.0.0.1'],
  now: receiver.now,
  ...change,
});

describe('a webhook keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: NOTIFIER_KINDS.webhook!,
    receiver: () => receiver,
    settings: () => ({ url: { secretRef: 'URL' }, secret: { secretRef: 'KEY' } }),
    secrets: () => ({ URL: `${receiver.url}${PATH}`, KEY: SECRET }),
    received: () => receiver.seen.map(({ headers }) => String(headers['webhook-id'])),
    hidden: () => [PATH, 'secret-path', '127.0.0.1', String(receiver.port), SECRET.slice('whsec_'.length)],
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('webhookNotifier', () => {
  it('signs by Standard Webhooks: the library of the standard verifies it and reads the body', async () => {
    await webhookNotifier(options()).deliver(message, never);
    const [{ body, headers }] = received() as [Received];
    const { id, type, at, ...data } = message;
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({ type, timestamp: '2026-01-02T03:04:05.000Z', data });
    expect(headers['content-type']).toBe('application/json');
    const other = new Webhook(`whsec_${Buffer.alloc(24, 1).toString('base64')}`);
    expect(() => other.verify(body, headers)).toThrow(/signature/);
    expect(() => new Webhook(SECRET).verify(body.replace('canary', 'beta'), headers)).toThrow(/signature/);
  });

  it('keeps the length right for text beyond ASCII', async () => {
    await webhookNotifier(options()).deliver({ ...message, text: 'Größe 🚫 → 0' }, never);
    expect(JSON.parse(received()[0]!.body).data.text).toBe('Größe 🚫 → 0');
  });

  it('sends only the types it is set to', async () => {
    const notifier = webhookNotifier(options({ events: ['rollout.completed'] }));
    expect(await notifier.deliver(message, never)).toEqual({ kind: 'delivered' });
    expect(received()).toEqual([]);
    await notifier.deliver({ ...message, type: 'rollout.completed' }, never);
    expect(received()).toHaveLength(1);
  });

  it('asks for another try when nobody listens, and tells only the code', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}/x`;
    await new Promise((resolve) => gone.close(resolve));
    const result = await webhookNotifier(options({ url })).deliver(message, never);
    expect(result).toEqual({ kind: 'retry', why: 'it could not be reached (ECONNREFUSED)' });
  });

  it('never connects to a name that resolves to a private address, unless it is listed', async () => {
    const lookup: WebhookOptions['lookup'] = (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
    const url = `http://hooks.example.com:${receiver.port}${PATH}`;
    const refused = await webhookNotifier(options({ url, lookup, allowedHosts: [] })).deliver(message, never);
    expect([refused.kind, received().length]).toEqual(['refused', 0]);
    const listed = webhookNotifier(options({ url, lookup, allowedHosts: ['hooks.example.com'] }));
    expect([await listed.deliver(message, never), received().length]).toEqual([{ kind: 'delivered' }, 1]);
  });

  it.each([
    ['a private address', { allowedHosts: [] }, 'URL_REFUSED'],
    ['another scheme', { url: 'file:///etc/passwd' }, 'URL_REFUSED'],
    ['a password in it', { url: 'https://user:hunter2@example.com/' }, 'URL_REFUSED'],
    ['a secret without its prefix', { secret: 'hunter2' }, 'SECRET_INVALID'],
    ['a secret that is not base64', { secret: 'whsec_hunter2!' }, 'SECRET_INVALID'],
    ['an empty secret', { secret: 'whsec_' }, 'SECRET_INVALID'],
  ])('is not made of settings with %s, and says so without repeating them', (_, change, code) => {
    const make = () => webhookNotifier(options(change));
    expect(make).toThrow(ConnectorError);
    expect(make).toThrow(new RegExp(`^${code}: .*webhook ops`));
    expect(make).not.toThrow(/hunter2|127\.0\.0\.1|passwd/);
  });
});

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectorError } from './connector-error.ts';
import type { Notification } from './notification.ts';
import { type NotifierHarness, notifierContract, type ReceiverBehaviour } from './notifier.contract.ts';
import { type WebhookOptions, webhookNotifier } from './webhook-notifier.ts';

const SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
const PATH = '/hook/secret-path-3141';
const now = Date.now();
const never = new AbortController().signal;
const message: Notification = {
  id: 'r1:12',
  type: 'rollout.aborted',
  at: Date.parse('2026-01-02T03:04:05Z'),
  severity: 'page',
  audience: ['on-call', 'stakeholders'],
  group: 'rollout/r1/1',
  rollout: 'r1',
  flag: 'feature-xyz',
  environment: 'production',
  version: 12,
  by: 'rampart',
  text: 'Feature XYZ was aborted in stage canary.',
  data: { reason: 'errorRate', incident: 1 },
};

type Received = { id: string; headers: Record<string, string>; body: string };
let behaviour: ReceiverBehaviour = 'accepts';
let received: Received[] = [];
let strayed = 0;
let flooded = 0;
let server: Server;
let port = 0;

function flood(response: ServerResponse): void {
  const part = Buffer.alloc(64 * 1024, 'x');
  const more = () => {
    while (!response.destroyed) {
      flooded += part.length;
      if (!response.write(part)) {
        response.once('drain', more);
        return;
      }
    }
  };
  response.on('error', () => undefined);
  response.writeHead(200);
  more();
}

const BEHAVIOURS: Readonly<Record<ReceiverBehaviour, (response: ServerResponse) => void>> = {
  accepts: (response) => response.writeHead(204).end(),
  refuses: (response) => response.writeHead(400).end('no'),
  gone: (response) => response.writeHead(410).end(),
  fails: (response) => response.writeHead(500).end('broken'),
  'busy-seconds': (response) => response.writeHead(429, { 'retry-after': '7' }).end(),
  'busy-date': (response) => response.writeHead(503, { 'retry-after': new Date(now + 90_000).toUTCString() }).end(),
  redirects: (response) => response.writeHead(307, { location: '/elsewhere' }).end(),
  hangs: () => undefined,
  floods: flood,
  cuts: (response) => response.destroy(),
};

beforeAll(async () => {
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.url !== PATH) strayed += 1;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      received.push({ id: headers['webhook-id']!, headers, body: Buffer.concat(parts).toString() });
      BEHAVIOURS[behaviour](response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
const given = (next: ReceiverBehaviour) => {
  behaviour = next;
  received = [];
  flooded = 0;
};
beforeEach(() => given('accepts'));

const options = (change: Partial<WebhookOptions> = {}): WebhookOptions => ({
  name: 'ops',
  url: `http://127.0.0.1:${port}${PATH}`,
  secret: SECRET,
  allowedHosts: ['127.0.0.1'],
  // On a whole second, as HTTP dates are.
  now: () => Math.floor(now / 1000) * 1000,
  ...change,
  // Short only for the receiver that never answers, so that a loaded machine has time for the others.
  get timeoutMs() {
    return behaviour === 'hangs' ? 50 : 20_000;
  },
});
const harness = (): NotifierHarness => ({
  notifier: webhookNotifier(options()),
  message,
  given,
  received: () => received.map(({ id }) => ({ id })),
  strayed: () => strayed,
  flooded: () => flooded,
  secrets: [PATH, 'secret-path', '127.0.0.1', String(port), SECRET, SECRET.slice('whsec_'.length)],
});

describe('webhookNotifier keeps the contract of notifiers', () => {
  it.each(notifierContract)('$name', ({ run }) => run(harness()));
});

describe('webhookNotifier', () => {
  it('signs by Standard Webhooks: the library of the standard verifies it and reads the body', async () => {
    await webhookNotifier(options()).deliver(message, never);
    const [{ body, headers }] = received as [Received];
    const { id, type, at, ...data } = message;
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({ type, timestamp: '2026-01-02T03:04:05.000Z', data });
    expect(headers['content-type']).toBe('application/json');
    const other = new Webhook(`whsec_${Buffer.alloc(24, 1).toString('base64')}`);
    expect(() => other.verify(body, headers)).toThrow(/signature/);
    expect(() => new Webhook(SECRET).verify(body.replace('canary', 'beta'), headers)).toThrow(/signature/);
  });

  it('keeps the length right for text beyond ASCII', async () => {
    await webhookNotifier(options()).deliver({ ...message, text: 'Größe 🚫 → 0' }, never);
    expect(JSON.parse(received[0]!.body).data.text).toBe('Größe 🚫 → 0');
  });

  it('sends only the types it is set to', async () => {
    const notifier = webhookNotifier(options({ events: ['rollout.completed'] }));
    expect(await notifier.deliver(message, never)).toEqual({ kind: 'delivered' });
    expect(received).toEqual([]);
    await notifier.deliver({ ...message, type: 'rollout.completed' }, never);
    expect(received).toHaveLength(1);
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
    const url = `http://hooks.example.com:${port}${PATH}`;
    const refused = await webhookNotifier(options({ url, lookup, allowedHosts: [] })).deliver(message, never);
    expect([refused.kind, received.length]).toEqual(['refused', 0]);
    const listed = webhookNotifier(options({ url, lookup, allowedHosts: ['hooks.example.com'] }));
    expect([await listed.deliver(message, never), received.length]).toEqual([{ kind: 'delivered' }, 1]);
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

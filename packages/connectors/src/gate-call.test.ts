import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectorError } from './connector-error.ts';
import { type GateCallOptions, type GateQuestion, gateCall } from './gate-call.ts';

const KEY = Buffer.alloc(24, 7).toString('base64');
const SECRET = `whsec_${KEY}`;
const PATH = '/gates/secret-path-2718';
/** On a whole second, as HTTP dates are. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
const never = new AbortController().signal;
const question: GateQuestion = {
  id: 'r1/change-calendar/1',
  at: NOW,
  gate: 'change-calendar',
  asks: 'advance',
  rollout: 'r1',
  flag: 'feature-xyz',
  environment: 'production',
  stage: 'canary',
  attempt: 1,
  version: 'build-7',
};

type Behaviour = (response: ServerResponse) => void;
const answers =
  (status: number, headers: Record<string, string> = {}, body = ''): Behaviour =>
  (response) =>
    response.writeHead(status, headers).end(body);
let behaviour: Behaviour = answers(200);
let received: { url: string; headers: Record<string, string>; body: string }[] = [];
let flooded = 0;
let server: Server;
let port = 0;

const floods: Behaviour = (response) => {
  const part = Buffer.alloc(64 * 1024, 'x');
  response.on('error', () => undefined);
  response.writeHead(200);
  const more = (): void => {
    while (!response.destroyed) {
      flooded += part.length;
      if (!response.write(part)) return void response.once('drain', more);
    }
  };
  more();
};

beforeAll(async () => {
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      received.push({ url: request.url ?? '', headers, body: Buffer.concat(parts).toString() });
      behaviour(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  behaviour = answers(200);
  received = [];
  flooded = 0;
});

const options = (change: Partial<GateCallOptions> = {}): GateCallOptions => ({
  name: 'change-calendar',
  url: `http://127.0.0.1:${port}${PATH}`,
  secret: SECRET,
  timeoutMs: 20_000,
  policy: { allowedHosts: ['127.0.0.1'] },
  now: () => NOW,
  ...change,
});
const ask = (next: Behaviour, change: Partial<GateCallOptions> = {}) => {
  behaviour = next;
  return gateCall(options(change))(question, never);
};
const secretsIn = (value: unknown) =>
  [PATH, 'secret-path', '127.0.0.1', String(port), KEY].filter((secret) => JSON.stringify(value).includes(secret));

describe('a question to a gate', () => {
  it('is signed by Standard Webhooks, and says what is asked of which stage, attempt and version', async () => {
    await ask(answers(204));
    const [{ headers, body }] = received as [(typeof received)[number]];
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({
      type: 'gate.asked',
      timestamp: new Date(NOW).toISOString(),
      data: {
        gate: 'change-calendar',
        asks: 'advance',
        rollout: 'r1',
        flag: 'feature-xyz',
        environment: 'production',
        stage: 'canary',
        attempt: 1,
        version: 'build-7',
      },
    });
    expect(headers['webhook-id']).toBe(question.id);
  });

  it('is sent without a signature where the gate has no secret', async () => {
    await ask(answers(200), { secret: undefined });
    expect(received[0]?.headers).not.toHaveProperty('webhook-signature');
  });
});

describe('the answer of a gate', () => {
  it.each([200, 201, 204, 299])('%i is a yes', async (status) => {
    expect(await ask(answers(status))).toEqual({ isYes: true, why: `it answered ${status}` });
  });

  it.each([400, 401, 403, 404, 410, 500, 502, 503])('%i is a no, whatever its body says', async (status) => {
    const reply = await ask(answers(status, {}, `open: ${SECRET}`));
    expect(reply).toEqual({ isYes: false, why: `it answered ${status}` });
    expect(secretsIn(reply)).toEqual([]);
  });

  it('that is a redirect is a no, and is not followed', async () => {
    const reply = await ask(answers(302, { location: '/elsewhere' }));
    expect(reply).toEqual({ isYes: false, why: 'it answered 302: redirects are not followed, set the final address' });
    expect(received.map(({ url }) => url)).toEqual([PATH]);
  });

  it('of 429 says when to ask again, in seconds or as a date', async () => {
    expect(await ask(answers(429, { 'retry-after': '7' }))).toMatchObject({ isYes: false, retryAfterMs: 7_000 });
    const date = new Date(NOW + 90_000).toUTCString();
    expect(await ask(answers(429, { 'retry-after': date }))).toMatchObject({ isYes: false, retryAfterMs: 90_000 });
    expect(await ask(answers(429, { 'retry-after': 'soon' }))).toEqual({ isYes: false, why: 'it answered 429' });
  });

  it('that never comes is a no', async () => {
    expect(await ask(() => undefined, { timeoutMs: 50 })).toEqual({
      isYes: false,
      why: 'it did not answer within 50 ms',
    });
  });

  it('that is giant is cut off', async () => {
    expect(await ask(floods)).toEqual({ isYes: true, why: 'it answered 200' });
    expect(flooded).toBeLessThan(64 * 1024 * 1024);
  });

  it('that breaks off, or from where nobody listens, is a no that names no address', async () => {
    const broken = await ask((response) => response.destroy());
    const spare = createServer();
    await new Promise<void>((resolve) => spare.listen(0, '127.0.0.1', resolve));
    const free = (spare.address() as AddressInfo).port;
    await new Promise((resolve) => spare.close(resolve));
    const refused = await ask(answers(200), { url: `http://127.0.0.1:${free}${PATH}` });
    expect([broken.why, refused.why]).toEqual([
      'it could not be reached (ECONNRESET)',
      'it could not be reached (ECONNREFUSED)',
    ]);
    expect(secretsIn([broken, refused])).toEqual([]);
  });

  it('is not even asked for at a private address that nobody allowed, or whose name leads to one', async () => {
    expect(() => gateCall(options({ policy: {} }))).toThrow(ConnectorError);
    const reply = await ask(answers(200), { url: `http://localhost:${port}${PATH}`, policy: {} });
    expect(reply.why).toMatch(/not on the public internet/);
    expect(received).toEqual([]);
  });
});

describe('settings of a gate that can never work', () => {
  it.each([
    ['a secret of another form', { secret: 'hunter2-hunter2' }, 'SECRET_INVALID'],
    ['an address that is none', { url: 'gates.example.com' }, 'URL_REFUSED'],
    ['an address with a password', { url: 'https://me:hunter2-hunter2@gates.example.com' }, 'URL_REFUSED'],
  ])('are refused for %s, without repeating it', (_, change, code) => {
    try {
      gateCall(options(change));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code });
      expect(String(error)).not.toMatch(/hunter2|gates\.example/);
    }
  });
});

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, createApiClient } from './client.ts';
import { PROBLEM_MEDIA_TYPE, ProblemError, problem } from './problem.ts';
import { ROUTES } from './routes.ts';

type Seen = { method: string; url: string; headers: IncomingMessage['headers']; body: string };
type Answer = { status?: number; type?: string; body?: unknown; headers?: Record<string, string> };

let seen: Seen[] = [];
let answer: Answer = {};
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(parts).toString() });
    const { status = 200, type = 'application/json', body, headers: more } = answer;
    response.writeHead(status, { 'content-type': type, ...more });
    response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
  });
});
let url = '';
let client: ApiClient;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createApiClient({ url, token: 'rmp_admin_x_secret' });
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

function given(next: Answer): void {
  answer = next;
  seen = [];
}

async function failureOf(call: Promise<unknown>): Promise<ProblemError> {
  const error = await call.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProblemError) return error;
  throw error;
}

const CALLS: Readonly<
  Record<
    Exclude<keyof typeof ROUTES, 'streamRuleset' | 'mcp' | 'receiveSlackClick' | `export${string}`>,
    (c: ApiClient) => Promise<unknown>
  >
> = {
  health: (c) => c.health(),
  ready: (c) => c.ready(),
  metrics: (c) => c.metrics(),
  openapi: (c) => c.openapi(),
  status: (c) => c.status(),
  getRuleset: (c) => c.getRuleset(4),
  sendTelemetry: (c) =>
    c.sendTelemetry({
      schema: 1,
      batchId: 'b',
      instance: 'i',
      sdk: 's',
      fromAt: 0,
      toAt: 1,
      revision: 1,
      dropped: 0,
      series: [],
    }),
  whoAmI: (c) => c.whoAmI(),
  sendSignals: (c) => c.sendSignals({ schema: 1, batchId: 'b', flag: 'f', occurrences: [] }),
  sendScores: (c) => c.sendScores({ schema: 1, flag: 'f', scores: [] }),
  validatePlan: (c) => c.validatePlan({ text: 'flag: f' }),
  createRollout: (c) => c.createRollout({ text: 'flag: f' }),
  listRollouts: (c) => c.listRollouts('all'),
  getRollout: (c) => c.getRollout('r1'),
  listGates: (c) => c.listGates(),
  setGate: (c) => c.setGate('error-budget', { open: false, reason: 'spent' }),
  listEvents: (c) => c.listEvents('r1', 3),
  listEvidence: (c) => c.listEvidence('r1', 3, 10),
  command: (c) => c.command('r1', { type: 'Start' }),
  testMetric: (c) => c.testMetric({ metric: 'errorRate', rollout: 'r1' }),
  listBaselines: (c) => c.listBaselines('r1', true),
  captureBaseline: (c) => c.captureBaseline('r1', 'why'),
  getReport: (c) => c.getReport('r1'),
  getIncident: (c) => c.getIncident('r1', 2),
  listFlags: (c) => c.listFlags(),
  getFlag: (c) => c.getFlag('f'),
  putFlag: (c) => c.putFlag({ key: 'f', enabled: true, variants: { on: true }, defaultVariant: 'on' }),
  deleteFlag: (c) => c.deleteFlag('f'),
  listSegments: (c) => c.listSegments(),
  getSegment: (c) => c.getSegment('s'),
  putSegment: (c) => c.putSegment({ key: 's' }),
  deleteSegment: (c) => c.deleteSegment('s'),
  listTokens: (c) => c.listTokens(),
  createToken: (c) => c.createToken({ kind: 'viewer', name: 'v' }),
  revokeToken: (c) => c.revokeToken('abcdefgh'),
  listDeadLetters: (c) => c.listDeadLetters(),
  retryDeadLetter: (c) => c.retryDeadLetter('7'),
  getWebhooks: (c) => c.getWebhooks(),
  putWebhooks: (c) => c.putWebhooks([]),
  receiveHook: (c) => c.receiveHook('zendesk', {}),
  getNotify: (c) => c.getNotify('checkout-1'),
  testNotify: (c) => c.testNotify({ channel: 'pager' }),
  getTrackers: (c) => c.getTrackers(),
  getHooks: (c) => c.getHooks(),
  putHooks: (c) => c.putHooks([]),
};

describe('createApiClient', () => {
  it.each(Object.entries(CALLS))('calls the route %s as the table has it, with the token', async (id, call) => {
    given({ body: {} });
    await call(client);
    const route = ROUTES[id as keyof typeof ROUTES];
    const pattern = new RegExp(`^${route.path.replaceAll(/:\w+/g, '[^/?]+').replaceAll('.', '\\.')}(\\?|$)`);
    expect(seen).toHaveLength(1);
    expect(seen[0]!.method).toBe(route.method);
    expect(seen[0]!.url).toMatch(pattern);
    expect(seen[0]!.headers.authorization).toBe('Bearer rmp_admin_x_secret');
    expect(seen[0]!.headers['idempotency-key'] === undefined).toBe(route.method !== 'POST');
  });

  it('has no method beyond the routes', () => {
    expect(Object.keys(client).toSorted()).toEqual(Object.keys(CALLS).toSorted());
  });

  it('unwraps lists and sends queries only when asked', async () => {
    given({ body: { events: [{ version: 4 }] } });
    expect(await client.listEvents('r1', 3)).toEqual([{ version: 4 }]);
    await client.listEvents('r1');
    expect(seen.map((request) => request.url)).toEqual(['/v1/rollouts/r1/events?after=3', '/v1/rollouts/r1/events']);
  });

  it('sends the version and the idempotency key it is given', async () => {
    given({ body: { rollout: {}, events: [] } });
    await client.command('r1', { type: 'Hold', reason: 'lunch' }, { ifVersion: 12, idempotencyKey: 'k1' });
    expect([seen[0]!.headers['if-match'], seen[0]!.headers['idempotency-key'], JSON.parse(seen[0]!.body)]).toEqual([
      '"12"',
      'k1',
      { type: 'Hold', reason: 'lunch' },
    ]);
  });

  it('gives two calls two idempotency keys', async () => {
    given({ body: {} });
    await client.validatePlan({ text: 'a' });
    await client.validatePlan({ text: 'a' });
    expect(new Set(seen.map((request) => request.headers['idempotency-key'])).size).toBe(2);
  });

  it('reads Markdown of a report, and an unchanged ruleset', async () => {
    given({ body: { markdown: '# Rollout Report' } });
    expect(await client.getReport('r1')).toBe('# Rollout Report');
    given({ status: 304 });
    expect(await client.getRuleset(4)).toBe('unchanged');
    expect(seen[0]!.headers['if-none-match']).toBe('"4"');
  });

  it('encodes parameters, so that none can reach another route', async () => {
    given({ body: {} });
    await client.getFlag('../tokens?x=1#y');
    expect(seen[0]!.url).toBe('/v1/flags/..%2Ftokens%3Fx%3D1%23y');
    const errors = await Promise.all(
      ['..', '.', ''].map((key) => failureOf(Promise.resolve().then(() => client.getFlag(key)))),
    );
    expect(errors.map((error) => error.code)).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND']);
    expect(seen).toHaveLength(1);
  });

  it('keeps a path in the address as a prefix', async () => {
    given({ body: {} });
    await createApiClient({ url: `${url}/rampart/` }).health();
    expect([seen[0]!.url, seen[0]!.headers.authorization]).toEqual(['/rampart/healthz', undefined]);
  });
});

describe('failures of the client', () => {
  it('throws the problem the server sent, with all it carries', async () => {
    const sent = problem('VERSION_CONFLICT', 'It is at version 9.', { version: 9, instance: 'req-1' });
    given({ status: 412, type: PROBLEM_MEDIA_TYPE, body: sent });
    const error = await failureOf(client.command('r1', { type: 'Start' }, { ifVersion: 8 }));
    expect(error.problem).toEqual(sent);
  });

  it.each([
    ['a page of something else', { status: 502, type: 'text/html', body: '<h1>Bad gateway</h1>' }],
    ['a code it does not know', { status: 409, body: { code: 'SOMETHING_NEW', detail: 'x' } }],
    ['text where JSON should be', { status: 200, type: 'text/html', body: '<h1>Hello</h1>' }],
  ])('says ANSWER_INVALID for %s', async (_, wrong) => {
    given(wrong);
    const error = await failureOf(client.status());
    expect([error.code, error.message.includes(url)]).toEqual(['ANSWER_INVALID', true]);
  });

  it('says which address does not answer, why, and how to start a server', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const dead = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
    await new Promise((resolve) => gone.close(resolve));
    const error = await failureOf(createApiClient({ url: dead, token: 'rmp_secret' }).status());
    expect(error.code).toBe('UNREACHABLE');
    expect(error.message).toContain(`${dead} (ECONNREFUSED)`);
    expect(error.message).toContain('npx rampart serve');
    expect(error.message).not.toContain('rmp_secret');
  });

  it('gives up on a server that is silent', async () => {
    const never = (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      });
    const error = await failureOf(createApiClient({ url, fetch: never as typeof fetch, timeoutMs: 5 }).status());
    expect([error.code, error.message.includes('no answer in time')]).toEqual(['UNREACHABLE', true]);
  });

  it('follows no redirect, so that the token goes nowhere else', async () => {
    given({ status: 302, headers: { location: '/elsewhere' } });
    expect((await failureOf(client.status())).code).toBe('UNREACHABLE');
    expect(seen).toHaveLength(1);
  });

  it.each(['localhost:4180', 'not a url', 'ftp://example.com'])(
    'says what an address looks like for %s',
    async (wrong) => {
      const error = await failureOf(createApiClient({ url: wrong }).health());
      expect([error.code, error.message.includes('http://localhost:4180')]).toEqual(['UNREACHABLE', true]);
    },
  );
});

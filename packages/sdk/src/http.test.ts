import { AsyncResource } from 'node:async_hooks';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TelemetryBatch } from '@rampart/api/wire';
import express from 'express';
import fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from './client.ts';
import type { RampartClient } from './client-options.ts';
import { CHECKOUT, ControlPlane, rulesetOf } from './control-plane.test.support.ts';
import type { ClientEvent } from './event.ts';
import { expressMiddleware, fastifyPlugin } from './http.ts';
import { ManualClock } from './manual-clock.test.support.ts';

type Listening = { readonly url: string; readonly port: number; readonly close: () => Promise<unknown> };
type Header = { readonly headers: Readonly<Record<string, unknown>> };

function contextOf({ headers }: Header) {
  arrived.resolve();
  return { targetingKey: String(headers['x-user']) };
}

async function startExpress(client: RampartClient, clock: ManualClock): Promise<Listening> {
  const app = express();
  app.use(expressMiddleware<express.Request>(client, { context: contextOf }));
  app.use(express.json());
  app.get('/', async (_request, response) => {
    await Promise.resolve();
    response.send(String(client.boolean('checkout', false)));
  });
  app.get('/lost', (_request, response) => {
    response.send(String(client.boolean('checkout', false)));
  });
  app.post('/', (request, response) => {
    const value = client.boolean('checkout', false);
    client.track('conversion', request.body.amount);
    response.send(String(value));
  });
  app.get('/boom', () => {
    client.boolean('checkout', false);
    throw new Error('boom');
  });
  app.get('/torn', (_request, response) => {
    client.boolean('checkout', false);
    response.write('half');
    response.destroy(new Error('torn'));
  });
  app.get('/slow', () => {
    clock.pass(3000);
    client.boolean('checkout', false);
    slow.resolve();
  });
  app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    response.status(500).send('boom');
  });
  const server: Server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<unknown> => {
    server.close();
    server.closeAllConnections();
    return once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}`, port, close };
}

async function startFastify(client: RampartClient, clock: ManualClock): Promise<Listening> {
  const app = fastify({ forceCloseConnections: true });
  await app.register(fastifyPlugin(client, { context: contextOf }));
  // As a shared connection does that calls back outside of every request.
  const elsewhere = AsyncResource.bind((work: () => void) => work());
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.url === '/lost') elsewhere(done);
    else done();
  });
  app.get('/lost', async () => String(client.boolean('checkout', false)));
  app.get('/', async () => {
    await Promise.resolve();
    return String(client.boolean('checkout', false));
  });
  app.post('/', async (request) => {
    const value = client.boolean('checkout', false);
    client.track('conversion', (request.body as { amount: number }).amount);
    return String(value);
  });
  app.get('/boom', async () => {
    client.boolean('checkout', false);
    throw new Error('boom');
  });
  app.get('/torn', (_request, reply) => {
    client.boolean('checkout', false);
    reply.hijack();
    reply.raw.write('half');
    reply.raw.destroy(new Error('torn'));
  });
  app.get('/slow', (_request, reply) => {
    reply.hijack();
    clock.pass(3000);
    client.boolean('checkout', false);
    slow.resolve();
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, port: Number(new URL(url).port), close: () => app.close() };
}

let arrived: PromiseWithResolvers<void>;
let slow: PromiseWithResolvers<void>;

describe.each([
  { name: 'Express', start: startExpress },
  { name: 'Fastify', start: startFastify },
])('$name middleware', ({ start }) => {
  let plane: ControlPlane;
  let clock: ManualClock;
  let client: RampartClient;
  let app: Listening;

  beforeEach(async () => {
    plane = await ControlPlane.start(rulesetOf(5, CHECKOUT));
    clock = new ManualClock();
    client = createClient({ url: plane.url, token: 't', clock });
    await client.ready();
    await client.flush();
    await plane.batches.next();
    arrived = Promise.withResolvers();
    slow = Promise.withResolvers();
    app = await start(client, clock);
  });

  afterEach(async () => {
    await app.close();
    await client.close();
    await plane.stop();
  });

  /** Outcomes are recorded when the response has ended, which the requester may see a moment earlier. */
  async function sums(): Promise<Record<string, { count: number; sum: number }>> {
    let batch: TelemetryBatch | undefined;
    do {
      // Lets the server side of the request come to its end.
      await new Promise((resolve) => setImmediate(resolve));
      await client.flush();
      batch = plane.batches.all.findLast(({ series }) => series.some(({ metric }) => metric === 'errorRate'));
    } while (batch === undefined);
    const entries = plane.batches.all.flatMap(({ series }) =>
      series.map(({ metric, count, sum }) => [metric, { count: count[0] ?? 0, sum: sum[0] ?? 0 }] as const),
    );
    return Object.fromEntries(entries);
  }

  it('records each request for the variant its user was served, with no code in the handler', async () => {
    const answer = await fetch(app.url, { headers: { 'x-user': 'anna' } });
    const expected = client.details('checkout', false, { targetingKey: 'anna' });
    expect(await answer.text()).toBe(String(expected.value));
    expect(await sums()).toMatchObject({
      assigned: { count: 1 },
      reported: { count: 1 },
      errorRate: { count: 1, sum: 0 },
      throughput: { count: 1, sum: 1 },
    });
    const arms = new Set(plane.batches.all.flatMap(({ series }) => series.map(({ arm }) => arm)));
    expect([...arms]).toEqual([expected.place?.arm]);
  });

  it('keeps the scope when the handler runs after the body was read', async () => {
    const body = JSON.stringify({ amount: 12 });
    const head = `Host: x\r\nx-user: anna\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    const socket = connectSocket(app.port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
    // The body comes only when the server has taken up the request, so that reading it waits for the network.
    await arrived.promise;
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(body);
    expect(await text(socket)).toContain('200 OK');
    expect(await sums()).toMatchObject({ errorRate: { count: 1, sum: 0 }, conversion: { count: 1, sum: 12 } });
  });

  it('finds the scope again after a hook that lost it', async () => {
    await fetch(`${app.url}/lost`, { headers: { 'x-user': 'anna' } });
    expect(await sums()).toMatchObject({ errorRate: { count: 1, sum: 0 } });
  });

  it('counts an error thrown in a handler', async () => {
    expect((await fetch(`${app.url}/boom`, { headers: { 'x-user': 'anna' } })).status).toBe(500);
    expect(await sums()).toMatchObject({ errorRate: { count: 1, sum: 1 } });
  });

  it('counts a response that broke off as an error', async () => {
    const answer = fetch(`${app.url}/torn`, { headers: { 'x-user': 'anna' } }).then((response) => response.text());
    await expect(answer).rejects.toThrow();
    expect(await sums()).toMatchObject({ errorRate: { count: 1, sum: 1 } });
  });

  it('does not blame us for a user who hangs up, and measures how long it took in seconds', async () => {
    const socket = connectSocket(app.port, '127.0.0.1');
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\nx-user: anna\r\n\r\n');
    await slow.promise;
    socket.destroy();
    expect(await sums()).toMatchObject({ errorRate: { count: 1, sum: 0 }, p99Latency: { count: 1, sum: 3 } });
  });

  it('records nothing for requests that evaluate no flag in a rollout', async () => {
    await fetch(`${app.url}/nowhere`, { headers: { 'x-user': 'anna' } });
    await client.flush();
    expect(plane.batches.all.slice(1)).toEqual([]);
  });
});

describe('a context function that throws', () => {
  it('does not break the request, and is told once by the client', () => {
    const told: ClientEvent[] = [];
    const client = createClient({ bootstrap: rulesetOf(1, CHECKOUT), onEvent: (event) => told.push(event) });
    const heard: unknown[] = [];
    const middleware = expressMiddleware<string>(client, {
      context: () => {
        throw new Error('no user');
      },
      onError: (error) => heard.push(error),
    });
    const values: boolean[] = [];
    const response = { statusCode: 200, once: () => undefined };
    for (const request of ['first', 'second']) {
      middleware(request, response, () => void values.push(client.boolean('checkout', true)));
    }
    expect(values).toEqual([false, false]);
    expect(heard).toEqual([new Error('no user'), new Error('no user')]);
    const errors = told.filter((event) => event.type === 'error');
    expect(errors).toMatchObject([{ code: 'CONTEXT_FAILED', message: expect.stringContaining('no user') }]);
  });
});

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { guardedFetch } from './guarded-fetch.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const policy = { allowedHosts: ['127.0.0.1', 'inside.test'] };
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'it succeeded',
    (error: { code?: string }) => error.code,
  );

describe('guardedFetch', () => {
  it('sends method, headers and body, and gives status, headers and text', async () => {
    const url = await serve((request, response) => {
      request.on('data', (part) => {
        response
          .writeHead(201, { 'x-seen': `${request.method} ${request.headers['x-scope-orgid']}` })
          .end(`got ${part}`);
      });
    });
    const answer = await guardedFetch({ policy, maxBytes: 100 })(url, {
      ...{ method: 'POST', body: 'grün', headers: { 'X-Scope-OrgID': 'team' } },
    });
    expect([answer.status, answer.headers.get('x-seen'), await answer.text()]).toEqual([201, 'POST team', 'got grün']);
  });

  it('follows no redirect', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end());
    expect((await guardedFetch({ policy, maxBytes: 100 })(url)).status).toBe(302);
  });

  it('cuts off an answer that is too large, announced or not', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/announced') response.writeHead(200, { 'content-length': '101' }).write('x');
      else response.writeHead(200).end('x'.repeat(101));
    });
    const fetched = guardedFetch({ policy, maxBytes: 100 });
    expect(await codeOf(fetched(`${url}/announced`))).toBe('ANSWER_TOO_LARGE');
    expect(await codeOf(fetched(url))).toBe('ANSWER_TOO_LARGE');
    expect((await guardedFetch({ policy, maxBytes: 101 })(url)).status).toBe(200);
  });

  it('rejects when the answer breaks off', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('x', () => response.destroy());
    });
    expect(await codeOf(guardedFetch({ policy, maxBytes: 100 })(url))).toBe('ECONNRESET');
  });

  it('connects to no private address behind a public name', async () => {
    const lookup = (_: string, __: object, done: (error: null, all: { address: string; family: number }[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]);
    const url = new URL(await serve((_, response) => response.end('secret')));
    const outside = guardedFetch({ policy, maxBytes: 100, lookup });
    expect(await codeOf(outside(`http://outside.test:${url.port}`))).toBe('ADDRESS_REFUSED');
    expect(await (await outside(`http://inside.test:${url.port}`)).text()).toBe('secret');
  });
});

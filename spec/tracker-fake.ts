import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Reply, Seen } from '../packages/connectors/src/http-fake.test.support.ts';
import type { TokenBucket } from '../packages/connectors/src/token-bucket.ts';
import type { TrackerBehaviour } from '../packages/connectors/src/tracker.contract.ts';

/** What befalls one request: `cuts` before it has any effect, `loses-answers` after it. */
export type Fault = 'cuts' | 'loses-answers' | undefined;

/** A tracker on the loopback that works, or fails as it is told. */
export type TrackerFake = {
  readonly url: string;
  readonly seen: Seen[];
  readonly given: (behaviour: TrackerBehaviour) => void;
  /** What befalls the request of a number (from 0, counted since it was set). */
  faultAt: (request: number) => Fault;
  /** Told of every fault. */
  onFault: () => void;
  /** Requests counted for `faultAt`. */
  requests: number;
  readonly strayed: () => number;
  readonly flooded: () => number;
  readonly stop: () => Promise<void>;
};

/** A bucket that always gives: for tests that are not about it. */
export const ENDLESS: TokenBucket = { take: () => ({ ok: true }), pause: () => undefined };

const PART = Buffer.alloc(64 * 1024, 'x');

/** What this tracker says when it refuses, forbids or is busy. */
export async function startTrackerFake(
  answer: (seen: Seen) => Reply,
  { refuses, forbids, busy = {} }: { readonly refuses: Reply; readonly forbids: Reply; readonly busy?: unknown },
): Promise<TrackerFake> {
  let behaviour: TrackerBehaviour = 'works';
  let strayed = 0;
  let flooded = 0;
  const flood = (response: ServerResponse): void => {
    const more = () => {
      while (!response.destroyed) {
        flooded += PART.length;
        if (response.write(PART)) continue;
        response.once('drain', more);
        return;
      }
    };
    response.on('error', () => undefined);
    response.writeHead(200);
    more();
  };
  const send = (response: ServerResponse, { status = 200, headers = {}, body = '' }: Reply): void => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(status === 204 ? undefined : text);
  };
  const behave: Readonly<Record<TrackerBehaviour, (seen: Seen, response: ServerResponse) => void>> = {
    works: (seen, response) => send(response, answer(seen)),
    refuses: (_, response) => send(response, refuses),
    forbids: (_, response) => send(response, forbids),
    fails: (_, response) => send(response, { status: 502, body: '<html>broken</html>' }),
    'busy-seconds': (_, response) => send(response, { status: 429, headers: { 'retry-after': '7' }, body: busy }),
    'busy-date': (_, response) =>
      send(response, { status: 503, headers: { 'retry-after': new Date(Date.now() + 90_000).toUTCString() } }),
    redirects: (_, response) => send(response, { status: 307, headers: { location: '/elsewhere' } }),
    hangs: () => undefined,
    floods: (_, response) => flood(response),
    cuts: (_, response) => response.destroy(),
    'loses-answers': (seen, response) => {
      answer(seen);
      response.destroy();
    },
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://fake');
      if (url.pathname === '/elsewhere') strayed += 1;
      const { method = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(parts).toString() };
      fake.seen.push(one);
      const fault = fake.faultAt(fake.requests);
      fake.requests += 1;
      behave[fault ?? behaviour](one, response);
      if (fault !== undefined) fake.onFault();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: TrackerFake = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    given: (next) => {
      behaviour = next;
      flooded = 0;
    },
    faultAt: () => undefined,
    onFault: () => undefined,
    requests: 0,
    strayed: () => strayed,
    flooded: () => flooded,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

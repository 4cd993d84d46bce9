import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Reply, Seen } from './http-fake.test.support.ts';
import type { PeerBehaviour } from './outbound.contract.ts';

/** What a vendor answers, by behaviour. */
export type VendorAnswers = {
  readonly accepts: Reply | ((seen: Seen) => Reply);
  /** Text of an endless answer begins with it. Default: nothing. */
  readonly begins?: string;
} & Partial<Record<PeerBehaviour, Reply>>;

/** A peer on the loopback that can show every behaviour. */
export type Receiver = {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly Seen[];
  readonly given: (behaviour: PeerBehaviour) => Promise<void>;
  readonly strayed: () => number;
  readonly flooded: () => number;
  /** Epoch ms, on a whole second, as HTTP dates are. It stands still. */
  readonly now: () => number;
  /** Fires when a request has arrived that will have no answer. */
  readonly deadline: () => AbortSignal;
  readonly stop: () => Promise<void>;
};

const ELSEWHERE = '/elsewhere';
const NOW = Math.floor(Date.now() / 1000) * 1000;

const STATUS: Readonly<Partial<Record<PeerBehaviour, Reply>>> = {
  'status-400': { status: 400, body: 'no' },
  'status-401': { status: 401, body: 'no' },
  'status-403': { status: 403, body: 'no' },
  'status-404': { status: 404, body: 'no' },
  'status-410': { status: 410, body: 'gone' },
  'status-500': { status: 500, body: 'broken' },
  'status-503': { status: 503, body: 'busy' },
  'busy-seconds': { status: 429, headers: { 'retry-after': '7' } },
  'busy-date': { status: 429, headers: { 'retry-after': new Date(NOW + 90_000).toUTCString() } },
  redirects: { status: 307, headers: { location: ELSEWHERE } },
  malformed: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Please log in</html>' },
};

/** Starts a peer that answers as `answers` says, and where it says nothing as most do. */
export async function startReceiver(answers: VendorAnswers): Promise<Receiver> {
  let behaviour: PeerBehaviour = 'accepts';
  let flooded = 0;
  let strayed = 0;
  let late = new AbortController();
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => undefined);
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://fake');
      if (url.pathname === ELSEWHERE) strayed += 1;
      const { method = '', headers } = request;
      const one: Seen = { method, url, headers, body: Buffer.concat(parts).toString() };
      seen.push(one);
      answer(response, one);
    });
  });
  function answer(response: ServerResponse, one: Seen): void {
    const { accepts } = answers;
    const accepted = () => (typeof accepts === 'function' ? accepts(one) : accepts);
    const given = answers[behaviour] ?? STATUS[behaviour];
    if (behaviour === 'hangs') late.abort();
    else if (behaviour === 'cuts') response.destroy();
    else if (behaviour === 'floods') flood(response, accepted(), answers.begins ?? '', (bytes) => (flooded += bytes));
    else if (behaviour === 'breaks') {
      head(response, withBody(accepted()), { 'content-length': '1000000' });
      response.write('{"', () => response.destroy());
    } else {
      const reply = behaviour === 'accepts' || typeof given !== 'object' ? accepted() : given;
      head(response, reply);
      response.end(bodyOf(reply));
    }
  }
  await listen(server, 0);
  // It listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    async given(next) {
      behaviour = next;
      flooded = 0;
      seen.length = 0;
      late = new AbortController();
      if (next === 'absent') await close(server);
      else if (!server.listening) await listen(server, port);
    },
    strayed: () => strayed,
    flooded: () => flooded,
    now: () => NOW,
    deadline: () => late.signal,
    stop: () => close(server),
  };
}

function head(response: ServerResponse, { status = 200, headers }: Reply, more: Record<string, string> = {}): void {
  response.on('error', () => undefined);
  response.writeHead(status, { 'content-type': 'application/json', ...headers, ...more });
}

function bodyOf({ body = '' }: Reply): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** 204 has no body. */
function withBody(reply: Reply): Reply {
  return reply.status === 204 ? { ...reply, status: 200 } : reply;
}

function flood(response: ServerResponse, reply: Reply, begins: string, count: (bytes: number) => void): void {
  const part = Buffer.alloc(64 * 1024, 'x');
  const more = () => {
    while (!response.destroyed) {
      count(part.length);
      if (response.write(part)) continue;
      response.once('drain', more);
      return;
    }
  };
  head(response, withBody(reply));
  response.write(begins);
  more();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}

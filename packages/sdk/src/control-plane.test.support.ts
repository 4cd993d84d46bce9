import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { RULESET_PATH, STREAM_PATH, TELEMETRY_PATH, type TelemetryBatch } from '@rampart/api/wire';
import type { Flag, Ruleset, RulesetPatch } from '@rampart/flags';

/** Things that arrive, in order; a test waits for the next. */
export class Inbox<T> {
  readonly all: T[] = [];
  readonly #unread: T[] = [];
  readonly #readers: ((item: T) => void)[] = [];

  push(item: T): void {
    this.all.push(item);
    const reader = this.#readers.shift();
    if (reader === undefined) this.#unread.push(item);
    else reader(item);
  }

  next(): Promise<T> {
    const item = this.#unread.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#readers.push(resolve));
  }
}

/** A stream as the server holds it. */
export type OpenStream = {
  readonly revision: string | null;
  readonly headers: IncomingMessage['headers'];
  write(text: string): void;
  put(ruleset: unknown): void;
  patch(patch: RulesetPatch): void;
  /** Ends it as a server that restarts does. */
  end(): void;
};

/** What to do with a request instead of answering it properly. `lost`: take it in, then break the connection. */
export type Mishap =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | 'lost'
  | 'hang';

/** A small control plane that speaks the wire over a real socket. It greets a new stream as the real one does. */
export class ControlPlane {
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();
  readonly streams = new Inbox<OpenStream>();
  readonly batches = new Inbox<TelemetryBatch>();
  readonly requests = new Inbox<string>();
  /** Mishaps of the next requests, by path. */
  readonly mishaps = new Map<string, Mishap[]>();
  /** When false a new stream is left without its first frame. */
  greets = true;
  ruleset: Ruleset;
  /** Port it listens on; known also after it was stopped, so that another can take its place. */
  readonly port: number;

  private constructor(ruleset: Ruleset, server: Server, port: number) {
    this.ruleset = ruleset;
    this.#server = server;
    this.port = port;
  }

  static async start(ruleset: Ruleset, port = 0): Promise<ControlPlane> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server listens on no port');
    const plane = new ControlPlane(ruleset, server, address.port);
    server.on('request', (request, response) => void plane.#answer(request, response));
    return plane;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Makes the next requests for a path go wrong, in this order. */
  spoil(path: string, ...mishaps: Mishap[]): void {
    this.mishaps.set(path, [...(this.mishaps.get(path) ?? []), ...mishaps]);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://plane');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const mishap = this.mishaps.get(url.pathname)?.shift();
    if (url.pathname === TELEMETRY_PATH) this.batches.push(JSON.parse(body));
    this.requests.push(`${request.method} ${request.url} ${request.headers['if-none-match'] ?? ''}`.trim());
    if (mishap === 'lost') response.destroy();
    else if (mishap === 'hang') this.#open.add(response);
    else if (mishap !== undefined) response.writeHead(mishap.status, mishap.headers).end(mishap.body ?? '');
    else this.#serve(url, request, response, body);
  }

  #serve(url: URL, request: IncomingMessage, response: ServerResponse, body: string): void {
    if (url.pathname === STREAM_PATH) this.#stream(url, request, response);
    else if (url.pathname === RULESET_PATH) this.#current(request, response);
    else if (url.pathname === TELEMETRY_PATH) {
      response.writeHead(202, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ batchId: JSON.parse(body).batchId, status: 'accepted' }));
    } else response.writeHead(404).end();
  }

  #current(request: IncomingMessage, response: ServerResponse): void {
    const etag = `"${this.ruleset.revision}"`;
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.writeHead(200, { etag, 'content-type': 'application/json' }).end(JSON.stringify(this.ruleset));
  }

  #stream(url: URL, request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
    const frame = (event: string, data: unknown): void => {
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    const stream: OpenStream = {
      revision: url.searchParams.get('revision'),
      headers: request.headers,
      write: (text) => response.write(text),
      put: (ruleset) => frame('put', ruleset),
      patch: (patch) => frame('patch', patch),
      end: () => response.end(),
    };
    if (this.greets && stream.revision !== String(this.ruleset.revision)) stream.put(this.ruleset);
    this.streams.push(stream);
  }
}

/** A flag in a rollout: half of everyone in treatment, the other half in control. */
export const CHECKOUT: Flag = {
  key: 'checkout',
  enabled: true,
  variants: { on: true, off: false },
  defaultVariant: 'off',
  exposure: {
    rollout: 'r1',
    attempt: 1,
    epoch: 3,
    treatment: 'on',
    control: 'off',
    layers: [{ weight: 50_000 }],
    metrics: { errorRate: 'sum', p99Latency: 'histogram', throughput: 'sum', conversion: 'sum' },
  },
};

/** A flag with a text and no rollout. */
export const BANNER: Flag = {
  key: 'banner',
  enabled: true,
  variants: { short: 'Hi', long: 'Good day' },
  defaultVariant: 'short',
};

/** A ruleset with these flags. */
export function rulesetOf(revision: number, ...flags: readonly Flag[]): Ruleset {
  const byKey = Object.fromEntries(flags.map((flag) => [flag.key, flag]));
  return { schema: 1, environment: 'production', revision, flags: byKey, segments: {} };
}

/** A patch that sets these flags. */
export function patchOf(fromRevision: number, revision: number, ...flags: readonly Flag[]): RulesetPatch {
  return { fromRevision, revision, flags: Object.fromEntries(flags.map((flag) => [flag.key, flag])), segments: {} };
}

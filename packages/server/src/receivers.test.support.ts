import { createServer, type ServerResponse } from 'node:http';

/** A request as a receiver saw it; a body of JSON is read. */
export type Received = {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Record<string, unknown>;
};

/** What a receiver answers, a body as JSON; `hangs`: nothing, ever. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: object }
  | 'hangs';

/** Someone on the loopback that is written to. */
export type Receiver = {
  readonly url: string;
  readonly received: Received[];
  /** Resolves once this many requests have come. */
  readonly until: (count: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Starts a receiver on a free port. */
export async function startReceiver(
  answer: (received: Received) => Reply | Promise<Reply> = () => ({ status: 204 }),
): Promise<Receiver> {
  const received: Received[] = [];
  let waiting: { readonly count: number; readonly done: () => void }[] = [];
  const reply = async (one: Received, response: ServerResponse) => {
    const given = await answer(one);
    if (given === 'hangs') return;
    response.writeHead(given.status, given.headers).end(given.body && JSON.stringify(given.body));
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { headers, url: path = '' } = request;
      const one = { path, headers, body: JSON.parse(Buffer.concat(parts).toString()) };
      received.push(one);
      void reply(one, response);
      for (const { count, done } of waiting) if (received.length >= count) done();
      waiting = waiting.filter(({ count }) => received.length < count);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    received,
    until: (count) =>
      new Promise((done) => {
        if (received.length >= count) done();
        else waiting.push({ count, done });
      }),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

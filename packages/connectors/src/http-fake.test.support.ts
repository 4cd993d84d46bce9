import { createServer, type IncomingMessage } from 'node:http';

/** A request as a fake of a vendor saw it. */
export type Seen = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

/** What a fake answers; `hangs` begins no answer, `breaks` ends one in the middle. */
export type Reply = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON where it is no text. */
  readonly body?: unknown;
  readonly ends?: 'hangs' | 'breaks';
};

/** A server on the loopback that answers as it is told. */
export type HttpFake = {
  readonly url: string;
  readonly seen: Seen[];
  answer: (seen: Seen) => Reply;
  readonly stop: () => Promise<void>;
};

/** Starts a fake on a free port of the loopback. */
export async function startHttpFake(answer: (seen: Seen) => Reply = () => ({})): Promise<HttpFake> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', headers } = request;
      const url = new URL(request.url ?? '/', 'http://fake');
      const one: Seen = { method, url, headers, body: Buffer.concat(parts).toString() };
      fake.seen.push(one);
      const { status = 200, headers: answered = {}, body = '', ends } = fake.answer(one);
      if (ends === 'hangs') return;
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      response.writeHead(status, { 'content-type': 'application/json', ...answered });
      if (ends === 'breaks') response.write(text, () => response.destroy());
      else response.end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const fake: HttpFake = {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    seen: [],
    answer,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

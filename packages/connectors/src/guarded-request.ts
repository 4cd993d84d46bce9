import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressLookup, guardedLookup, type UrlPolicy } from './url-guard.ts';

/** Most bytes of an answer that are read where the caller sets no bound. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** One request to a URL that `urlProblem` let pass. */
export type GuardedRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Default: none. */
  readonly body?: string;
  readonly signal: AbortSignal;
  readonly policy: UrlPolicy;
  /** Default: the lookup of the system. */
  readonly lookup?: AddressLookup;
  /** Most bytes of the answer that are kept. Default: 64 KiB. */
  readonly maxBytes?: number;
};

/** Answer to a request. `isCut`: it did not end within `maxBytes`, or its connection broke; the status and headers still count. */
export type GuardedAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly isCut: boolean;
};

/**
 * Sends one request on a connection of its own: no redirect is followed, no proxy of the environment is used, and the
 * address that was checked is the one connected to. Rejects with the error of the network, whose message may hold the
 * address: show only its `code`.
 */
export function guardedRequest(asked: GuardedRequest): Promise<GuardedAnswer> {
  const url = new URL(asked.url);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const { body } = asked;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: asked.method,
      agent: false,
      headers: { ...asked.headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) },
      lookup: guardedLookup(asked.policy, asked.lookup),
      signal: asked.signal,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const answer = { status: incoming.statusCode ?? 0, headers: incoming.headers };
      collect(incoming, asked.maxBytes ?? MAX_ANSWER_BYTES, (read) => resolve({ ...answer, ...read }));
    });
    outgoing.end(body);
  });
}

type Collected = Pick<GuardedAnswer, 'text' | 'isCut'>;

/** Reads the answer to its end or its bound. However it ends, the status has been given by then and counts. */
function collect(incoming: IncomingMessage, maxBytes: number, done: (read: Collected) => void): void {
  const parts: Buffer[] = [];
  let received = 0;
  incoming.on('data', (part: Buffer) => {
    received += part.length;
    if (received > maxBytes) incoming.destroy();
    else parts.push(part);
  });
  const end = () =>
    done({ text: Buffer.concat(parts).toString('utf8'), isCut: !incoming.complete || received > maxBytes });
  incoming.on('error', end);
  incoming.on('close', end);
}

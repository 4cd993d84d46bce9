import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { type AddressLookup, guardedLookup, type UrlPolicy } from './url-guard.ts';

/** What a guarded fetch may do. */
export type FetchGuard = {
  readonly policy: UrlPolicy;
  /** Most bytes of an answer: a longer one fails. */
  readonly maxBytes: number;
  /** Authority to trust and certificate to show. Default: those of Node, and none. */
  readonly tls?: Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>;
  /** Default: the lookup of the system. */
  readonly lookup?: AddressLookup;
};

/** Most bytes of one answer of a metric source. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Code of the error of an answer that is longer than `maxBytes`. */
export const ANSWER_TOO_LARGE = 'ANSWER_TOO_LARGE';
/** Statuses that have no body. */
const BODILESS = [204, 205, 304];

/**
 * A `fetch` for addresses that an admin has set, one connection each: no redirect is followed, no proxy of the environment
 * is used, the address that was checked is the one connected to, and a giant answer is cut off. Bodies are text.
 */
export function guardedFetch(guard: FetchGuard): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const { method = 'GET', body, signal } = init;
    const text = typeof body === 'string' ? body : undefined;
    const headers = Object.fromEntries(new Headers(init.headers));
    const incoming = await send(url, text, {
      method,
      agent: false,
      headers: { ...headers, ...(text !== undefined && { 'content-length': String(Buffer.byteLength(text)) }) },
      lookup: guardedLookup(guard.policy, guard.lookup),
      ...(signal && { signal }),
      ...guard.tls,
    });
    const bytes = await readWhole(incoming, guard.maxBytes);
    const status = incoming.statusCode ?? 0;
    return new Response(BODILESS.includes(status) ? null : new Uint8Array(bytes), {
      status,
      headers: headersOf(incoming),
    });
  };
}

function send(url: URL, body: string | undefined, options: RequestOptions): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function readWhole(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let received = 0;
  const tooLarge = () => Object.assign(new Error('The answer is too large.'), { code: ANSWER_TOO_LARGE });
  if (Number(incoming.headers['content-length']) > maxBytes) {
    incoming.destroy();
    throw tooLarge();
  }
  for await (const part of incoming) {
    received += part.length;
    // Leaving the loop ends the connection.
    if (received > maxBytes) throw tooLarge();
    parts.push(part);
  }
  if (!incoming.complete) throw Object.assign(new Error('The answer broke off.'), { code: 'ECONNRESET' });
  return Buffer.concat(parts);
}

function headersOf({ headers }: IncomingMessage): Headers {
  const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]);
  return new Headers(pairs);
}

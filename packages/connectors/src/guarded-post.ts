import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressLookup, guardedLookup, type UrlPolicy } from './url-guard.ts';

/** Most bytes of an answer that are read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** One POST to a URL that `urlProblem` let pass. */
export type Post = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
  readonly policy: UrlPolicy;
  /** Default: the lookup of the system. */
  readonly lookup?: AddressLookup;
};

/** Answer to a POST. `text`: the beginning of its body, cut at the bound, or where the connection broke. */
export type PostAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string };

/**
 * Sends one POST on a connection of its own: no redirect is followed, no proxy of the environment is used, and the address
 * that was checked is the one connected to. Reads at most `MAX_ANSWER_BYTES` of the answer. Rejects with the error of the
 * network, whose message may hold the address: show only its `code`.
 */
export function guardedPost(post: Post): Promise<PostAnswer> {
  const url = new URL(post.url);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: 'POST',
      agent: false,
      headers: { ...post.headers, 'content-length': String(Buffer.byteLength(post.body)) },
      lookup: guardedLookup(post.policy, post.lookup),
      signal: post.signal,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const { statusCode: status = 0, headers } = incoming;
      drain(incoming, (text) => resolve({ status, headers, text }));
    });
    outgoing.end(post.body);
  });
}

/** Reads the answer to its end or its bound. However it ends, the status has been given by then and counts. */
function drain(incoming: IncomingMessage, end: (text: string) => void): void {
  const parts: Buffer[] = [];
  let received = 0;
  const done = () => end(Buffer.concat(parts).subarray(0, MAX_ANSWER_BYTES).toString());
  incoming.on('data', (part: Buffer) => {
    parts.push(part);
    received += part.length;
    if (received > MAX_ANSWER_BYTES) incoming.destroy();
  });
  incoming.on('error', done);
  incoming.on('close', done);
}

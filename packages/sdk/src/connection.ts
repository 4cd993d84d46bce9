import { INSTANCE_HEADER, RULESET_PATH } from '@rampart/api/wire';
import type { Clock } from './clock.ts';
import { messageOf } from './event.ts';

/** Longest wait for an answer to a request that is not the stream, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** The signature of `fetch`, as far as the SDK uses it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How one process reaches one control plane. */
export type Connection = {
  /** Address without a path, for example `https://rampart.example.com`. */
  readonly url: string;
  readonly token: string | undefined;
  /** Id of this process, random. */
  readonly instance: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
};

/** Address of a path of the control plane. */
export function addressOf(connection: Connection, path: string): string {
  return connection.url.replace(/\/+$/, '') + path;
}

/** Headers every request carries. */
export function headersOf(connection: Connection): Record<string, string> {
  const headers: Record<string, string> = { [INSTANCE_HEADER]: connection.instance };
  if (connection.token !== undefined) headers.authorization = `Bearer ${connection.token}`;
  return headers;
}

/**
 * Makes `inner` abort when `outer` does; the result unties them. Used in place of `AbortSignal.any`, so that nothing
 * of a request stays behind on a signal that lives as long as the client.
 */
export function abortWith(outer: AbortSignal, inner: AbortController): () => void {
  const abort = (): void => inner.abort(outer.reason);
  if (outer.aborted) abort();
  outer.addEventListener('abort', abort);
  return () => outer.removeEventListener('abort', abort);
}

/** Runs a request that is given up after 10 s or when `outer` aborts, whichever is first. */
export async function withTimeout<T>(
  clock: Clock,
  outer: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const untie = abortWith(outer, inner);
  const cancel = clock.after(REQUEST_TIMEOUT_MS, 'request', () =>
    inner.abort(new Error(`no answer within ${REQUEST_TIMEOUT_MS / 1000} s`)),
  );
  try {
    return await run(inner.signal);
  } finally {
    cancel();
    untie();
  }
}

/** True for the answers that no retry can mend: the token does not open this door. */
export function isRefused(status: number): boolean {
  return status === 401 || status === 403;
}

/** What asking for the ruleset brought. */
export type RulesetAnswer =
  | { readonly kind: 'ruleset'; readonly json: unknown }
  /** 304: the revision in use is the current one. */
  | { readonly kind: 'same' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** Asks for the whole ruleset; `revision` makes the question conditional. Never rejects. */
export async function fetchRuleset(
  connection: Connection,
  revision: number | undefined,
  signal: AbortSignal,
): Promise<RulesetAnswer> {
  const headers = headersOf(connection);
  if (revision !== undefined) headers['if-none-match'] = `"${revision}"`;
  try {
    return await withTimeout(connection.clock, signal, async (inner) => {
      const response = await connection.fetch(addressOf(connection, RULESET_PATH), { headers, signal: inner });
      if (response.status === 200) return { kind: 'ruleset', json: await response.json() };
      const message = await describeAnswer(response, `GET ${RULESET_PATH}`);
      if (response.status === 304) return { kind: 'same' };
      return { kind: isRefused(response.status) ? 'refused' : 'failed', message };
    });
  } catch (error) {
    return { kind: 'failed', message: `GET ${RULESET_PATH} failed: ${messageOf(error)}` };
  }
}

/** One line about an answer that is not the expected one: its status and the start of its body. Reads the body. */
export async function describeAnswer(response: Response, what: string): Promise<string> {
  const body = (await response.text()).slice(0, 300).trim();
  return `${what} answered ${response.status}${body === '' ? '' : `: ${body}`}`;
}

/** Longest wait a server may ask for, in milliseconds. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/** What a `Retry-After` header asks for, in milliseconds; 0 when there is none. Up to five minutes. */
export function retryAfterMs(response: Response, clock: Clock): number {
  const header = response.headers.get('retry-after');
  if (header === null) return 0;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - clock.now();
  return Number.isNaN(waitMs) ? 0 : Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, waitMs));
}

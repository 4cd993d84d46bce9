import { type Problem, ProblemError } from './problem.ts';
import { isProblemCode } from './problem-table.ts';

/** How to reach a server. */
export type Connection = {
  /** Origin of the server, for example `http://localhost:4180`; a path in it is kept as a prefix. */
  readonly url: string;
  /** `rmp_…`; absent only for the open routes. */
  readonly token?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** How long one answer may take, milliseconds. Default: 30 000. */
  readonly timeoutMs?: number;
};

/** One request to a server. */
export type Call = {
  readonly method: string;
  /** Absolute path with its query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * The answer to a call, of a status below 400. Every POST carries an `Idempotency-Key`.
 * Throws `ProblemError`: the problem the server sent, `UNREACHABLE` without an answer, or `ANSWER_INVALID` for one that
 * is not from Rampart. The token is never part of a message.
 */
export async function send(connection: Connection, call: Call): Promise<Response> {
  const url = addressOf(connection.url, call.path);
  const request = connection.fetch ?? fetch;
  const init = { ...initOf(connection, call), signal: AbortSignal.timeout(connection.timeoutMs ?? DEFAULT_TIMEOUT_MS) };
  const response = await request(url, init).catch((error: unknown) => {
    throw unreachable(url, reasonOf(error), error);
  });
  if (response.status >= 400) throw await problemOf(response, url);
  return response;
}

/** JSON body of an answer. Throws `ANSWER_INVALID` when it is something else. */
export async function jsonOf<T>(response: Response): Promise<T> {
  const body = await response.json().catch(() => undefined);
  if (body === undefined) throw answerInvalid(response, 'a body that is not JSON');
  return body as T;
}

function addressOf(base: string, path: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const detail = `The server address is not an http or https URL: received ${JSON.stringify(base)}. Example: http://localhost:4180`;
    throw new ProblemError('UNREACHABLE', detail);
  }
  return new URL(url.origin + url.pathname.replace(/\/$/, '') + path);
}

function initOf(connection: Connection, call: Call): RequestInit {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (connection.token !== undefined) headers.authorization = `Bearer ${connection.token}`;
  if (call.body !== undefined) headers['content-type'] = 'application/json';
  if (call.method === 'POST') headers['idempotency-key'] = globalThis.crypto.randomUUID();
  const body = call.body === undefined ? {} : { body: JSON.stringify(call.body) };
  return { method: call.method, redirect: 'error', headers: { ...headers, ...call.headers }, ...body };
}

function unreachable(url: URL, reason: string, cause: unknown): ProblemError {
  const detail = `No Rampart server answers at ${url.origin} (${reason}). Check the address, or start one: npx rampart serve`;
  return new ProblemError('UNREACHABLE', detail, {}, { cause });
}

/** Code of the failure below `fetch failed`, which by itself says nothing. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}

async function problemOf(response: Response, url: URL): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => undefined);
  if (!isProblem(body)) return answerInvalid(response, `status ${response.status} without a problem of Rampart`, url);
  const { type, title, status, code, detail, remedy, ...extra } = body;
  return new ProblemError(code, detail, extra);
}

function answerInvalid(response: Response, what: string, url?: URL): ProblemError {
  const where = url?.origin ?? (URL.canParse(response.url) ? new URL(response.url).origin : 'The server');
  return new ProblemError('ANSWER_INVALID', `${where} answered with ${what}: it is not the API of this Rampart.`);
}

function isProblem(body: unknown): body is Problem {
  return (
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    isProblemCode(body.code) &&
    'detail' in body &&
    typeof body.detail === 'string'
  );
}

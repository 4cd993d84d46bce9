import { ConnectorError } from './connector-error.ts';
import { guardedFetch } from './guarded-fetch.ts';
import { type HttpAccess, withoutSecrets } from './http-access.ts';
import { askHttp, type HttpQuestion } from './http-ask.ts';
import { SourceFailure } from './source-failure.ts';
import type { TokenBucket } from './token-bucket.ts';
import type { TrackerResult } from './tracker.ts';
import { type AddressLookup, type UrlPolicy, urlProblem } from './url-guard.ts';

/** An operation on a tracker that did not go through. The message carries no secret. */
export class TrackerFailure extends Error {
  override readonly name = 'TrackerFailure';
  readonly result: Exclude<TrackerResult, { kind: 'done' }>;
  /** Of the answer, where there was one. */
  readonly status: number | undefined;

  constructor(result: Exclude<TrackerResult, { kind: 'done' }>, status?: number) {
    super(result.why);
    this.result = result;
    this.status = status;
  }
}

/** A failure that only a person who changes the settings can end. */
export function refusedSetup(why: string): TrackerFailure {
  return new TrackerFailure({ kind: 'refused', why, isSetup: true });
}

/** A failure of this one operation. */
export function refusedRequest(why: string): TrackerFailure {
  return new TrackerFailure({ kind: 'refused', why, isSetup: false });
}

/** Gives the result of an operation, or how it failed. */
export async function settled<Given>(work: Promise<TrackerResult<Given>>): Promise<TrackerResult<Given>> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TrackerFailure) return error.result;
    throw error;
  }
}

/** A way to a tracker. `system`: its name in messages. `secrets`: never told. */
export type TrackerWay = {
  readonly system: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly policy: UrlPolicy;
  readonly bucket: TokenBucket;
  /** Default: 10 000. */
  readonly timeoutMs?: number;
  /** Default: the lookup of the system. */
  readonly lookup?: AddressLookup;
};

/** What a tracker answered. `json`: `undefined` where it is none. */
export type TrackerAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
  /** What it said of a failure, cut and without secrets. */
  readonly said: string;
};

/** One request; `path` begins with a slash. */
export type TrackerRequest = {
  readonly method: HttpQuestion['method'];
  readonly path: string;
  readonly body?: unknown;
};

/**
 * Sends requests to a tracker. Gives every answer below 500 that is no rejection of the credentials.
 * @throws TrackerFailure
 */
export type TrackerAsk = (request: TrackerRequest, signal: AbortSignal) => Promise<TrackerAnswer>;

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const SHOWN = 200;
/** Rest for everyone after a tracker asked for patience without saying how much, milliseconds. */
const UNSAID_PATIENCE_MS = 1_000;

/** @throws ConnectorError `URL_REFUSED` */
export function openTrackerWay(
  way: TrackerWay,
  /** Reads a failure that this tracker tells in a way of its own. */
  failureIn: (answer: TrackerAnswer) => TrackerFailure | undefined = () => undefined,
): TrackerAsk {
  const { system, policy, bucket, secrets } = way;
  const problem = urlProblem(way.url, policy);
  if (problem !== undefined)
    throw new ConnectorError('URL_REFUSED', `The URL of ${system} cannot be used: ${problem}.`);
  const redact = (text: string) => withoutSecrets(text, secrets);
  const access: HttpAccess = {
    url: way.url.replace(/\/+$/, ''),
    headers: way.headers,
    fetch: guardedFetch({ policy, maxBytes: MAX_ANSWER_BYTES, ...(way.lookup && { lookup: way.lookup }) }),
    timeoutMs: way.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    redact,
  };
  return async ({ method, path, body }, signal) => {
    if (signal.aborted) throw new TrackerFailure({ kind: 'retry', why: `the work on ${system} was stopped` });
    const turn = bucket.take();
    if (!turn.ok) {
      const why = `${system} is asked no faster than it allows`;
      throw new TrackerFailure({ kind: 'retry', why, afterMs: turn.waitMs, isPaced: true });
    }
    const question = {
      ...{ system, method, url: access.url + path },
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    };
    const answer = await askHttp(access, question, { signal }).catch((error: unknown) => {
      throw failureOf(error, bucket, redact);
    });
    const read = { status: answer.status, headers: answer.headers, ...jsonOf(answer.text, redact) };
    const failure = failureIn(read) ?? statusFailure(read, system);
    if (failure === undefined) return read;
    if (failure.result.kind === 'retry' && failure.result.afterMs !== undefined) bucket.pause(failure.result.afterMs);
    throw failure;
  };
}

function statusFailure({ status, said }: TrackerAnswer, system: string): TrackerFailure | undefined {
  if (status === 401 || status === 403)
    return refusedSetup(
      `${system} refused the credentials (status ${status}${said === '' ? '' : `: ${said}`}); check the key, and that its owner may write in the project`,
    );
  if (status >= 500 || status === 408)
    return new TrackerFailure(
      { kind: 'retry', why: `${system} answered ${status}${said === '' ? '' : `: ${said}`}` },
      status,
    );
  return undefined;
}

function failureOf(error: unknown, bucket: TokenBucket, redact: (text: string) => string): unknown {
  if (!(error instanceof SourceFailure)) return error;
  const { reason, retryAfterMs: afterMs } = error.more;
  const why = redact(error.message);
  if (reason === undefined) return refusedSetup(why);
  if (reason === 'throttled') bucket.pause(afterMs ?? UNSAID_PATIENCE_MS);
  return new TrackerFailure({ kind: 'retry', why, ...(afterMs !== undefined && { afterMs }) });
}

function jsonOf(text: string, redact: (text: string) => string): { readonly json: unknown; readonly said: string } {
  try {
    const json: unknown = JSON.parse(text);
    return { json, said: redact(wordsOf(json)).slice(0, SHOWN) };
  } catch {
    return { json: undefined, said: JSON.stringify(redact(text).slice(0, SHOWN)) };
  }
}

/** `{"error": …}`, `{"detail": …}`, `{"message": …}` or `{"field": ["…"]}`: one line. */
function wordsOf(json: unknown): string {
  if (typeof json !== 'object' || json === null) return String(json);
  const { error, detail, message, error_message: code } = json as Readonly<Record<string, unknown>>;
  const told = [error, detail, message, code].find((one) => typeof one === 'string');
  return told === undefined ? JSON.stringify(json) : String(told);
}

/** A property of a value that may be no object. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** A text in a property; empty where there is none. */
export function textField(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === 'string' ? found : '';
}

import { ANSWER_TOO_LARGE } from './guarded-fetch.ts';
import type { HttpAccess } from './http-access.ts';
import type { MetricQuery } from './ports.ts';
import { retryAfterMs } from './retry-after.ts';
import { SourceFailure } from './source-failure.ts';
import { ADDRESS_REFUSED } from './url-guard.ts';

/** One question over HTTP. `system`: who is asked, for messages. */
export type HttpQuestion = {
  readonly system: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Begins with the URL of the access. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** What a system answered, whatever its status. */
export type HttpReply = { readonly status: number; readonly headers: Headers; readonly text: string };

/** Most characters of an answer that are told to whoever follows the exchange. */
const MOST_EXCHANGED = 4_000;
const TOO_MANY_REQUESTS = 429;
const UNAVAILABLE = 503;

/**
 * Asks within the time of the access. Patience that the system asks for (429, or 503 with `Retry-After`), redirects, silence
 * and giant answers are failures; every other status is for the caller to read. @throws SourceFailure
 */
export async function askHttp(
  access: HttpAccess,
  question: HttpQuestion,
  { signal, onExchange }: Pick<MetricQuery, 'signal' | 'onExchange'>,
): Promise<HttpReply> {
  const deadline = AbortSignal.timeout(access.timeoutMs);
  const asked = `${question.method} ${access.redact(question.url)}\n${access.redact(question.body ?? '')}`;
  const place = `${question.system} at ${new URL(question.url).host}`;
  try {
    const response = await access.fetch(question.url, {
      method: question.method,
      redirect: 'manual',
      headers: { 'user-agent': 'Rampart', ...question.headers, ...access.headers },
      ...(question.body !== undefined && { body: question.body }),
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    const text = await response.text();
    onExchange?.({ asked, answered: `${response.status} ${access.redact(text).slice(0, MOST_EXCHANGED)}` });
    refuseStatus(response, place);
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    const failure = failureOf(error, place, deadline.aborted);
    onExchange?.({ asked, answered: failure.message });
    throw failure;
  }
}

function refuseStatus({ status, headers }: Response, place: string): void {
  if (status >= 300 && status < 400)
    throw new SourceFailure(`${place} answered ${status}: redirects are not followed, set the final address`);
  const afterMs = retryAfterMs(headers.get('retry-after') ?? undefined, Date.now());
  if (status !== TOO_MANY_REQUESTS && !(status === UNAVAILABLE && afterMs !== undefined)) return;
  const patience = afterMs === undefined ? '' : ` of ${Math.ceil(afterMs / 1000)} s`;
  throw new SourceFailure(`${place} asks for patience${patience} (status ${status})`, 'throttled', afterMs);
}

/** By the code of the network only: its message may hold the address. */
function failureOf(error: unknown, place: string, isLate: boolean): SourceFailure {
  if (error instanceof SourceFailure) return error;
  if (isLate) return new SourceFailure(`${place} did not answer in time`, 'unreachable');
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === ANSWER_TOO_LARGE)
    return new SourceFailure(`${place} gave an answer that is too large; ask for less`, 'too-large');
  if (code === ADDRESS_REFUSED)
    return new SourceFailure(
      `${place} is not on the public internet; list the host in allowedHosts if it may be called`,
    );
  return new SourceFailure(`${place} cannot be reached or broke off (${code})`, 'unreachable');
}

/** Refuses what is no success, with the first words of the answer. @throws SourceFailure */
export function refuseFailure({ status, text }: HttpReply, system: string, access: HttpAccess): void {
  if (status >= 200 && status < 300) return;
  if (status === 401 || status === 403)
    throw new SourceFailure(`${system} refused the credentials (status ${status}); check those of the source`);
  const reason = status >= 500 ? 'unreachable' : undefined;
  throw new SourceFailure(`${system} answered ${status}: ${shownText(text, access)}`, reason);
}

const SHOWN = 200;

/** The first words of an answer, without secrets. */
export function shownText(text: string, { redact }: HttpAccess): string {
  return JSON.stringify(redact(text).slice(0, SHOWN));
}

import { guardedFetch, MAX_ANSWER_BYTES } from './guarded-fetch.ts';
import { ADDRESS_REFUSED, type UrlPolicy, urlProblem } from './url-guard.ts';

/** What asking an address found: its status, or why it is not what was expected, in words without credentials. */
export type UrlProbe = { readonly ok: true; readonly status: number } | { readonly ok: false; readonly why: string };

/** What is asked of an address. */
export type UrlProbing = {
  readonly policy: UrlPolicy;
  /** Status it must answer with. Default: any from 200 to 299. */
  readonly expect?: number;
  /** Fires when the answer is no longer wanted. */
  readonly signal?: AbortSignal;
};

const TIMEOUT_MS = 10_000;

function failureWords(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === ADDRESS_REFUSED) return 'its address is private, and the settings do not allow it (allowedHosts)';
  return code === undefined ? 'the request failed' : `the request failed (${code})`;
}

/** Asks an address once with GET, as the policy allows; no redirect is followed. Never rejects. */
export async function probeUrl(url: string, { policy, expect, signal }: UrlProbing): Promise<UrlProbe> {
  const problem = urlProblem(url, policy);
  if (problem !== undefined) return { ok: false, why: problem };
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const { status } = await guardedFetch({ policy, maxBytes: MAX_ANSWER_BYTES })(url, {
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    const isExpected = expect === undefined ? status >= 200 && status < 300 : status === expect;
    if (isExpected) return { ok: true, status };
    const hint = status >= 300 && status < 400 ? '; redirects are not followed' : '';
    return { ok: false, why: `it answered ${status}, not ${expect ?? 'a status from 200 to 299'}${hint}` };
  } catch (error) {
    return { ok: false, why: failureWords(error) };
  }
}

import type { PostAnswer } from './guarded-post.ts';
import type { DeliveryResult } from './ports.ts';
import { retryAfterMs } from './retry-after.ts';
import { ADDRESS_REFUSED } from './url-guard.ts';

/** Statuses below 500 after which another try may go through. */
const PASSING = [408, 425, 429];

/**
 * What an answer over HTTP means where its vendor says nothing else: 2xx is delivered; 408, 425, 429 and 5xx are worth
 * another try, not before `Retry-After`; 410 wants no more messages; all else, redirects too, is refused. `now`: epoch ms.
 */
export function deliveryOf({ status, headers }: Pick<PostAnswer, 'status' | 'headers'>, now: number): DeliveryResult {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'refused', disable: true, why: 'it answered 410: it wants no more messages' };
  if (status >= 300 && status < 400) {
    return { kind: 'refused', why: `it answered ${status}: redirects are not followed, set the final address` };
  }
  if (status < 500 && !PASSING.includes(status)) return { kind: 'refused', why: `it answered ${status}` };
  const afterMs = retryAfterMs(headers['retry-after'], now);
  return { kind: 'retry', why: `it answered ${status}`, ...(afterMs === undefined ? {} : { afterMs }) };
}

/**
 * What became of a delivery that ended without an answer; `signal` stops it, `deadline` ends it. Only the code of the error is
 * told: its message may hold the address.
 */
export function deliveryFailureOf(error: unknown, signal: AbortSignal, deadline: AbortSignal): DeliveryResult {
  if (signal.aborted) return { kind: 'retry', why: 'the delivery was stopped' };
  if (deadline.aborted) return { kind: 'retry', why: 'it did not answer in time' };
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === ADDRESS_REFUSED) {
    return {
      kind: 'refused',
      why: 'its host is not on the public internet; list it in allowedHosts if it may be called',
    };
  }
  return { kind: 'retry', why: `it could not be reached (${code})` };
}

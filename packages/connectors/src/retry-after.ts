/** Longest wait a receiver can ask for: a day, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 86_400_000;

/**
 * How long a `Retry-After` header asks to wait, milliseconds in [0, a day]; `now` is epoch milliseconds.
 * Reads both forms of RFC 9110 §10.2.3, seconds and an HTTP date; `undefined` for anything else.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return bounded(Number(text) * 1000);
  if (!/^[A-Z][a-z]+,? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : bounded(at - now);
}

function bounded(waitMs: number): number {
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, waitMs));
}

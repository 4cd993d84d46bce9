import { ConnectorError } from './connector-error.ts';
import type { SourceAnswer, SourceErrorReason } from './ports.ts';

type Failed = Extract<SourceAnswer, { readonly kind: 'error' }>;

/** What a source could not do, in words for people: it becomes an answer of kind `error`. The message carries no secret. */
export class SourceFailure extends Error {
  override readonly name = 'SourceFailure';
  readonly more: Pick<Failed, 'reason' | 'retryAfterMs'>;

  constructor(message: string, reason?: SourceErrorReason, retryAfterMs?: number) {
    super(message);
    this.more = { ...(reason && { reason }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
}

/**
 * An answer that never rejects: what a `SourceFailure` or `ConnectorError` says is told, of any other error only its name,
 * for its message may hold anything.
 */
export async function answering(metric: string, read: () => Promise<SourceAnswer>): Promise<SourceAnswer> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SourceFailure)
      return { kind: 'error', message: `metrics.${metric}: ${error.message}`, ...error.more };
    if (error instanceof ConnectorError) return { kind: 'error', message: error.message };
    const name = error instanceof Error ? error.name : typeof error;
    return { kind: 'error', message: `metrics.${metric}: reading it failed unexpectedly (${name})` };
  }
}

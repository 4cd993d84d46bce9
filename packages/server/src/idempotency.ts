import { hash } from 'node:crypto';
import { ProblemError } from '@rampart/api';
import type { ReplyWrite, Store } from './store/store.ts';

/** How long an answer is kept under its idempotency key, milliseconds. */
const REPLY_KEEP_MS = 24 * 3_600_000;

type Kept = { readonly fingerprint: string; readonly answer: unknown };

/** A request that names an idempotency key; keys of different callers and routes never meet. */
export type KeyedRequest = { readonly key: string; readonly fingerprint: string };

/** The key of a request, under its caller and route, with a fingerprint of what it asks. */
export function keyedRequest(key: string, scope: readonly string[], request: unknown): KeyedRequest {
  return {
    key: hash('sha256', JSON.stringify([...scope, key]), 'hex'),
    fingerprint: hash('sha256', JSON.stringify(request), 'hex'),
  };
}

/**
 * The answer given before to the same request; `undefined` for a new one.
 * @throws ProblemError `BODY_INVALID` when the key was used for another request
 */
export async function keptAnswer(store: Store, { key, fingerprint }: KeyedRequest, now: number): Promise<unknown> {
  // JSON edge: written by `replyWrite` only.
  const kept = (await store.getReply(key, now)) as Kept | undefined;
  if (kept === undefined) return undefined;
  if (kept.fingerprint === fingerprint) return kept.answer;
  throw new ProblemError(
    'BODY_INVALID',
    'This Idempotency-Key was used for another request; use a new one for each request.',
  );
}

/** Keeps an answer in the transaction of what it tells. */
export function replyWrite({ key, fingerprint }: KeyedRequest, answer: unknown, now: number): ReplyWrite {
  return { key, value: { fingerprint, answer } satisfies Kept, at: now, expiresAt: now + REPLY_KEEP_MS };
}

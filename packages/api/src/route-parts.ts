import type { z } from 'zod';
import { ACTORS, type RouteAnswer } from './route.ts';
import type { TokenKind } from './token-format.ts';

/** Kinds of tokens that may read. */
export const READERS: readonly TokenKind[] = [...ACTORS, 'viewer'];
/** Kinds of tokens that may set up what a rollout runs on. */
export const OPERATORS: readonly TokenKind[] = ['admin', 'operator'];

/** Header of writes that may be repeated. */
export const IDEMPOTENCY = { 'Idempotency-Key': 'The same key gives the same answer again, without doing it twice.' };

/** An answer with a body in JSON. */
export const json = (schema: z.ZodType, description: string, more: Partial<RouteAnswer> = {}): RouteAnswer => ({
  status: 200,
  description,
  schema,
  ...more,
});
/** An answer without a body. */
export const empty = (description: string, status = 204): RouteAnswer => ({ status, description });

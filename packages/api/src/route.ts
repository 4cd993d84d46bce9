import type { z } from 'zod';
import type { ProblemCode } from './problem-table.ts';
import type { TokenKind } from './token-format.ts';

/** What a successful answer carries. */
export type RouteAnswer = {
  readonly status: number;
  readonly description: string;
  /** Default: `application/json`. */
  readonly mediaType?: string;
  /** Schema of a JSON answer; absent: no body, or one that is not JSON. */
  readonly schema?: z.ZodType;
  /** Headers the answer carries, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** One route of the API: enough to serve it, to call it and to document it. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with `:name` parameters. */
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  /** Kinds of tokens that may call it; empty: open to everyone. */
  readonly auth: readonly TokenKind[];
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Request headers it understands, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly answers: readonly RouteAnswer[];
  /** Problems of its own; those every route of its sort has are added by `problemsOf`. */
  readonly problems: readonly ProblemCode[];
};

/** Kinds of tokens that may act, within what their role may do. */
export const ACTORS: readonly TokenKind[] = ['admin', 'operator', 'observer', 'analyst', 'approver'];

const OF_TOKENS: readonly ProblemCode[] = [
  'TOKEN_MISSING',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',

  'TOKEN_REVOKED',
  'FORBIDDEN',
];
const OF_BODIES: readonly ProblemCode[] = ['BODY_INVALID', 'BODY_TOO_LARGE'];
const OF_WRITES: readonly ProblemCode[] = ['STORAGE_FULL'];
const OF_ALL: readonly ProblemCode[] = ['METHOD_NOT_ALLOWED', 'RATE_LIMITED', 'STORE_UNAVAILABLE', 'INTERNAL'];

/** Every problem a route can answer with, each once. */
export function problemsOf(route: Route): readonly ProblemCode[] {
  return [
    ...new Set([
      ...(route.auth.length > 0 ? OF_TOKENS : []),
      ...(route.body === undefined && route.query === undefined
        ? []
        : OF_BODIES.slice(0, route.body === undefined ? 1 : 2)),
      ...(route.method === 'GET' ? [] : OF_WRITES),
      ...(route.path.includes(':') ? (['NOT_FOUND'] as const) : []),
      ...route.problems,
      ...OF_ALL,
    ]),
  ];
}

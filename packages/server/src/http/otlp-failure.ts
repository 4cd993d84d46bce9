import { type Problem, problem } from '@rampart/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../log.ts';
import { MediaError } from '../otlp/media-error.ts';
import { encodingOf, failureBody, MEDIA_TYPES } from '../otlp/otlp-answer.ts';
import { problemOf } from './problem-of.ts';

/** How long an exporter should wait by the status of a failure that may pass, seconds. It repeats these and no others. */
const RETRY_AFTER_S: Readonly<Record<number, number>> = { 429: 1, 503: 5 };

/** Answers failures of OTLP routes as OTLP/HTTP has it: a `google.rpc.Status` in the encoding of the request. */
export function otlpErrorHandler(log: Log): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    const { failure, isDefect } = failureOf(error, request.id);
    if (isDefect) log.error({ err: error, request: request.id, url: request.url }, 'an export failed');
    const encoding = encodingOf(request.headers['content-type']) ?? 'json';
    const retryAfter = RETRY_AFTER_S[failure.status];
    if (failure.status === 401) reply.header('www-authenticate', 'Bearer realm="rampart"');
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    // The rest of a body that is too large is not waited for.
    if (failure.status === 413) reply.header('connection', 'close');
    reply
      .code(failure.status)
      .header('cache-control', 'no-store')
      .type(MEDIA_TYPES[encoding])
      .send(failureBody(encoding, failure));
  };
}

function failureOf(error: unknown, id: string): { readonly failure: Problem; readonly isDefect: boolean } {
  if (error instanceof MediaError) {
    return { failure: { ...problem('BODY_INVALID', error.message), status: 415 }, isDefect: false };
  }
  const { problem: known, isDefect } = problemOf(error, id);
  // 507 is not among the statuses that exporters repeat, and space comes back.
  return { failure: known.status === 507 ? { ...known, status: 503 } : known, isDefect };
}

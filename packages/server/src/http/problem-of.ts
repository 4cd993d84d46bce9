import { type Problem, ProblemError, problem } from '@rampart/api';
import { StoreError } from '../store/store-error.ts';

/** The problem that anything thrown amounts to, and whether it is a defect to be logged. */
export function problemOf(error: unknown, instance: string): { readonly problem: Problem; readonly isDefect: boolean } {
  const known = knownProblem(error);
  if (known !== undefined) return { problem: { ...known, instance }, isDefect: false };
  return {
    problem: problem('INTERNAL', 'The request failed in a way that was not foreseen.', { instance }),
    isDefect: true,
  };
}

function knownProblem(error: unknown): Problem | undefined {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof StoreError) return storeProblem(error);
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return fastifyProblem(String(error.code), error.message);
}

function storeProblem(error: StoreError): Problem | undefined {
  if (error.code === 'STORAGE_FULL') return problem('STORAGE_FULL', error.message);
  if (error.code === 'NOT_STORABLE') return problem('BODY_INVALID', error.message);
  return problem('STORE_UNAVAILABLE', error.message);
}

/** What Fastify refuses before a handler runs (https://fastify.dev/docs/latest/Reference/Errors). */
function fastifyProblem(code: string, message: string): Problem | undefined {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem('BODY_TOO_LARGE', message);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { ...problem('BODY_INVALID', `${message}; send application/json`), status: 415 };
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_BAD_URL':
      return problem('BODY_INVALID', message);
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return problem('NOT_FOUND', message);
    default:
      return undefined;
  }
}

import type { PlanIssue } from '@rampart/rollout';
import { PROBLEMS, type ProblemCode } from './problem-table.ts';

/** One field that is not what a route takes. */
export type FieldError = {
  /** Path of the field, for example `series[3].count`; empty for the body as a whole. */
  readonly path: string;
  /** What was expected and what was received. */
  readonly message: string;
};

/** What an occurrence of a problem may say beyond its code. */
export type ProblemExtra = {
  /** Id of the request, to find it in the log. */
  readonly instance?: string;
  /** Of `PLAN_INVALID`. */
  readonly issues?: readonly PlanIssue[];
  /** Of `BODY_INVALID` and `TELEMETRY_INVALID`. */
  readonly errors?: readonly FieldError[];
  /** Of `VERSION_CONFLICT`: the version now. */
  readonly version?: number;
};

/** Body of an answer that failed, as `application/problem+json` (RFC 9457). */
export type Problem = ProblemExtra & {
  readonly type: string;
  readonly title: string;
  /** HTTP status; 0 for problems that are never sent. */
  readonly status: number;
  readonly code: ProblemCode;
  /** What happened this time: what was received. */
  readonly detail: string;
  readonly remedy: string;
};

/** Media type of every answer that failed. */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** Body of one occurrence of a problem; `detail` says what was received, the table says the rest. */
export function problem(code: ProblemCode, detail: string, extra: ProblemExtra = {}): Problem {
  const { status, title, remedy } = PROBLEMS[code];
  const type = `urn:rampart:problem:${code.toLowerCase().replaceAll('_', '-')}`;
  return { type, title, status, code, detail, remedy, ...extra };
}

/** The one Error of this package: a problem on its way to an answer, or out of one. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(code: ProblemCode, detail: string, extra: ProblemExtra = {}, options: ErrorOptions = {}) {
    super(`${code}: ${detail}`, options);
    this.problem = problem(code, detail, extra);
  }

  get code(): ProblemCode {
    return this.problem.code;
  }
}

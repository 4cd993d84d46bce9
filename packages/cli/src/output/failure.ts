import { ProblemError } from '@rampart/api';
import type { PlanIssue } from '@rampart/rollout';
import { CLI_ERRORS, CliError, type ExitCode } from '../cli-error.ts';

/** A failure as `--json` prints it: `{ "error": … }`. */
export type Failure = {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly exitCode: ExitCode;
  readonly issues?: readonly PlanIssue[];
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  /** Id of the request in the log of the server. */
  readonly instance?: string;
};

/** Any error as a failure of a command; `undefined` for one that is a bug of ours and should show its stack. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof CliError) {
    const { exitCode, remedy } = CLI_ERRORS[error.code];
    return { code: error.shownCode, message: error.message, remedy, exitCode };
  }
  if (!(error instanceof ProblemError)) return undefined;
  if (error.code === 'TOKEN_MISSING')
    return failureOf(new CliError('NO_TOKEN', 'The server asks for a token, and none is known for it.'));
  const { code, detail, remedy, issues, errors, instance } = error.problem;
  return {
    code,
    message: detail,
    remedy,
    exitCode: exitCodeOf(code),
    ...(issues === undefined ? {} : { issues }),
    ...(errors === undefined ? {} : { errors }),
    ...(instance === undefined ? {} : { instance }),
  };
}

function exitCodeOf(code: ProblemError['code']): ExitCode {
  return code === 'UNREACHABLE' || code === 'ANSWER_INVALID' ? 3 : 1;
}

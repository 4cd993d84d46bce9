import { CommanderError } from 'commander';
import picocolors from 'picocolors';
import { CLI_ERRORS, type ExitCode } from './cli-error.ts';
import type { Io } from './io.ts';
import { type Failure, failureOf } from './output/failure.ts';
import { renderIssues } from './output/plan-issues.ts';
import { oneLine } from './output/text.ts';
import { createProgram } from './program.ts';
import { hasColours, openSession, printOutcome, type Shell } from './session.ts';

/**
 * Runs one command. `argv` is what follows `rampart`. Gives the exit code: 0 done, 1 refused, 2 wrong usage, 3 no server
 * answers. Throws only for bugs.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitCode> {
  const isJson = argv.includes('--json');
  let exitCode: ExitCode = 0;
  const shell: Shell = {
    io,
    perform: async (command, work) => {
      const session = openSession(command, io);
      const outcome = await work(session);
      printOutcome(session, outcome);
      exitCode = outcome.exitCode ?? 0;
    },
  };
  try {
    const words = argv.length === 0 ? ['--help'] : argv;
    await createProgram(shell, words, isJson).parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, isJson, io);
  }
}

/** Tells what went wrong: as JSON on standard output, or for people on standard error. */
function report(error: unknown, isJson: boolean, io: Io): ExitCode {
  const failure = error instanceof CommanderError ? usageFailure(error) : failureOf(error);
  if (failure === undefined) throw error;
  if (failure.exitCode === 0) return 0;
  if (isJson) io.stdout(`${JSON.stringify({ error: failure }, null, 2)}\n`);
  // Commander has shown the help of a bare group already.
  else if (!(error instanceof CommanderError && error.code === 'commander.help')) io.stderr(tell(failure, io));
  return failure.exitCode;
}

/** Help and version end by an "error" of exit code 0; help shown for lack of a subcommand is wrong usage. */
function usageFailure({ code, exitCode, message }: CommanderError): Failure {
  const { remedy } = CLI_ERRORS.USAGE;
  const what = code === 'commander.help' ? 'a subcommand is missing' : message.replace(/^error: /, '');
  return { code: 'USAGE', message: what, remedy, exitCode: exitCode === 0 ? 0 : 2 };
}

/** Text with every command to type (in backquotes) as this command line is called. */
function spelled(text: string, { call }: Io): string {
  return text.replace(/`(?:npx )?rampart /g, `\`${call} `);
}

function tell({ code, message, remedy, issues = [], instance }: Failure, io: Io): string {
  const paint = picocolors.createColors(hasColours(io));
  return [
    ...(issues.length === 0 ? [] : [renderIssues(issues, undefined, io.columns(), paint)]),
    `${paint.red('error')} ${paint.bold(code)}: ${spelled(oneLine(message), io)}`,
    // The client says it in its message already, with the address it tried.
    ...(code === 'UNREACHABLE' ? [] : [`  ${spelled(oneLine(remedy), io)}`]),
    ...(instance === undefined ? [] : [`  request ${oneLine(instance)}`]),
    '',
  ].join('\n');
}

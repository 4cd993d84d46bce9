import { type ApiClient, createApiClient } from '@rampart/api';
import type { Command } from 'commander';
import picocolors from 'picocolors';
import { CliError, type ExitCode } from './cli-error.ts';
import { type Target, targetOf } from './config.ts';
import type { Io } from './io.ts';

/** Colours, or functions that leave text as it is. */
export type Paint = ReturnType<typeof picocolors.createColors>;

/** What a command found or did: `data` for `--json`, `text` for people; absent: it printed by itself. Default exit code: 0. */
export type Outcome = { readonly data?: unknown; readonly text?: string; readonly exitCode?: ExitCode };

/** One run of one command, with the options that every command takes. */
export type Session = {
  readonly io: Io;
  readonly isJson: boolean;
  readonly paint: Paint;
  /** Width to lay pages out for, in characters. */
  readonly width: () => number;
  readonly target: () => Target;
  /** Throws `NO_TOKEN` when none is known, for a server that was named only once it answers. */
  readonly client: () => ApiClient;
};

/** What the commands are registered with. */
export type Shell = {
  readonly io: Io;
  /** Runs the work of a command and prints its outcome. */
  readonly perform: (command: Command, work: (session: Session) => Promise<Outcome>) => Promise<void>;
};

type Globals = { readonly url?: string; readonly token?: string; readonly json?: boolean; readonly color?: boolean };

const WIDEST = 140;
const NARROWEST = 60;

/** Reads the options that every command takes. */
export function openSession(command: Command, io: Io): Session {
  const globals = command.optsWithGlobals<Globals>();
  const isJson = globals.json === true;
  const target = () => targetOf(globals, io.env);
  return {
    io,
    isJson,
    paint: picocolors.createColors(!isJson && globals.color !== false && hasColours(io)),
    width: () => Math.max(NARROWEST, Math.min(WIDEST, io.columns())),
    target,
    client: () => connect(target(), io),
  };
}

/** Prints an outcome: one JSON document, or the text for people. */
export function printOutcome({ io, isJson }: Session, { data, text = '' }: Outcome): void {
  if (isJson && data !== undefined) io.stdout(`${JSON.stringify(data, null, 2)}\n`);
  else if (!isJson && text !== '') io.stdout(text.endsWith('\n') ? text : `${text}\n`);
}

/** Whether a terminal shows colours: not in a pipe, not with NO_COLOR, not on a dumb one. */
export function hasColours(io: Io): boolean {
  return io.isTty && !io.env.NO_COLOR && io.env.TERM !== 'dumb';
}

function connect({ url, token, isNamed = false }: Target, io: Io): ApiClient {
  // A server that was named is asked all the same: that it is not there matters more than the token.
  if (token === undefined && isNamed) return createApiClient({ url, fetch: io.fetch });
  if (token === undefined) throw new CliError('NO_TOKEN', `No token is known for ${url}.`);
  return createApiClient({ url, token, fetch: io.fetch });
}

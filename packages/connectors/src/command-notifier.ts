import { type ChildProcess, spawn } from 'node:child_process';
import { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import { durationSchema, secretRefSchema, withoutSecrets } from './http-access.ts';
import type { Notification } from './notification.ts';
import type { DeliveryResult, Notifier } from './ports.ts';
import { schemaProblem } from './schema-problem.ts';

/** Longest time a command may take: the lease on its message must outlast it, or another replica would run it as well. */
const LONGEST_MS = 45_000;
const DEFAULT_TIMEOUT_MS = 30_000;
/** Most bytes of output that are kept, of either stream. */
const MOST_OUTPUT_BYTES = 16 * 1024;
/** How long output is waited for once a command has ended: something it left behind may hold it open for ever. */
const LINGER_MS = 500;
/** How much of what a command that failed wrote is told. */
const TOLD_CHARACTERS = 500;
/** Variables of the server that a command sees; everything else may be a secret. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SystemRoot'];

const argv = z
  .array(z.string())
  .min(1)
  .refine(([file]) => file !== '', { message: 'the first is the program, and is empty' });
const longForm = z.strictObject({
  run: argv,
  timeout: durationSchema.optional(),
  env: z.record(z.string(), z.union([z.string(), secretRefSchema])).optional(),
  dir: z.string().min(1).optional(),
});
/** A list is the short form; told apart before it is read, so that a problem names its key. */
const commandSettings = z.preprocess((given) => (Array.isArray(given) ? { run: given } : given), longForm);

/** A command as the settings of a server name it. */
type CommandSettings = {
  readonly run: readonly string[];
  readonly timeout?: number;
  readonly env?: Readonly<Record<string, string | { readonly secretRef: string }>>;
  readonly dir?: string;
};

/** What a notifier that runs a command is opened with. */
export type CommandDeps = {
  readonly name: string;
  /** Reads the secret that a `secretRef` names. */
  readonly secretOf: (ref: string) => string | undefined;
  /** Told what each run wrote, without secrets. Default: nobody is. */
  readonly onOutput?: (output: {
    readonly stdout: string;
    readonly stderr: string;
    readonly exitCode: number | null;
  }) => void;
  /** Variables of the server. Default: those of the process. */
  readonly env?: NodeJS.ProcessEnv;
};

type Ready = Omit<CommandSettings, 'env'> & {
  readonly given: NodeJS.ProcessEnv;
  readonly secrets: readonly string[];
  readonly onOutput?: CommandDeps['onOutput'];
};

/**
 * A notifier that runs a command, without a shell, with the message as one JSON document on its standard input. Exit code 0
 * is delivered, any other is tried again; the command tells repetitions by `id`. Only variables that its settings name and a few
 * harmless ones are passed on. Its whole process group is killed after `timeout` (30 s, at most 45 s).
 * @throws ConnectorError `CHANNEL_INVALID` for settings that can never work
 */
export function commandNotifier(settings: unknown, deps: CommandDeps): Notifier {
  const place = `next.commands.${deps.name}`;
  if (typeof settings === 'string') {
    const what = `received the text ${JSON.stringify(settings)}; write a list of the program and its arguments, as no shell is involved`;
    throw new ConnectorError('CHANNEL_INVALID', `${place}: ${what}`);
  }
  const read = commandSettings.safeParse(settings);
  if (!read.success) throw new ConnectorError('CHANNEL_INVALID', `${place}: ${schemaProblem(read.error)}`);
  const command: CommandSettings = read.data;
  if ((command.timeout ?? 0) > LONGEST_MS)
    throw new ConnectorError(
      'CHANNEL_INVALID',
      `${place}.timeout: at most ${LONGEST_MS / 1000}s; hand long work to a queue`,
    );
  return {
    name: deps.name,
    deliver: async (message, signal) => {
      const ready = readyOf(command, deps);
      if (typeof ready === 'string') return { kind: 'retry', why: ready };
      return run(message, ready, signal);
    },
  };
}

/** The environment of a run, or why there is none: a secret that is not set today may be tomorrow. */
function readyOf(command: CommandSettings, deps: CommandDeps): Ready | string {
  const server = deps.env ?? process.env;
  const given: NodeJS.ProcessEnv = Object.fromEntries(
    PASSED_ON.flatMap((key) => (server[key] === undefined ? [] : [[key, server[key]]])),
  );
  const secrets: string[] = [];
  for (const [key, value] of Object.entries(command.env ?? {})) {
    const text = typeof value === 'string' ? value : deps.secretOf(value.secretRef);
    if (text === undefined) return `the secret of its variable ${key} is not set in the environment of the server`;
    given[key] = text;
    if (typeof value !== 'string') secrets.push(text);
  }
  const { env: _env, ...rest } = command;
  return { ...rest, given, secrets, ...(deps.onOutput && { onOutput: deps.onOutput }) };
}

function run(message: Notification, ready: Ready, signal: AbortSignal): Promise<DeliveryResult> {
  if (signal.aborted) return Promise.resolve({ kind: 'retry', why: 'the delivery was stopped' });
  const [file = '', ...args] = ready.run;
  const child = spawn(file, args, {
    shell: false,
    // A group of its own, so that what the command started ends with it.
    detached: true,
    env: ready.given,
    stdio: 'pipe',
    ...(ready.dir !== undefined && { cwd: ready.dir }),
  });
  const [stdout, stderr] = [keep(child.stdout), keep(child.stderr)];
  const timeoutMs = ready.timeout ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve) => {
    let stopped: string | undefined;
    const stop = (why: string) => {
      stopped ??= why;
      killGroup(child);
    };
    const onAbort = () => stop('the delivery was stopped');
    const timer = setTimeout(() => stop(`it did not end within ${timeoutMs / 1000} s`), timeoutMs);
    let lingering: NodeJS.Timeout | undefined;
    const done = (result: DeliveryResult) => {
      clearTimeout(timer);
      clearTimeout(lingering);
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    };
    signal.addEventListener('abort', onAbort);
    child.on('error', (error) => done({ kind: 'retry', why: startFailure(error, file) }));
    child.on('exit', () => {
      clearTimeout(timer);
      lingering = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, LINGER_MS);
    });
    child.on('close', (exitCode) => {
      const [out, err] = [stdout(), stderr()].map((text) => withoutCutSecret(text, ready.secrets));
      ready.onOutput?.({ stdout: out ?? '', stderr: err ?? '', exitCode });
      done(stopped === undefined ? resultOf(exitCode, err || out || '') : { kind: 'retry', why: stopped });
    });
    // A command that does not read its input is not at fault for that.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify(message)}\n`);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/** Keeps the beginning of a stream and reads on, so that the writer is not held up. */
function keep(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = [];
  let kept = 0;
  stream.on('data', (part: Buffer) => {
    if (kept < MOST_OUTPUT_BYTES) parts.push(part.subarray(0, MOST_OUTPUT_BYTES - kept));
    kept = Math.min(MOST_OUTPUT_BYTES, kept + part.length);
  });
  stream.on('error', () => undefined);
  return () => Buffer.concat(parts).toString('utf8');
}

/** Without secrets, nor the beginning of one at the end, where the output may have been cut. */
function withoutCutSecret(text: string, secrets: readonly string[]): string {
  const left = withoutSecrets(text, secrets);
  if (Buffer.byteLength(text) < MOST_OUTPUT_BYTES) return left;
  const cuts = secrets.flatMap((secret) => {
    const lengths = Array.from({ length: secret.length - 1 }, (_, i) => secret.length - 1 - i);
    return lengths.find((length) => left.endsWith(secret.slice(0, length))) ?? 0;
  });
  return left.slice(0, left.length - Math.max(0, ...cuts));
}

function startFailure(error: Error, file: string): string {
  const code = 'code' in error ? String(error.code) : 'unknown';
  return `its command ${file} could not be started (${code}); correct it in the settings of the server`;
}

function resultOf(exitCode: number | null, wrote: string): DeliveryResult {
  if (exitCode === 0) return { kind: 'delivered' };
  const told = wrote.trim().slice(0, TOLD_CHARACTERS);
  return { kind: 'retry', why: `it ended with exit code ${exitCode ?? 'none'}${told === '' ? '' : `: ${told}`}` };
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { CliError } from '../cli-error.ts';

/** A process of the demo. It ends when asked, or by itself when its parent is gone. */
export type DemoChild = {
  readonly name: string;
  /** The next message it sends. Throws `START_FAILED` when it ends before. */
  readonly message: () => Promise<unknown>;
  readonly onMessage: (listener: (message: unknown) => void) => void;
  /** How it ended, if it did. */
  readonly ended: () => string | undefined;
  /** Resolves once it is gone; it is forced to after 3 s. */
  readonly stop: () => Promise<void>;
};

const PATIENCE_MS = 3000;
const KEPT_CHARACTERS = 2000;

/**
 * Starts an entry of the example app (`main` or `load`) on this Node.js with the same conditions. What it writes to
 * standard error is told when it fails.
 */
export function startChild(
  entry: 'main' | 'load',
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DemoChild {
  const name = entry === 'main' ? 'the example app' : 'the load generator';
  const child = fork(pathOf(entry), [...args], {
    env,
    execArgv: process.execArgv,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  let end: string | undefined;
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-KEPT_CHARACTERS);
  });
  child.once('error', (error) => {
    end ??= error.message;
  });
  child.once('exit', (code, signal) => {
    end ??= `ended with ${signal ?? `code ${code}`}`;
  });
  const failure = (): CliError => new CliError('START_FAILED', `${name} ${end ?? 'ended'}. ${errors.trim()}`.trim());
  return {
    name,
    async message() {
      const [first] = await Promise.race([
        once(child, 'message'),
        once(child, 'exit').then(() => Promise.reject(failure())),
      ]);
      return first;
    },
    onMessage: (listener) => void child.on('message', listener),
    ended: () => (end === undefined ? undefined : failure().message),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      await gone;
      clearTimeout(force);
    },
  };
}

function pathOf(entry: 'main' | 'load'): URL {
  try {
    return new URL(import.meta.resolve(`@rampart/example-summarizer/${entry}`));
  } catch (cause) {
    const message = 'The example app is not installed: run the demo inside a clone of the repository, after npm ci.';
    throw new CliError('START_FAILED', message, { cause });
  }
}

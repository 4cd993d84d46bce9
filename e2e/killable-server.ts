import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

type Started = { readonly url: string; readonly firstToken?: { readonly admin: string; readonly sdk: string } };

/** A control plane in a process that can be killed without warning and started again on the same data and port. */
export class KillableServer {
  readonly #dataDir: string;
  readonly #settings: string;
  #child: ChildProcess | undefined;
  #port = '0';
  tokens: { readonly admin: string; readonly sdk: string } | undefined;
  url = '';

  /** `settings`: as in the file of settings; secrets are read from the environment of this process. */
  constructor(dataDir: string, settings: unknown = {}) {
    this.#dataDir = dataDir;
    this.#settings = JSON.stringify(settings);
  }

  /** Starts the process and waits until it answers. */
  async start(): Promise<void> {
    const script = fileURLToPath(new URL('./server-process.ts', import.meta.url));
    const args = ['--conditions=@rampart/source', script, this.#dataDir, this.#port, this.#settings];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const lines = createInterface({ input: child.stdout });
    const [first] = (await Promise.race([once(lines, 'line'), once(child, 'exit')])) as [string | number | null];
    if (typeof first !== 'string') throw new Error(`the server ended with ${first} before it answered`);
    const started = JSON.parse(first) as Started;
    this.url = started.url;
    this.#port = new URL(started.url).port;
    this.tokens ??= started.firstToken;
  }

  /** Ends the process: at once with SIGKILL, in order with SIGTERM. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

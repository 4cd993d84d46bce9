import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

type Tokens = { readonly admin: string; readonly sdk: string };
type Started = { readonly url: string; readonly firstToken?: Tokens };

/** A control plane on a virtual clock, in a process that can be killed at any moment and started again on its data. */
export class WorkflowServer {
  readonly dataDir: string;
  readonly #settings: object;
  #child: ChildProcess | undefined;
  #port = '0';
  readonly #env: Readonly<Record<string, string>>;
  now: number;
  url = '';
  tokens: Tokens = { admin: '', sdk: '' };

  constructor(dataDir: string, settings: object, env: Readonly<Record<string, string>>, startAt: number) {
    this.#env = env;
    this.dataDir = dataDir;
    this.#settings = settings;
    this.now = startAt;
  }

  async start(): Promise<void> {
    const script = fileURLToPath(new URL('./workflow-process.ts', import.meta.url));
    const args = [this.dataDir, this.#port, String(this.now), JSON.stringify(this.#settings)];
    this.#child = fork(script, args, {
      execArgv: ['--conditions=@rampart/source'],
      env: { ...process.env, ...this.#env },
    });
    const { url, firstToken } = (await this.#told()) as Started;
    this.url = url;
    this.#port = new URL(url).port;
    if (firstToken !== undefined) this.tokens = firstToken;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Moves the clock, and has all that goes on by itself look. Gives how many messages wait for their delivery. */
  async pass(ms: number): Promise<number> {
    this.now += ms;
    const answer = this.#told();
    this.#child?.send(this.now);
    return ((await answer) as { readonly pending: number }).pending;
  }

  /** Lets time go by until every message is delivered: what a killed process had taken in hand is free after a minute. */
  async settle(): Promise<void> {
    for (let look = 0; look < 60; look += 1) if ((await this.pass(2_000)) === 0) return;
    throw new Error('messages are not delivered');
  }

  /** The next message of the process; fails when it ends instead. */
  async #told(): Promise<unknown> {
    const child = this.#child;
    if (child === undefined) throw new Error('the server is not running');
    const stop = new AbortController();
    try {
      return await Promise.race([
        once(child, 'message', { signal: stop.signal }).then(([message]) => message),
        once(child, 'exit', { signal: stop.signal }).then(([code]) => {
          throw new Error(`the server ended with ${code}`);
        }),
      ]);
    } finally {
      stop.abort();
    }
  }
}

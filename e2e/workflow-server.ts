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
  now: number;
  url = '';
  tokens: Tokens = { admin: '', sdk: '' };

  constructor(dataDir: string, settings: object, startAt: number) {
    this.dataDir = dataDir;
    this.#settings = settings;
    this.now = startAt;
  }

  async start(): Promise<void> {
    const script = fileURLToPath(new URL('./workflow-process.ts', import.meta.url));
    const args = [this.dataDir, this.#port, String(this.now), JSON.stringify(this.#settings)];
    this.#child = fork(script, args, { execArgv: ['--conditions=@rampart/source'] });
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

  /** Moves the clock, and has every rollout looked at. */
  async pass(ms: number): Promise<void> {
    this.now += ms;
    await this.#ask({ to: this.now });
  }

  /** Resolves once every message has been delivered. */
  async settle(): Promise<void> {
    await this.#ask({ isToSettle: true });
  }

  async #ask(order: object): Promise<void> {
    const answer = this.#told();
    this.#child?.send(order);
    await answer;
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

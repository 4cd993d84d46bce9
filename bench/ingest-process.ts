import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Ask, Told } from './ingest-server.ts';

/** The server process, in which everything under test runs. */
export type ServerProcess = {
  readonly url: string;
  readonly tokens?: { readonly admin: string; readonly sdk: string };
  readonly ask: <T extends Told['type']>(ask: Ask, answer: T) => Promise<Extract<Told, { type: T }>>;
  readonly kill: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Starts one on the store in a directory; its clock is so many ms ahead. */
export async function startProcess(dataDir: string, aheadMs: number): Promise<ServerProcess> {
  const script = fileURLToPath(new URL('./ingest-server.ts', import.meta.url));
  const child = fork(script, [dataDir, String(aheadMs)], { execArgv: process.execArgv });
  const ready = await heard(child, 'ready');
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    ...ready,
    ask(ask, answer) {
      const told = heard(child, answer);
      child.send(ask);
      return told;
    },
    kill() {
      child.kill('SIGKILL');
      return ended;
    },
    close() {
      child.send({ type: 'close' } satisfies Ask);
      return ended;
    },
  };
}

function heard<T extends Told['type']>(child: ChildProcess, type: T): Promise<Extract<Told, { type: T }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<Told, { type: T }>>();
  const listen = (message: Told) => message.type === type && resolve(message as Extract<Told, { type: T }>);
  const gone = (code: number | null) => reject(new Error(`the server process ended with code ${code}; see above`));
  child.on('message', listen);
  child.once('exit', gone);
  return promise.finally(() => {
    child.off('message', listen);
    child.off('exit', gone);
  });
}

import { Worker } from 'node:worker_threads';
import type { Failure, FromWriter, Outcome, Request, Results, ToWriter, WriterOptions } from './sqlite-request.ts';
import { StoreError } from './store-error.ts';

/** The writer thread seen from the store. */
export type WriterClient = {
  /** Runs one request; resolves after its commit. @throws StoreError */
  call<K extends keyof Results>(request: Extract<Request, { op: K }>): Promise<Results[K]>;
  /** Lets the thread finish what was asked before, and waits for its end. */
  close(): Promise<void>;
};

/** What a committed request was and how it ended. */
export type Settled = { readonly request: Request; readonly value: Results[keyof Results] };

// Two literals, which tools that follow imports understand; `tsc` rewrites neither.
const WRITER = import.meta.url.endsWith('.ts')
  ? new URL('./sqlite-writer.ts', import.meta.url)
  : new URL('./sqlite-writer.js', import.meta.url);

type Pending = { readonly request: Request; readonly settle: (outcome: Outcome) => void };

/**
 * Starts the writer thread and waits until the file is open. `onGroup` hears of each committed group after its promises
 * are resolved. The thread runs from source as well as from the build: it has the extension of this module.
 * @throws StoreError
 */
export async function openWriter(
  options: WriterOptions,
  onGroup: (group: readonly Settled[]) => void,
): Promise<WriterClient> {
  // No flags of the parent (test runners, inspectors) are needed: the thread imports only its neighbours and `node:`.
  const worker = new Worker(WRITER, {
    workerData: options,
    execArgv: [],
  });
  const pending = new Map<number, Pending>();
  const closed: Failure = {
    code: 'STORE_UNAVAILABLE',
    message: `the store ${options.file} is closed; open it again`,
  };
  let gone: Failure | undefined;
  const failAll = (error: Failure) => {
    gone ??= error;
    for (const { settle } of pending.values()) settle({ error });
    pending.clear();
  };
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      failAll(closed);
      resolve();
    });
  });
  worker.on('error', (error) => {
    const reason = error instanceof Error ? error.message : String(error);
    failAll({ code: 'STORE_UNAVAILABLE', message: `the writer of ${options.file} crashed: ${reason}; restart` });
  });
  await opened(worker, ended, () => gone);
  worker.on('message', (message: FromWriter) => {
    if ('answers' in message) onGroup(resolveGroup(pending, message.answers));
  });
  return {
    call: createCall(worker, pending, () => gone),
    close() {
      gone ??= closed;
      return closing(worker, ended);
    },
  };
}

/** Waits for the thread's first word. */
async function opened(worker: Worker, ended: Promise<void>, gone: () => Failure | undefined): Promise<void> {
  const word = new Promise<FromWriter>((resolve) => worker.once('message', resolve));
  const first = await Promise.race([word, ended]);
  if (first && 'opened' in first) return;
  await ended;
  const failure = first && 'failed' in first ? first.failed : gone();
  throw new StoreError(failure?.code ?? 'STORE_UNAVAILABLE', failure?.message ?? 'the writer did not start; restart');
}

function createCall(
  worker: Worker,
  pending: Map<number, Pending>,
  gone: () => Failure | undefined,
): WriterClient['call'] {
  let lastId = 0;
  return <K extends keyof Results>(request: Extract<Request, { op: K }>) =>
    new Promise<Results[K]>((resolve, reject) => {
      const failure = gone();
      if (failure) {
        reject(new StoreError(failure.code, failure.message));
        return;
      }
      lastId += 1;
      const settle = (outcome: Outcome) => {
        if ('error' in outcome) reject(new StoreError(outcome.error.code, outcome.error.message));
        // The edge of the thread: an answer has the type of its request, by the switch in `sqlite-writer.ts`.
        else resolve(outcome.value as Results[K]);
      };
      pending.set(lastId, { request, settle });
      const message: ToWriter = { id: lastId, request };
      worker.postMessage(message);
    });
}

function resolveGroup(
  pending: Map<number, Pending>,
  answers: Extract<FromWriter, { answers: unknown }>['answers'],
): readonly Settled[] {
  return answers.flatMap(({ id, outcome }) => {
    const asked = pending.get(id);
    pending.delete(id);
    asked?.settle(outcome);
    return asked && 'value' in outcome ? [{ request: asked.request, value: outcome.value }] : [];
  });
}

async function closing(worker: Worker, ended: Promise<void>): Promise<void> {
  const message: ToWriter = 'close';
  worker.postMessage(message);
  await ended;
}

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { assemble, type Parts } from './assemble.ts';
import { createFirstToken } from './auth.ts';
import type { BaselineWatch } from './baseline-watch.ts';
import type { ControlPlane } from './control-plane.ts';
import type { GateWatch } from './gate-watch.ts';
import { type Log, messageOf } from './log.ts';
import type { Dispatcher } from './outbox.ts';
import type { OverlapWatch } from './overlap-watch.ts';
import type { PreflightWatch } from './preflight-watch.ts';
import type { Puller } from './puller.ts';
import type { Reconciler } from './reconciler.ts';
import { DEFAULT_RETENTION_MS, pastRetention, pruneAll } from './retention.ts';
import { ServerError } from './server-error.ts';
import type { ServerOptions } from './server-options.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import type { TrackerSync } from './tracker-sync.ts';

/** A server that listens. */
export type RampartServer = {
  /** Its origin, for example `http://127.0.0.1:4180`. */
  readonly url: string;
  readonly store: Store;
  readonly controlPlane: ControlPlane;
  /** Looks at rollouts by hand; it does so by itself as well. */
  readonly reconciler: Reconciler;
  /** Asks metric sources by hand; it does so by itself as well. */
  readonly puller: Puller;
  /** Has trackers follow by hand; they do so by themselves as well. */
  readonly trackerSync: Pick<TrackerSync, 'drain' | 'standings'>;
  /** Captures baselines from histories by hand; it does so by itself as well. */
  readonly baselines: Pick<BaselineWatch, 'wakeAll'>;
  /** Delivers messages by hand; it does so by itself as well. */
  readonly dispatcher: Pick<Dispatcher, 'drain'>;
  /** Looks at what pre-flight waits for by hand; it does so by itself as well. */
  readonly preflight: Pick<PreflightWatch, 'wakeAll'>;
  /** Notes overlaps of rollouts by hand; it does so by itself as well. */
  readonly overlaps: Pick<OverlapWatch, 'wakeAll'>;
  /** Asks external gates by hand; it does so by itself as well. */
  readonly gates: Pick<GateWatch, 'askAll'>;
  /** Tokens made at the first start of a store, shown this once. */
  readonly firstToken?: { readonly admin: string; readonly sdk: string };
  /** Takes no more requests, ends streams, finishes what is under way, closes the store. Idempotent. */
  readonly close: () => Promise<void>;
};

const DEFAULT_PORT = 4180;
const PRUNE_EVERY_MS = 10_000;
/** How long requests under way may take to finish when the server closes. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Starts a control plane. @throws ServerError `PORT_IN_USE`, `ADDRESS_REFUSED`, `REPLAY_MISMATCH`, `DATA_DIR_UNUSABLE`,
 * `SETTINGS_INVALID`
 * @throws StoreError `SCHEMA_TOO_NEW`, `SQLITE_TOO_OLD` and others
 */
export async function startServer(options: ServerOptions): Promise<RampartServer> {
  const log = options.log ?? pino({ name: 'rampart' }, pino.destination(2));
  const environment = options.environment ?? 'production';
  const store = await openStore(options);
  try {
    const parts = await assemble(store, { ...options, log, environment });
    const firstToken = await createFirstToken(store, parts.tokens);
    const url = await listen(parts.app, options);
    const stopWork = startWork(parts, log, options.retentionMs);
    const { revision } = parts.table.book.ruleset();
    // Whoever started it speaks first: a banner is not to stand below a line of the log.
    setImmediate(() => log.info({ url, environment, revision }, `Rampart listens on ${url}`));
    let closing: Promise<void> | undefined;
    const { controlPlane, reconciler, puller, baselines, dispatcher, trackerSync, preflight, overlaps, gates } = parts;
    const close = () => (closing ??= stopAll(parts, stopWork));
    const byHand = { controlPlane, reconciler, puller, baselines, dispatcher, trackerSync, preflight, overlaps, gates };
    const parted = { url, store, ...byHand, close };
    return { ...parted, ...(firstToken && { firstToken }) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openStore({ dataDir, file, maxPages }: ServerOptions): Promise<Store> {
  const path = file ?? (dataDir === undefined ? undefined : join(dataDir, 'rampart.db'));
  if (path === undefined)
    throw new ServerError('DATA_DIR_UNUSABLE', 'neither dataDir nor file was given; name a directory for the store');
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    const message = `the directory ${dirname(path)} cannot be made (${messageOf(error)}); name one that can be written`;
    throw new ServerError('DATA_DIR_UNUSABLE', message, { cause: error });
  }
  return openSqliteStore({ file: path, ...(maxPages !== undefined && { maxPages }) });
}

async function listen(
  app: FastifyInstance,
  { host = '127.0.0.1', port = DEFAULT_PORT }: ServerOptions,
): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      const message = `port ${port} of ${host} is in use by another program; end it, or choose another port`;
      throw new ServerError('PORT_IN_USE', message, { cause: error });
    }
    const message = `${host}:${port} cannot be listened on (${messageOf(error)}); choose another host or port`;
    throw new ServerError('ADDRESS_REFUSED', message, { cause: error });
  }
}

/** Starts what goes on by itself; the result stops it. */
function startWork(
  { store, clock, table, reconciler, works }: Parts,
  log: Log,
  retentionMs = DEFAULT_RETENTION_MS,
): () => Promise<void> {
  for (const work of works) work.start();
  void reconciler.wakeAll();
  const prune = setInterval(() => {
    const now = clock.now();
    const states = table.all().map(({ state }) => state);
    pruneAll(store, now, pastRetention(states, now, retentionMs)).catch((error: unknown) => {
      log.warn({ err: error }, `the store could not be pruned: ${messageOf(error)}`);
    });
  }, PRUNE_EVERY_MS);
  prune.unref();
  return async () => {
    clearInterval(prune);
    for (const work of works.toReversed()) await work.stop();
  };
}

async function stopAll({ app, stream, table, sources, store }: Parts, stopWork: () => Promise<void>): Promise<void> {
  stream.close();
  // Requests under way may finish, but a client that does not read must not keep the server up.
  const deadline = setTimeout(() => app.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  await app.close();
  clearTimeout(deadline);
  await stopWork();
  await table.idle();
  await sources.close();
  await store.close();
}

import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { UrlPolicy } from '@rampart/connectors';
import type { Plan } from '@rampart/rollout';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createFirstToken, createTokens, type Tokens } from './auth.ts';
import { createBaselineDesk } from './baseline-desk.ts';
import { type BaselineWatch, createBaselineWatch } from './baseline-watch.ts';
import { type Clock, type MonotoneClock, monotoneClock, SYSTEM_CLOCK } from './clock.ts';
import { type ControlPlane, createControlPlane } from './control-plane.ts';
import { createFlagDesk } from './flag-desk.ts';
import { type HistoryLookup, recordedIn } from './history-reading.ts';
import { openHooks } from './hooks.ts';
import { adminHandlers } from './http/admin-handlers.ts';
import { baselineHandlers } from './http/baseline-handlers.ts';
import { flagHandlers } from './http/flag-handlers.ts';
import { hookHandlers } from './http/hook-handlers.ts';
import { createHttpApp } from './http/http-app.ts';
import { otlpHandlers } from './http/otlp-handlers.ts';
import { rolloutHandlers } from './http/rollout-handlers.ts';
import { sdkHandlers } from './http/sdk-handlers.ts';
import { serverHandlers } from './http/server-handlers.ts';
import { createIngest } from './ingest.ts';
import { createInstanceRegistry } from './instance-registry.ts';
import { type Log, messageOf } from './log.ts';
import { createReceiver } from './otlp/receiver.ts';
import { createDispatcher, type Dispatcher } from './outbox.ts';
import { createPuller, type Puller } from './puller.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';
import { DEFAULT_RETENTION_MS, pastRetention, pruneAll } from './retention.ts';
import type { RolloutRun } from './rollout-run.ts';
import { openRolloutTable, type RolloutTable } from './rollout-table.ts';
import { createRulesetStream, type RulesetStream } from './ruleset-stream.ts';
import { ServerError } from './server-error.ts';
import { createServerMetrics } from './server-metrics.ts';
import { NO_SOURCES, openSources, type SourceBook } from './source-book.ts';
import { sightsOf as sourceSights } from './source-sight.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { openWebhooks, type Webhooks } from './webhooks.ts';

/** How a server is started. Give `dataDir` or `file`. */
export type ServerOptions = {
  /** Directory of the store, made if absent; the store is `rampart.db` in it. */
  readonly dataDir?: string;
  /** The store itself, in place of `dataDir`. */
  readonly file?: string;
  /** Cap on the size of the store in pages of 4 KiB. Default: none. */
  readonly maxPages?: number;
  /** Default: `127.0.0.1`. */
  readonly host?: string;
  /** 0: any free one. Default: 4180. */
  readonly port?: number;
  /** Default: `production`. */
  readonly environment?: string;
  /** How long the evidence of a rollout that is complete or cancelled is kept; its events stay for ever. Default: 400 days. */
  readonly retentionMs?: number;
  /** Default: JSON lines on stderr. */
  readonly log?: Log;
  /** Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Where webhooks may go. Default: the public internet only. */
  readonly webhookPolicy?: UrlPolicy;
  /** Where the past of metrics can be read. Default: nowhere. */
  readonly historyOf?: HistoryLookup;
  /** Metric sources, as a file of settings has them (`source-book.ts`). Default: none but `telemetry`. */
  readonly sources?: unknown;
  /** Reads the secrets that webhooks and sources name by `secretRef`. Default: the environment of the process. */
  readonly secretOf?: (name: string) => string | undefined;
};

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
  /** Captures baselines from histories by hand; it does so by itself as well. */
  readonly baselines: Pick<BaselineWatch, 'wakeAll'>;
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
 * `SOURCES_INVALID`
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
    const { controlPlane, reconciler, puller, baselines } = parts;
    const close = () => (closing ??= stopAll(parts, stopWork));
    const parted = { url, store, controlPlane, reconciler, puller, baselines, close };
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

type Settings = ServerOptions & { readonly log: Log; readonly environment: string };

/** The parts of a running server that end with it. */
type Parts = {
  readonly store: Store;
  readonly clock: MonotoneClock;
  readonly tokens: Tokens;
  readonly table: RolloutTable;
  readonly stream: RulesetStream;
  readonly reconciler: Reconciler;
  readonly sources: SourceBook;
  readonly puller: Puller;
  readonly baselines: BaselineWatch;
  readonly dispatcher: Dispatcher;
  readonly controlPlane: ControlPlane;
  readonly app: FastifyInstance;
};

async function assemble(store: Store, settings: Settings): Promise<Parts> {
  const { log, environment } = settings;
  const clock = monotoneClock(settings.clock ?? SYSTEM_CLOCK, log);
  const tokens = createTokens(store, environment, clock);
  const secretOf = settings.secretOf ?? ((name) => process.env[name]);
  const sources = settings.sources === undefined ? NO_SOURCES : openSources(settings.sources, secretOf);
  const webhooks = await openWebhooks({ store, policy: settings.webhookPolicy ?? {}, secretOf });
  const stream = createRulesetStream({
    random: Math.random,
    onFuture: (theirs, ours) =>
      log.warn(
        { code: 'REVISION_IN_FUTURE', theirs, ours },
        `an SDK has revision ${theirs}, this server ${ours}: it was sent the whole ruleset`,
      ),
  });
  const table = await openRolloutTable({
    store,
    environment,
    clock,
    addressing: webhooks.addressing,
    publish: stream.publish,
  });
  const instances = createInstanceRegistry();
  const reconciler = createReconciler({
    store,
    table,
    clock,
    instances,
    log,
    onTick: (seconds) => metrics.tick(seconds),
  });
  const puller = createPuller({ store, table, clock, sources, log, random: Math.random, wake: reconciler.wake });
  const sightsOf = (run: RolloutRun) => sourceSights(run, puller.sightsOf(run.state.id), clock.now());
  const metrics = createServerMetrics({
    rollouts: () => table.all().map(({ state }) => state),
    connectedSdks: () => instances.connected(clock.now()),
    sights: () => table.all().map((run) => ({ rollout: run.state.id, sources: sightsOf(run) })),
    now: clock.now,
    revision: () => table.book.ruleset().revision,
    outbox: async () => {
      const { outboxPending, outboxDead } = await store.stats();
      return { pending: outboxPending, dead: outboxDead };
    },
  });
  const wake = (id: string) => void reconciler.wake(id);
  const historyOf: HistoryLookup = settings.historyOf ?? ((name) => sources.get(name)?.source.history);
  const baselines = createBaselineWatch({ table, clock, historyOf, log, wake });
  const ingest = createIngest({ store, table, clock, instances, onBatch: metrics.batch });
  const hooks = await openHooks({ store, ingest, clock, log, secretOf });
  const { deliversAlerts } = hooks;
  const recordedOf = (plan: Plan) => recordedIn(plan, historyOf);
  const plane = { store, table, clock, environment, sources, sightsOf, deliversAlerts, recordedOf, wake };
  const controlPlane = createControlPlane(plane);
  const revision = () => table.book.ruleset().revision;
  const connectedSdks = () => instances.connected(clock.now());
  const handlers = {
    ...serverHandlers({ store, clock, metrics, version: versionOf(), environment, revision, connectedSdks }),
    ...sdkHandlers({ clock, ingest, instances, stream, ruleset: table.book.ruleset }),
    ...otlpHandlers(createReceiver({ store, table, clock, log, onBatch: metrics.batch })),
    ...rolloutHandlers(controlPlane),
    ...baselineHandlers(createBaselineDesk({ ...plane, historyOf })),
    ...flagHandlers(createFlagDesk(store, table)),
    ...adminHandlers({ store, tokens, webhooks }),
    ...hookHandlers(hooks),
  };
  const app = await createHttpApp({ handlers, tokens, log });
  const dispatcher = dispatcherOf(store, clock, log, webhooks);
  return { store, clock, tokens, table, stream, reconciler, sources, puller, baselines, dispatcher, controlPlane, app };
}

function dispatcherOf(store: Store, clock: Clock, log: Log, { notifierOf }: Webhooks): Dispatcher {
  return createDispatcher({ store, clock, log, owner: randomUUID(), random: Math.random, notifierOf });
}

function versionOf(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion ? String(manifest.version) : 'unknown';
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
  { store, clock, table, reconciler, puller, baselines, dispatcher }: Parts,
  log: Log,
  retentionMs = DEFAULT_RETENTION_MS,
): () => Promise<void> {
  reconciler.start();
  void reconciler.wakeAll();
  puller.start();
  baselines.start();
  dispatcher.start();
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
    await puller.stop();
    await Promise.all([baselines.stop(), reconciler.stop(), dispatcher.stop()]);
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

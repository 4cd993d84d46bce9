import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ROUTES } from '@rampart/api';
import type { Plan } from '@rampart/rollout';
import type { FastifyInstance } from 'fastify';
import { type Aftermath, createAftermath } from './abort-aftermath.ts';
import { createTokens, type Tokens } from './auth.ts';
import { createBaselineDesk } from './baseline-desk.ts';
import { type BaselineWatch, createBaselineWatch } from './baseline-watch.ts';
import { type MonotoneClock, monotoneClock, SYSTEM_CLOCK } from './clock.ts';
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
import { addPages } from './http/page-routes.ts';
import { rolloutHandlers } from './http/rollout-handlers.ts';
import { sdkHandlers } from './http/sdk-handlers.ts';
import { serverHandlers } from './http/server-handlers.ts';
import { createIngest } from './ingest.ts';
import { createInstanceRegistry, type InstanceRegistry } from './instance-registry.ts';
import type { Log } from './log.ts';
import { createReceiver } from './otlp/receiver.ts';
import { createDispatcher } from './outbox.ts';
import { createPuller, type Puller } from './puller.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';
import type { RolloutRun } from './rollout-run.ts';
import { openRolloutTable, type RolloutTable } from './rollout-table.ts';
import { createRulesetStream, type RulesetStream } from './ruleset-stream.ts';
import { createServerMetrics, type ServerMetrics } from './server-metrics.ts';
import type { ServerOptions } from './server-options.ts';
import { readSettings, type ServerSettings } from './server-settings.ts';
import { openSources, type SourceBook } from './source-book.ts';
import { sightsOf as sourceSights } from './source-sight.ts';
import type { Store } from './store/store.ts';
import { openWebhooks, type Webhooks } from './webhooks.ts';

/** How a server is started, with what must be known of it. */
type Setup = ServerOptions & { readonly log: Log; readonly environment: string };

/** Something that goes on by itself while a server runs. */
export type Work = {
  readonly start: () => void;
  /** Resolves when nothing of it is under way any more. */
  readonly stop: () => Promise<void>;
};

/** The parts of a running server that end with it. `works` are started in this order and stopped in the reverse one. */
export type Parts = {
  readonly store: Store;
  readonly clock: MonotoneClock;
  readonly tokens: Tokens;
  readonly table: RolloutTable;
  readonly stream: RulesetStream;
  readonly reconciler: Reconciler;
  readonly sources: SourceBook;
  readonly puller: Puller;
  readonly baselines: BaselineWatch;
  readonly works: readonly Work[];
  readonly controlPlane: ControlPlane;
  readonly app: FastifyInstance;
};

/** Everything between the store and HTTP: what rollouts are judged and decided by. */
type Loop = Omit<Parts, 'works' | 'controlPlane' | 'app'> & {
  readonly settings: ServerSettings;
  readonly secretOf: (name: string) => string | undefined;
  readonly webhooks: Webhooks;
  readonly instances: InstanceRegistry;
  readonly aftermath: Aftermath;
  readonly metrics: ServerMetrics;
  readonly historyOf: HistoryLookup;
  readonly sightsOf: (run: RolloutRun) => ReturnType<typeof sourceSights>;
  readonly wake: (id: string) => void;
};

/** A server put together on a store, at rest. @throws ServerError */
export async function assemble(store: Store, setup: Setup): Promise<Parts> {
  const loop = await openLoop(store, setup);
  const { clock, tokens, table, stream, reconciler, sources, puller, baselines, webhooks } = loop;
  const { app, controlPlane } = await openHttp(loop, setup);
  const dispatcher = createDispatcher({
    ...{ store, clock, log: setup.log, owner: randomUUID(), random: Math.random },
    notifierOf: webhooks.notifierOf,
  });
  const works = [reconciler, puller, baselines, dispatcher];
  return { store, clock, tokens, table, stream, reconciler, sources, puller, baselines, works, controlPlane, app };
}

async function openLoop(store: Store, options: Setup): Promise<Loop> {
  const { log, environment } = options;
  const settings = readSettings(options.settings);
  const clock = monotoneClock(options.clock ?? SYSTEM_CLOCK, log);
  const secretOf = options.secretOf ?? ((name) => process.env[name]);
  const sources = openSources(settings, secretOf);
  const webhooks = await openWebhooks({ store, policy: options.webhookPolicy ?? {}, secretOf });
  const stream = openStream(log);
  const { addressing } = webhooks;
  const table = await openRolloutTable({ store, environment, clock, addressing, publish: stream.publish });
  const instances = createInstanceRegistry();
  const onTick = (seconds: number) => metrics.tick(seconds);
  const aftermath = createAftermath();
  const reconciler = createReconciler({ store, table, clock, instances, aftermath, log, onTick });
  const puller = createPuller({ store, table, clock, sources, log, random: Math.random, wake: reconciler.wake });
  const sightsOf = (run: RolloutRun) => sourceSights(run, puller.sightsOf(run.state.id), clock.now());
  const metrics: ServerMetrics = createServerMetrics({
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
  const historyOf: HistoryLookup = options.historyOf ?? ((name) => sources.get(name)?.source.history);
  return {
    ...{ store, clock, table, stream, reconciler, sources, puller, settings, secretOf, webhooks, instances, metrics },
    ...{ aftermath, historyOf, sightsOf, wake },
    tokens: createTokens(store, environment, clock),
    baselines: createBaselineWatch({ table, clock, historyOf, log, wake }),
  };
}

function openStream(log: Log): RulesetStream {
  return createRulesetStream({
    random: Math.random,
    onFuture: (theirs, ours) =>
      log.warn(
        { code: 'REVISION_IN_FUTURE', theirs, ours },
        `an SDK has revision ${theirs}, this server ${ours}: it was sent the whole ruleset`,
      ),
  });
}

async function openHttp(loop: Loop, { log, environment }: Setup): Promise<Pick<Parts, 'app' | 'controlPlane'>> {
  const { store, table, clock, instances, metrics, sources, sightsOf, wake, historyOf, secretOf, tokens } = loop;
  const onTelemetry = loop.aftermath.note;
  const ingest = createIngest({ store, table, clock, instances, onTelemetry, onBatch: metrics.batch });
  const hooks = await openHooks({ store, ingest, clock, log, secretOf });
  const { deliversAlerts } = hooks;
  const recordedOf = (plan: Plan) => recordedIn(plan, historyOf);
  const plane = { store, table, clock, environment, sources, sightsOf, deliversAlerts, recordedOf, wake };
  const controlPlane = createControlPlane(plane);
  const revision = () => table.book.ruleset().revision;
  const connectedSdks = () => instances.connected(clock.now());
  const handlers = {
    ...serverHandlers({ store, clock, metrics, version: versionOf(), environment, revision, connectedSdks }),
    ...sdkHandlers({ clock, ingest, instances, stream: loop.stream, ruleset: table.book.ruleset }),
    ...otlpHandlers(createReceiver({ store, table, clock, log, onBatch: metrics.batch })),
    ...rolloutHandlers(controlPlane),
    ...baselineHandlers(createBaselineDesk({ ...plane, historyOf })),
    ...flagHandlers(createFlagDesk(store, table)),
    ...adminHandlers({ store, tokens, webhooks: loop.webhooks }),
    ...hookHandlers(hooks),
  };
  const readers = ROUTES.getReport.auth;
  const pages = (app: FastifyInstance) => addPages(app, { plane: controlPlane, tokens, readers, log });
  return { app: await createHttpApp({ handlers, tokens, log, pages }), controlPlane };
}

function versionOf(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion ? String(manifest.version) : 'unknown';
}

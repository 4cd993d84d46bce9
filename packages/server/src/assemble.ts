import { randomUUID } from 'node:crypto';
import { ROUTES } from '@rampart/api';
import type { Plan } from '@rampart/rollout';
import type { FastifyInstance } from 'fastify';
import { type Aftermath, createAftermath } from './abort-aftermath.ts';
import { type AddressBook, createAddressBook } from './address-book.ts';
import { createTokens, type Tokens } from './auth.ts';
import { createBaselineDesk } from './baseline-desk.ts';
import { type BaselineWatch, createBaselineWatch } from './baseline-watch.ts';
import { type Channels, openChannels } from './channels.ts';
import { type CleanupWatch, createCleanupWatch } from './cleanup-watch.ts';
import { type MonotoneClock, monotoneClock, SYSTEM_CLOCK } from './clock.ts';
import { type ControlPlane, createControlPlane } from './control-plane.ts';
import { createDrills, type Drills } from './drills.ts';
import { checkFlag } from './flag-check.ts';
import { createFlagDesk } from './flag-desk.ts';
import { type FlagUse, openFlagUse } from './flag-use.ts';
import { createGateAsker, type GateAsker } from './gate-asker.ts';
import { createGateBook, type GateBook } from './gate-book.ts';
import { createGateDesk } from './gate-desk.ts';
import { createGateWatch, type GateWatch } from './gate-watch.ts';
import { type Handovers, openHandovers } from './handovers.ts';
import { type HistoryLookup, recordedIn } from './history-reading.ts';
import { createAttest } from './hook-attestations.ts';
import { openHooks } from './hooks.ts';
import { adminHandlers } from './http/admin-handlers.ts';
import { afterHandlers } from './http/after-handlers.ts';
import { baselineHandlers } from './http/baseline-handlers.ts';
import { flagHandlers } from './http/flag-handlers.ts';
import { gateHandlers } from './http/gate-handlers.ts';
import { hookHandlers } from './http/hook-handlers.ts';
import { createHttpApp } from './http/http-app.ts';
import { identityHandlers } from './http/identity-handlers.ts';
import { addMcpEndpoint } from './http/mcp-endpoint.ts';
import { notifyHandlers } from './http/notify-handlers.ts';
import { otlpHandlers } from './http/otlp-handlers.ts';
import { addPages } from './http/page-routes.ts';
import { rolloutHandlers } from './http/rollout-handlers.ts';
import { sdkHandlers } from './http/sdk-handlers.ts';
import { serverHandlers } from './http/server-handlers.ts';
import { slackHandlers } from './http/slack-handlers.ts';
import { shownIssue, trackerHandlers } from './http/tracker-handlers.ts';
import { createIngest } from './ingest.ts';
import { createInstanceRegistry, type InstanceRegistry } from './instance-registry.ts';
import type { Log } from './log.ts';
import { createNotifyDesk } from './notify-desk.ts';
import { createReceiver } from './otlp/receiver.ts';
import { createDispatcher, type Dispatcher } from './outbox.ts';
import { createOverlapWatch, type OverlapWatch } from './overlap-watch.ts';
import { createPreflightWatch, type PreflightWatch } from './preflight-watch.ts';
import { createPuller, type Puller } from './puller.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';
import type { Addressing } from './rollout-commit.ts';
import type { RolloutRun } from './rollout-run.ts';
import { createRolloutStatistics, type RolloutStatistics } from './rollout-statistics.ts';
import { openRolloutTable, type RolloutTable } from './rollout-table.ts';
import { createRulesetStream, type RulesetStream } from './ruleset-stream.ts';
import { createServerMetrics, type ServerMetrics } from './server-metrics.ts';
import type { ServerOptions } from './server-options.ts';
import { readSettings, type ServerSettings } from './server-settings.ts';
import { createSlackClicks } from './slack-clicks.ts';
import { openSources, type SourceBook } from './source-book.ts';
import { sightsOf as sourceSights } from './source-sight.ts';
import { staleFlagsOf } from './stale-flags.ts';
import type { Store } from './store/store.ts';
import { openTrackers, type TrackerBook } from './tracker-book.ts';
import { openTrackerSync, type TrackerSync } from './tracker-sync.ts';
import { versionOf } from './version.ts';
import { openWebhooks, type Webhooks } from './webhooks.ts';

/** How a server is started, with what must be known of it. */
type Setup = ServerOptions & { readonly log: Log; readonly environment: string };

/** Something that goes on by itself while a server runs. */
export type Work = {
  readonly start: () => void;
  /** Resolves when nothing of it is under way any more. */
  readonly stop: () => Promise<void>;
};

/** Everything between the store and HTTP: what rollouts are judged and decided by. */
type Loop = {
  readonly store: Store;
  readonly clock: MonotoneClock;
  readonly settings: ServerSettings;
  readonly secretOf: (name: string) => string | undefined;
  readonly tokens: Tokens;
  readonly table: RolloutTable;
  readonly stream: RulesetStream;
  readonly instances: InstanceRegistry;
  readonly aftermath: Aftermath;
  readonly reconciler: Reconciler;
  readonly sources: SourceBook;
  readonly puller: Puller;
  readonly sightsOf: (run: RolloutRun) => ReturnType<typeof sourceSights>;
  readonly historyOf: HistoryLookup;
  readonly baselines: BaselineWatch;
  readonly drills: Drills;
  readonly preflight: PreflightWatch;
  readonly overlaps: OverlapWatch;
  readonly gates: GateWatch;
  readonly gateBook: GateBook;
  readonly gateAsker: GateAsker;
  readonly webhooks: Webhooks;
  readonly channels: Channels;
  readonly book: AddressBook;
  readonly handovers: Handovers;
  readonly dispatcher: Dispatcher;
  readonly trackers: TrackerBook;
  readonly trackerSync: TrackerSync;
  readonly flagUse: FlagUse;
  readonly cleanups: CleanupWatch;
  readonly statistics: RolloutStatistics;
  readonly metrics: ServerMetrics;
  readonly wake: (id: string) => void;
};

/** The parts of a running server that end with it. `works` are started in this order and stopped in the reverse one. */
export type Parts = Loop & {
  readonly works: readonly Work[];
  readonly controlPlane: ControlPlane;
  readonly app: FastifyInstance;
};

/** A server put together on a store, at rest. @throws ServerError */
export async function assemble(store: Store, setup: Setup): Promise<Parts> {
  const loop = await openLoop(store, setup);
  const { app, controlPlane, clicks } = await openHttp(loop, setup);
  const { flagUse, reconciler, puller, baselines, drills, preflight, overlaps, gates, cleanups } = loop;
  const watches = [flagUse, reconciler, puller, baselines, drills, preflight, overlaps, gates, cleanups];
  const works = [...watches, loop.dispatcher, clicks, loop.trackerSync];
  return { ...loop, works, controlPlane, app };
}

async function openLoop(store: Store, options: Setup): Promise<Loop> {
  const { log, environment } = options;
  const settings = readSettings(options.settings);
  const clock = monotoneClock(options.clock ?? SYSTEM_CLOCK, log);
  const secretOf = options.secretOf ?? ((name) => process.env[name]);
  const sources = openSources(settings, secretOf);
  const webhooks = await openWebhooks({ store, policy: options.webhookPolicy ?? {}, secretOf });
  const { policy, publicUrl } = settings;
  const links = publicUrl === undefined ? {} : { publicUrl };
  const channels = openChannels(settings.notify, { store, secretOf, policy, now: clock.now, ...links });
  const book = createAddressBook(channels, webhooks);
  const trackers = openTrackers(settings, secretOf, clock.now);
  const stream = openStream(log);
  const handovers = openHandovers({
    ...{ store, clock, log, settings, secretOf, table: () => table },
    policy: options.webhookPolicy ?? settings.policy,
  });
  const addressing: Addressing = (one, plan) => [...book.addressing(one, plan), ...handovers.addressing(one, plan)];
  const { publish } = stream;
  const table: RolloutTable = await openRolloutTable({ store, environment, clock, addressing, publish });
  const trackerSync = await openTrackerSync({
    ...{ store, table, clock, log, trackers, owner: randomUUID(), random: Math.random },
    ...(settings.publicUrl !== undefined && { publicUrl: settings.publicUrl }),
  });
  const instances = createInstanceRegistry();
  const onTick = (seconds: number) => metrics.tick(seconds);
  const aftermath = createAftermath();
  const reconciler = createReconciler({ store, table, clock, instances, aftermath, log, onTick });
  const puller = createPuller({ store, table, clock, sources, log, random: Math.random, wake: reconciler.wake });
  const sightsOf = (run: RolloutRun) => sourceSights(run, puller.sightsOf(run.state.id), clock.now());
  const statistics = createRolloutStatistics(store, clock);
  const metrics: ServerMetrics = createServerMetrics({
    statistics: () => statistics.read(),
    rollouts: () => table.all().map(({ state }) => state),
    connectedSdks: () => instances.connected(clock.now()),
    sights: () => table.all().map((run) => ({ rollout: run.state.id, sources: sightsOf(run) })),
    now: clock.now,
    revision: () => table.book.ruleset().revision,
    outbox: store.countOutbox,
  });
  const dispatcher = createDispatcher({
    ...{ store, clock, log, owner: randomUUID(), random: Math.random },
    destinationOf: (one) => handovers.destinationOf(one) ?? book.destinationOf(one),
    onGivenUp: handovers.gaveUp,
    onDelivery: metrics.delivery,
  });
  const wake = (id: string) => void reconciler.wake(id);
  const drills = createDrills({ table, clock, instances, log, wakeRollout: wake });
  const preflight = createPreflightWatch({ table, clock, instances, sources, policy, drills, log, wakeRollout: wake });
  const gateBook = createGateBook(store);
  const gateAsker = createGateAsker({ book: gateBook, clock, policy, secretOf, newId: randomUUID });
  const historyOf: HistoryLookup = options.historyOf ?? ((name) => sources.get(name)?.source.history);
  return {
    ...{ store, clock, table, stream, reconciler, sources, puller, settings, secretOf, webhooks, instances, metrics },
    ...{ aftermath, historyOf, sightsOf, channels, book, dispatcher, trackers, trackerSync },
    ...{ drills, preflight, overlaps: createOverlapWatch({ table, clock, log }) },
    ...{ gateBook, gateAsker, gates: createGateWatch({ table, clock, asker: gateAsker, log, wake: reconciler.wake }) },
    ...{ handovers, statistics, flagUse: await openFlagUse(store, clock, log) },
    cleanups: createCleanupWatch({ table, clock, log }),
    wake(id) {
      wake(id);
      drills.wake(id);
    },
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

async function openHttp(
  loop: Loop,
  { log, environment, host }: Setup,
): Promise<Pick<Parts, 'app' | 'controlPlane'> & { readonly clicks: Work }> {
  const { channels, book, dispatcher } = loop;
  const { store, table, clock, instances, metrics, sources, sightsOf, wake, historyOf, secretOf, tokens } = loop;
  const { gateBook, gates, flagUse, cleanups, statistics } = loop;
  const heard = {
    onTelemetry: loop.aftermath.note,
    // Names come from whoever has a token of an SDK: of flags that are not there nothing is kept.
    onFlags: (keys: ReadonlySet<string>) =>
      flagUse.note([...keys].filter((key) => Object.hasOwn(table.book.flags(), key))),
  };
  const ingest = createIngest({ store, table, clock, instances, onBatch: metrics.batch, ...heard });
  const attest = createAttest({
    rollouts: () => table.all().map(({ state }) => state),
    command: (...given) => controlPlane.command(...given),
  });
  const onGate = (name: string) => loop.gates.askNamed(name);
  const toGates = { gates: loop.gateBook, onGate, environment };
  const hooks = await openHooks({ store, ingest, clock, log, secretOf, attest, ...toGates });
  const { deliversAlerts, deliversAttestations } = hooks;
  const recordedOf = (plan: Plan) => recordedIn(plan, historyOf);
  const { trackers, trackerSync } = loop;
  const plane = {
    ...{ store, table, clock, environment, sources, channels, sightsOf, deliversAlerts, recordedOf, wake },
    gateProblem: loop.gateAsker.problemOf,
    nextProblem: loop.handovers.problemOf,
    trackerNames: trackers.names,
    issueOf: (rollout: string) => shownIssue(trackerSync.issueOf(rollout)),
  };
  const { policy } = loop.settings;
  const controlPlane: ControlPlane = createControlPlane({
    ...{ ...plane, deliversAttestations, policy },
    findingsOf: (state) => checkFlag(state, { table, clock, instances }),
    connectedNamed: () => instances.present(clock.now()).length,
  });
  const slackApp = { settings: channels.slack, secretOf, policy, store, clock, log, table };
  const slack = createSlackClicks({ ...slackApp, command: controlPlane.command });
  const revision = () => table.book.ruleset().revision;
  const connectedSdks = () => instances.connected(clock.now());
  const handlers = {
    ...serverHandlers({ store, clock, metrics, version: versionOf(), environment, revision, connectedSdks }),
    ...sdkHandlers({ clock, ingest, instances, stream: loop.stream, ruleset: table.book.ruleset }),
    ...otlpHandlers(createReceiver({ store, table, clock, log, onBatch: metrics.batch })),
    ...identityHandlers(),
    ...rolloutHandlers(controlPlane),
    ...baselineHandlers(createBaselineDesk({ ...plane, historyOf })),
    ...gateHandlers(createGateDesk({ book: gateBook, table, clock, watch: gates })),
    ...flagHandlers(createFlagDesk({ store, table, clock, use: flagUse, removed: cleanups.removed })),
    ...afterHandlers({ statistics, staleFlags: (afterMs) => staleFlagsOf({ ...staleFacts(loop), afterMs }) }),
    ...adminHandlers({ store, tokens, webhooks: loop.webhooks }),
    ...notifyHandlers(createNotifyDesk({ store, clock, environment, table, channels, book, dispatcher })),
    ...slackHandlers(slack),
    ...hookHandlers(hooks),
    ...trackerHandlers(trackers, trackerSync),
  };
  const readers = ROUTES.getReport.auth;
  const pages = (app: FastifyInstance) => addPages(app, { plane: controlPlane, tokens, readers, log });
  const app = await createHttpApp({ handlers, tokens, log, pages });
  addMcpEndpoint(app, { tokens, log, version: versionOf(), host, publicUrl: loop.settings.publicUrl });
  const clicks = { start: () => undefined, stop: slack.idle };
  return { app, controlPlane, clicks };
}

function staleFacts({ table, flagUse, clock }: Loop) {
  const rollouts = table.all().map(({ state }) => state);
  return { flags: Object.values(table.book.ruleset().flags), rollouts, use: flagUse, now: clock.now() };
}

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiClient, createApiClient, type TelemetryBatch, type TelemetrySeries } from '@rampart/api';
import type { Arm, Exposure, Flag, Ruleset } from '@rampart/flags';
import { binOf } from '@rampart/rollout';
import type { Log } from './log.ts';
import type { ServerOptions } from './server-options.ts';
import { type RampartServer, startServer } from './start-server.ts';
import { makeStoreDir } from './store-dir.test.support.ts';

/** A clock that stands still until it is told. */
export type TestClock = {
  readonly now: () => number;
  readonly advance: (ms: number) => void;
  readonly set: (at: number) => void;
};

/** 2026-01-05, a Monday. */
export const START_AT = Date.UTC(2026, 0, 5, 9);

export function testClock(at = START_AT): TestClock {
  let now = at;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
    set: (to) => {
      now = to;
    },
  };
}

/** What a server wrote to its log. */
type LogEntry = { readonly level: string; readonly fields: object; readonly message: string };

/** A real server on a free port with a store of its own, and clients of it. */
export type Rig = {
  readonly server: RampartServer;
  readonly clock: TestClock;
  readonly admin: ApiClient;
  readonly sdk: ApiClient;
  readonly tokens: { readonly admin: string; readonly sdk: string };
  readonly logged: readonly LogEntry[];
  readonly log: Log;
  /** Of the store. */
  readonly file: string;
  /** Moves the clock and has every rollout looked at. */
  readonly pass: (ms: number) => Promise<void>;
  /** Stops the server and starts another on the same store. */
  readonly restart: (options?: Partial<ServerOptions>) => Promise<Rig>;
  readonly dispose: () => Promise<void>;
};

export async function startRig(options: Partial<ServerOptions> = {}): Promise<Rig> {
  const dir = makeStoreDir('rampart-server-');
  return rigOf(dir, testClock(), undefined, options).catch((error: unknown) => {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
}

async function rigOf(
  dir: string,
  clock: TestClock,
  known: Rig['tokens'] | undefined,
  options: Partial<ServerOptions>,
): Promise<Rig> {
  const logged: LogEntry[] = [];
  const log = logInto(logged);
  const server = await startServer({ dataDir: dir, port: 0, clock, log, ...options });
  const tokens = known ?? server.firstToken;
  if (tokens === undefined) throw new Error('a new store gave no tokens');
  return {
    server,
    clock,
    tokens,
    logged,
    log,
    file: join(dir, 'rampart.db'),
    admin: createApiClient({ url: server.url, token: tokens.admin }),
    sdk: createApiClient({ url: server.url, token: tokens.sdk }),
    async pass(ms) {
      clock.advance(ms);
      await server.reconciler.wakeAll();
    },
    async restart(changed = {}) {
      await server.close();
      return rigOf(dir, clock, tokens, { ...options, ...changed });
    },
    async dispose() {
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function logInto(logged: LogEntry[]): Log {
  const to = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message });
  return { info: to('info'), warn: to('warn'), error: to('error') };
}

/** How users fare: rates in [0, 1], latency in seconds. */
type Outcome = { readonly errorRate: number; readonly latency: number };

/** Users of one flush, and how they fare in each arm. */
export type TrafficOptions = { readonly users: number; readonly treatment: Outcome; readonly control: Outcome };

/** All is well in both arms. */
export const HEALTHY: TrafficOptions = {
  users: 6_400,
  treatment: { errorRate: 0.002, latency: 0.2 },
  control: { errorRate: 0.002, latency: 0.2 },
};

/** Telemetry as an SDK process sends it whose users behave so, by the exposure a ruleset gives a flag. */
export function trafficOf(
  ruleset: Ruleset,
  flag: Flag,
  batchId: string,
  at: number,
  options: TrafficOptions,
): TelemetryBatch {
  const { exposure } = flag;
  const series = exposure === undefined ? [] : seriesOf(flag.key, exposure, options);
  const { revision } = ruleset;
  return {
    schema: 1,
    batchId,
    instance: 'instance-1',
    sdk: 'test/1',
    fromAt: at,
    toAt: at,
    revision,
    dropped: 0,
    series,
  };
}

function seriesOf(flag: string, exposure: Exposure, options: TrafficOptions): readonly TelemetrySeries[] {
  const weight = Math.max(0, ...exposure.layers.map((layer) => layer.weight));
  const treated = Math.round((options.users * weight) / 100_000);
  return [
    ...armSeries(flag, exposure, { arm: 'treatment', stratum: weight, users: treated, outcome: options.treatment }),
    ...armSeries(flag, exposure, {
      arm: 'control',
      stratum: weight,
      users: options.users - treated,
      outcome: options.control,
    }),
  ];
}

type Group = { readonly arm: Arm; readonly stratum: number; readonly users: number; readonly outcome: Outcome };
type Cells = Pick<TelemetrySeries, 'bucket' | 'count' | 'sum' | 'sumSquares' | 'bins'>;

function armSeries(
  flag: string,
  { rollout, attempt, epoch, metrics }: Exposure,
  group: Group,
): readonly TelemetrySeries[] {
  if (group.users === 0) return [];
  const { arm, stratum, users, outcome } = group;
  const place = { flag, rollout, attempt, epoch, arm, stratum };
  const bad = spread(Math.round(users * outcome.errorRate));
  const known: Readonly<Record<string, Cells>> = {
    errorRate: cells(spread(users), (_, i) => bad[i] ?? 0),
    p99Latency: {
      ...cells(spread(users), (n) => n * outcome.latency),
      bins: spread(users).map((n) => [[binOf(outcome.latency), n]]),
    },
    assigned: cells(spread(users), (n) => n),
    reported: cells(spread(users), (n) => n),
  };
  const names = [...Object.keys(metrics).filter((name) => Object.hasOwn(known, name)), 'assigned', 'reported'];
  return names.flatMap((metric) => (known[metric] === undefined ? [] : [{ ...place, metric, ...known[metric] }]));
}

const BUCKETS = 64;

/** A whole number over the 64 user buckets, as evenly as it goes. */
function spread(total: number): readonly number[] {
  return Array.from({ length: BUCKETS }, (_, i) => Math.floor((total + i) / BUCKETS));
}

function cells(count: readonly number[], sumOf: (count: number, i: number) => number): Cells {
  const sum = count.map(sumOf);
  return {
    bucket: count.map((_, i) => i),
    count,
    sum,
    sumSquares: sum.map((s, i) => (s * s) / Math.max(1, count[i] ?? 1)),
  };
}

/** A plan of three stages over errors and latency; its durations are for `timeScale: 0.001`, a day in 86.4 s. */
export const PLAN = `
flag: checkout
version: build-1
preflight: [launch-readiness, flag-configured]
baseline: { window: 12h }
stages:
  - { name: canary, percentage: 10, duration: 12h }
  - { name: beta, percentage: 50, duration: 12h }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h }
abortCriteria: [ { metric: errorRate, limit: 2% }, { metric: p99Latency, limit: 2x baseline } ]
killSwitch: { flag: checkout-kill, autoTrip: true, trip: [ { metric: errorRate, limit: 20% } ] }
exit: [ ga-stable, no-abort, docs-updated ]
`;

/** Creates the rollout of `PLAN` and brings it to its baseline. Gives its id. */
export async function startRollout({ admin }: Rig, text = PLAN, timeScale = 0.001): Promise<string> {
  const { state } = await admin.createRollout({ text, timeScale });
  await admin.command(state.id, { type: 'Start' });
  await admin.command(state.id, {
    type: 'Approve',
    item: 'launch-readiness',
    evidence: 'https://wiki.example.com/launch',
  });
  return state.id;
}

/** A step of life: users are served, their SDK flushes, and time passes. */
export async function live(rig: Rig, traffic: TrafficOptions = HEALTHY, stepMs = 1_000): Promise<void> {
  const ruleset = await rig.sdk.getRuleset();
  if (ruleset === 'unchanged') throw new Error('an unconditional question was answered "unchanged"');
  const served = ruleset.flags.checkout;
  if (served === undefined) throw new Error('the ruleset has no flag checkout');
  const now = rig.clock.now();
  await rig.sdk.sendTelemetry(trafficOf(ruleset, served, `batch-${now}`, now, traffic));
  await rig.pass(stepMs);
}

/** Lives until a condition holds, at most so many steps. */
export async function liveUntil(
  rig: Rig,
  id: string,
  phase: string,
  options: { readonly traffic?: TrafficOptions; readonly steps?: number; readonly stepMs?: number } = {},
): Promise<void> {
  const steps = options.steps ?? 400;
  for (let step = 0; step < steps; step += 1) {
    const { state } = await rig.admin.getRollout(id);
    if (state.phase === phase) return;
    const failed = rig.logged.find(({ level }) => level === 'error');
    if (failed !== undefined) throw new Error(`the server logged an error: ${failed.message}`);
    await live(rig, options.traffic, options.stepMs);
  }
  const view = await rig.admin.getRollout(id);
  throw new Error(`rollout ${id} is in ${view.state.phase}, not ${phase}: it waits for ${view.waitingFor.join('; ')}`);
}

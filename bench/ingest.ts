import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type ApiClient, createApiClient, type TelemetryBatch } from '@rampart/api';
import { openItems } from '@rampart/rollout';
import { openSqliteStore } from '@rampart/server';
import { recordBatches } from './ingest-batches.ts';
import { createFleet, type Fleet } from './ingest-fleet.ts';
import { CellLedger, ledgerOf } from './ingest-ledger.ts';
import { type ServerProcess, startProcess } from './ingest-process.ts';
import type { Told } from './ingest-server.ts';
import type { BenchResult } from './result.ts';

/** The window of a baseline, and a little more. */
const BASELINE_MS = 24 * 3_600_000 + 60_000;
const SAMPLE_EVERY_MS = 1000;
/** Before anything is measured: every process has connected and reported once. */
const WARM_UP_MS = 10_000;
/** Interval of an SDK's flushes. */
const FLUSH_SECONDS = 5;
/** Different batches that are sent again and again, as other processes' own. */
const RECORDED_BATCHES = 200;
const MINUTES_A_DAY = 1440;
/** Cells a second that one core must take. */
const NEEDED = 50_000;
/** Share of the samples in which memory is still growing into its working set. */
const WARM_UP = 0.25;

type Settings = {
  readonly processes: number;
  readonly rollouts: number;
  readonly requestsPerSecond: number;
  readonly seconds: number;
};

type Usage = Extract<Told, { type: 'usage' }>;

function planOf(flag: string): string {
  return `
flag: ${flag}
version: build-1
stages:
  - { name: canary, percentage: 50, duration: 1w }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria:
  - { metric: errorRate, limit: 5% }
  - { metric: errorRate, limit: 3x control }
  - { metric: p99Latency, limit: 2x control }
killSwitch: { flag: ${flag}-kill, autoTrip: true, trip: [ { metric: hallucinationRate, limit: 15% }, { metric: costPerQuery, limit: $0.50 } ] }
`;
}

/** Rollouts that wait for their baseline. Gives their ids. */
async function begin(admin: ApiClient, flags: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const flag of flags) {
    const { id } = (await admin.createRollout({ text: planOf(flag) })).state;
    await admin.command(id, { type: 'Start' });
    const { state } = await admin.getRollout(id);
    for (const item of openItems(state))
      await admin.command(id, { type: 'Approve', item, evidence: 'https://wiki.example.com/launch' });
    ids.push(id);
  }
  return ids;
}

/** Moves time past the baseline, in which something must have been measured: half of everyone is exposed. */
async function expose(server: ServerProcess, admin: ApiClient, ids: readonly string[]): Promise<void> {
  await server.ask({ type: 'advance', ms: BASELINE_MS }, 'advanced');
  for (const id of ids) {
    const { state } = await admin.getRollout(id);
    if (state.phase !== 'exposing') throw new Error(`rollout ${id} is in ${state.phase}, expected exposing`);
  }
}

type Sample = { readonly at: number; readonly cells: number; readonly usage: Usage };

async function watch(server: ServerProcess, fleet: Fleet, seconds: number): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const startedAt = performance.now();
  for (let at = 0; at < seconds; ) {
    await new Promise((done) => setTimeout(done, samples.length === 0 ? 0 : SAMPLE_EVERY_MS));
    at = (performance.now() - startedAt) / 1000;
    const collect = samples.length === 0 || at >= seconds;
    const usage = await server.ask({ type: 'usage', collect }, 'usage');
    samples.push({ at, cells: fleet.tally.cells, usage });
    process.stderr.write(`\r${at.toFixed(0)} of ${seconds} s, ${fleet.tally.cells} cells`);
  }
  process.stderr.write('\n');
  return samples;
}

/** Slope of the least squares line, per x. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (pick: 0 | 1) => points.reduce((sum, point) => sum + point[pick], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const up = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  return up / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

const MB = 1024 * 1024;

function figuresOf(samples: readonly Sample[]) {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) throw new Error('nothing was sampled');
  const wall = last.at - first.at;
  const cells = last.cells - first.cells;
  const cpu = last.usage.cpu - first.usage.cpu;
  const settled = samples.slice(Math.floor(samples.length * WARM_UP));
  const rss = settled.map(({ usage }) => usage.rss / MB);
  return {
    seconds: wall,
    cells,
    cellsPerSecond: cells / wall,
    cpuSeconds: cpu,
    coresUsed: cpu / wall,
    mainThreadShare: (last.usage.mainCpu - first.usage.mainCpu) / cpu,
    cellsPerCpuSecond: cells / cpu,
    memory: {
      rssMb: { median: quantile(rss, 0.5), most: Math.max(...rss) },
      rssMbPerMinute: 60 * slope(settled.map(({ at, usage }) => [at, usage.rss / MB])),
      liveHeapMb: [first, last].map(({ usage }) => (usage.liveHeap ?? Number.NaN) / MB),
    },
  };
}

function countIn(name: string, fallback: number): number {
  const count = Number(process.env[name] ?? fallback);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new RangeError(`${name} is ${JSON.stringify(process.env[name])}; give a whole number from 1 on`);
}

/**
 * Telemetry of a large site into one server process on SQLite: real SDKs over HTTP, killed while they report, and every
 * acknowledged cell looked up afterwards. `SECONDS` (default: 60) is how long is measured, `PROCESSES` (1,000) the
 * number of SDK processes, `ROLLOUTS` (2) of rollouts they report on, `REQUESTS` (12) of requests per process and second.
 */
export async function run(): Promise<BenchResult> {
  const settings: Settings = {
    processes: countIn('PROCESSES', 1000),
    rollouts: countIn('ROLLOUTS', 2),
    requestsPerSecond: countIn('REQUESTS', 12),
    seconds: countIn('SECONDS', 60),
  };
  const dataDir = mkdtempSync(join(tmpdir(), 'rampart-ingest-'));
  try {
    return await measure(dataDir, settings);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Where the server is now: after a kill it is another one. */
type Place = { server: ServerProcess };

async function measure(dataDir: string, settings: Settings): Promise<BenchResult> {
  const place: Place = { server: await startProcess(dataDir, 0) };
  try {
    return await measureAt(place, dataDir, settings);
  } finally {
    await place.server.kill();
  }
}

async function measureAt(place: Place, dataDir: string, settings: Settings): Promise<BenchResult> {
  const { url, tokens } = place.server;
  if (tokens === undefined) throw new Error(`the new store in ${dataDir} gave no tokens; empty the directory`);
  const admin = createApiClient({ url, token: tokens.admin });
  const flags = Array.from({ length: settings.rollouts }, (_, i) => `feature-${i + 1}`);
  const ids = await begin(admin, flags);
  const requests = Math.round(settings.requestsPerSecond * FLUSH_SECONDS);
  const record = (count: number) => recordBatches({ url, token: tokens.sdk, flags, requests }, count);
  const [early] = await record(1);
  if (early === undefined) throw new Error('an SDK that served requests reported nothing');
  await createApiClient({ url, token: tokens.sdk }).sendTelemetry(
    JSON.parse(early.bodyOf('early', 1)) as TelemetryBatch,
  );
  await expose(place.server, admin, ids);
  const batches = await record(RECORDED_BATCHES);
  const { processes } = settings;
  const fleet = createFleet({ url: () => place.server.url, token: tokens.sdk, processes, batches });
  fleet.start();
  await new Promise((done) => setTimeout(done, WARM_UP_MS));
  fleet.tally.latencies.length = 0;
  const samples = await watch(place.server, fleet, settings.seconds);
  // In the middle of everything: processes go on, and deliver to the server that comes after it.
  const { failures } = fleet.tally;
  const latencies = [...fleet.tally.latencies];
  await place.server.kill();
  place.server = await startProcess(dataDir, BASELINE_MS);
  await fleet.finish();
  await place.server.close();
  const sent = new CellLedger();
  for (const one of early.series) sent.add(one.rollout, one);
  for (const [i, { series }] of batches.entries()) {
    for (const one of series) sent.add(one.rollout, one, fleet.tally.times[i]);
  }
  const found = await inspect(dataDir, ids);
  const figures = figuresOf(samples);
  const { tally } = fleet;
  return {
    name: 'ingest',
    ratios: { needed: NEEDED / figures.cellsPerCpuSecond },
    figures: {
      ...settings,
      ...figures,
      acknowledgeMs: { median: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) },
      acknowledged: {
        batches: tally.batches,
        cells: tally.cells,
        observations: sent.observations,
        cellsPerBatch: tally.cells / tally.batches,
        bytesPerBatch: tally.bytes / tally.batches,
      },
      killed: {
        failuresBefore: failures,
        deliveriesRepeated: tally.failures - failures,
        answersLost: tally.duplicates,
        observationsStored: found.stored.observations,
        cellsThatDiffer: found.stored.differences(sent),
      },
      store: found.size,
    },
  };
}

/** What the store has, read as a stranger would: nothing runs on it. */
async function inspect(dataDir: string, ids: readonly string[]) {
  const file = join(dataDir, 'rampart.db');
  const store = await openSqliteStore({ file });
  try {
    const stored = await ledgerOf(store, ids);
    const { telemetry } = await store.stats();
    return { stored, size: { mb: statSync(file).size / MB, telemetryRowsLeft: telemetry, ...evidenceSize(file) } };
  } finally {
    await store.close();
  }
}

/** What a rollout's evidence takes a day at a batch a minute; the median batch is a whole minute. */
function evidenceSize(file: string) {
  const db = new DatabaseSync(file, { readOnly: true });
  const sizes = db.prepare('SELECT length(CAST(value AS BLOB)) AS size FROM evidence').all();
  db.close();
  const median = quantile(
    sizes.map(({ size }) => Number(size)),
    0.5,
  );
  return { evidenceBatches: sizes.length, evidenceMbPerRolloutDay: (median * MINUTES_A_DAY) / MB };
}

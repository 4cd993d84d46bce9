import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createApiClient, ProblemError, type TelemetryBatch } from '@rampart/api';
import { type EventRecord, type EvidenceSeries, type RolloutState, replay } from '@rampart/rollout';
import { createClient, type RampartClient } from '@rampart/sdk';
import { openSqliteStore } from '@rampart/server';
import { seededRandom } from '../bench/virtual-site.ts';
import { KillableServer } from './killable-server.ts';

/** Four stages of a few seconds, so that kills hit the baseline, every stage and the monitoring. */
const PLAN = `
flag: crash-feature
version: build-1
timeScale: 0.00012
preflight: []
stages:
  - { name: internal, percentage: 10, duration: 24h }
  - { name: canary, percentage: 25, duration: 48h }
  - { name: beta, percentage: 50, duration: 1w }
  - { name: ga, percentage: 100, duration: permanent, monitor: 52w }
abortCriteria: [ { metric: errorRate, limit: 5% } ]
`;

/** What a run under fire showed. Every count of violations must be 0. */
export type CrashResult = {
  readonly kills: number;
  readonly commandsAcknowledged: number;
  readonly commandsLost: number;
  readonly requestsAcknowledged: number;
  readonly requestsInEvidence: number;
  readonly stages: readonly string[];
  readonly replayEqualsState: boolean;
  readonly chainIntact: boolean;
  readonly evaluations: number;
  readonly evaluationsWithoutRuleset: number;
  readonly dropped: number;
};

/** Requests that the server has acknowledged: sums of the batches it answered, each once. */
class Acknowledged {
  readonly #seen = new Set<string>();
  requests = 0;

  readonly fetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (init?.method === 'POST' && response.status < 300 && typeof init.body === 'string') this.#note(init.body);
    return response;
  };

  #note(body: string): void {
    const batch = JSON.parse(body) as TelemetryBatch;
    if (this.#seen.has(batch.batchId)) return;
    this.#seen.add(batch.batchId);
    this.requests += batch.series
      .filter((one) => one.metric === 'errorRate')
      .flatMap((one) => one.count)
      .reduce((a, b) => a + b, 0);
  }
}

class Traffic {
  readonly #client: RampartClient;
  #running = true;
  evaluations = 0;
  withoutRuleset = 0;

  constructor(client: RampartClient) {
    this.#client = client;
  }

  async run(random: () => number): Promise<void> {
    while (this.#running) {
      for (let index = 0; index < 10; index += 1)
        this.#request(`user-${Math.floor(random() * 2000)}`, random() < 0.002);
      await pause(20);
    }
  }

  #request(targetingKey: string, error: boolean): void {
    const scope = this.#client.openScope({ targetingKey });
    scope.run(() => {
      const details = this.#client.details('crash-feature', false, { targetingKey });
      this.evaluations += 1;
      if (details.errorCode !== undefined) this.withoutRuleset += 1;
      this.#client.recordOutcome({ error, durationMs: 5 });
    });
  }

  stop(): void {
    this.#running = false;
  }
}

/** Sends a command until the server has answered it, however often it dies meanwhile. */
async function commandUntilAnswered(
  server: KillableServer,
  id: string,
  command: Parameters<ReturnType<typeof createApiClient>['command']>[1],
  idempotencyKey: string,
): Promise<boolean> {
  for (;;) {
    try {
      const api = createApiClient({ url: server.url, token: server.tokens?.admin ?? '' });
      await api.command(id, command, { idempotencyKey });
      return true;
    } catch (error) {
      const code = error instanceof ProblemError ? error.code : 'INTERNAL';
      if (code !== 'UNREACHABLE' && code !== 'STORE_UNAVAILABLE') return false;
      await pause(30);
    }
  }
}

function held(records: readonly EventRecord[], reason: string): number {
  return records.filter(({ event }) => event.type === 'RolloutHeld' && event.reason === reason).length;
}

async function inspect(dataFile: string, id: string) {
  const store = await openSqliteStore({ file: dataFile });
  try {
    const events = await store.readStream(`rollout/${id}`);
    const evidence = await store.evidenceAfter(id, 0);
    const chain = await store.verifyChain();
    const counted = evidence
      .flatMap((row) => (row.value as { series: readonly EvidenceSeries[] }).series)
      .filter((one) => one.metric === 'errorRate')
      .flatMap((one) => one.count)
      .reduce((a, b) => a + b, 0);
    return { events: events.length, counted, chainIntact: chain.ok };
  } finally {
    await store.close();
  }
}

/** Kills the server again and again at random moments of a rollout under traffic, and counts what was lost. */
export async function crashRun(options: {
  readonly kills: number;
  readonly seed: number;
  readonly onKill?: (done: number) => void;
}): Promise<CrashResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rampart-crash-'));
  const random = seededRandom(options.seed);
  const server = new KillableServer(dataDir);
  await server.start();
  const api = createApiClient({ url: server.url, token: server.tokens?.admin ?? '' });
  const { state } = await api.createRollout({ text: PLAN });
  await api.command(state.id, { type: 'Start' });
  const acknowledged = new Acknowledged();
  const client = createClient({
    url: server.url,
    token: server.tokens?.sdk ?? '',
    flushIntervalMs: 200,
    fetch: acknowledged.fetch,
  });
  await client.ready();
  const traffic = new Traffic(client);
  const driving = traffic.run(random);
  const reasons: string[] = [];
  let answered = 0;
  const commanding = (async () => {
    for (let index = 0; reasons.length < options.kills; index += 1) {
      const reason = `hold ${index}`;
      reasons.push(reason);
      if (await commandUntilAnswered(server, state.id, { type: 'Hold', reason }, `hold-${index}`)) answered += 1;
      await commandUntilAnswered(server, state.id, { type: 'Resume' }, `resume-${index}`);
      await pause(200 + 600 * random());
    }
  })();
  for (let done = 0; done < options.kills; done += 1) {
    await pause(100 + 1400 * random());
    await server.stop('SIGKILL');
    await server.start();
    options.onKill?.(done + 1);
  }
  await commanding;
  traffic.stop();
  await driving;
  while (!(await client.flush())) await pause(100);
  const { dropped } = client.status();
  await client.close();
  await settle(server, state.id);
  const final = createApiClient({ url: server.url, token: server.tokens?.admin ?? '' });
  const [view, records] = [await final.getRollout(state.id), await final.listEvents(state.id)];
  await server.stop('SIGTERM');
  const kept = await inspect(join(dataDir, 'rampart.db'), state.id);
  rmSync(dataDir, { recursive: true });
  return {
    kills: options.kills,
    commandsAcknowledged: answered,
    commandsLost: reasons.filter((reason) => held(records, reason) !== 1).length,
    requestsAcknowledged: acknowledged.requests,
    requestsInEvidence: kept.counted,
    stages: records.flatMap(({ event }) => (event.type === 'StageEntered' ? [event.name] : [])),
    // The rollout goes on between the two reads: the state is compared with the events it was made from.
    replayEqualsState:
      isSame(replay(records.slice(0, view.state.version)), view.state) && kept.events >= records.length,
    chainIntact: kept.chainIntact,
    evaluations: traffic.evaluations,
    evaluationsWithoutRuleset: traffic.withoutRuleset,
    dropped,
  };
}

function isSame(a: RolloutState | undefined, b: RolloutState): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

/** Waits until the reconciler has folded all telemetry that was acknowledged. */
async function settle(server: KillableServer, id: string): Promise<void> {
  const api = createApiClient({ url: server.url, token: server.tokens?.admin ?? '' });
  let last = -1;
  for (let round = 0; round < 100; round += 1) {
    const view = await api.getRollout(id);
    const now = view.judgement?.throughSeq ?? 0;
    if (round > 10 && now === last) return;
    last = now;
    await pause(100);
  }
}

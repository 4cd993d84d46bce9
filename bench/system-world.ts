import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createApiClient } from '@rampart/api';
import { createClient, type RampartClient, type Clock as SdkClock } from '@rampart/sdk';
import { type Log, type RampartServer, type ServerOptions, startServer } from '@rampart/server';

/** 2026-01-05, a Monday. */
const START_AT = Date.UTC(2026, 0, 5, 9);
/** Longest real wait for a ruleset to reach an SDK, milliseconds. */
const LONGEST_PUSH_MS = 10_000;

/** The one clock of a server and its SDKs: it stands until it is moved. */
class WorldClock implements SdkClock {
  #now = START_AT;
  readonly now = (): number => this.#now;
  readonly monotonicMs = (): number => this.#now;
  /** Limits on waiting for the network are real time; reports are made by hand. */
  readonly after: SdkClock['after'] = (delayMs, purpose, run) => {
    if (purpose === 'flush') return () => undefined;
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  };

  advance(ms: number): void {
    this.#now += ms;
  }
}

/** A real server with a store of its own, clients that reach it over HTTP, and a clock that is moved by hand. */
export type World = {
  readonly clock: WorldClock;
  readonly server: RampartServer;
  readonly admin: ApiClient;
  /** Connects one more SDK and waits until it has the ruleset. `onRequest` hears of each of its HTTP requests. */
  readonly connect: (onRequest: () => void) => Promise<RampartClient>;
  /** Resolves once every given SDK evaluates by the ruleset of the server. */
  readonly settle: (clients: readonly RampartClient[]) => Promise<void>;
  /** Ends it all. Gives what the server logged as a warning or an error meanwhile. */
  readonly dispose: () => Promise<readonly string[]>;
};

/** Opens a world. */
export async function openWorld(options: Pick<ServerOptions, 'webhookPolicy'> = {}): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rampart-system-'));
  const clock = new WorldClock();
  const complaints: string[] = [];
  const server = await startServer({ dataDir, port: 0, clock, log: logInto(complaints), ...options });
  const tokens = server.firstToken;
  if (tokens === undefined) throw new Error(`the new store in ${dataDir} gave no tokens; empty the directory`);
  const admin = createApiClient({ url: server.url, token: tokens.admin });
  const settle = async (clients: readonly RampartClient[]) => {
    const { revision } = await admin.status();
    await Promise.all(clients.map((client) => untilRevision(client, revision)));
  };
  return {
    clock,
    server,
    admin,
    settle,
    async connect(onRequest) {
      const counted = (url: string, init: RequestInit) => {
        onRequest();
        return fetch(url, init);
      };
      const client = createClient({ url: server.url, token: tokens.sdk, clock, fetch: counted });
      await client.ready();
      return client;
    },
    async dispose() {
      await server.close();
      rmSync(dataDir, { recursive: true, force: true });
      return complaints;
    },
  };
}

function logInto(complaints: string[]): Log {
  const keep = (fields: object, message: string) => void complaints.push(`${message} ${JSON.stringify(fields)}`);
  return { info: () => undefined, warn: keep, error: keep };
}

async function untilRevision(client: RampartClient, revision: number): Promise<void> {
  const isThere = () => (client.status().revision ?? -1) >= revision;
  if (isThere()) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = new Error(`revision ${revision} did not reach an SDK within ${LONGEST_PUSH_MS / 1000} s`);
  const timer = setTimeout(() => reject(late), LONGEST_PUSH_MS);
  const stop = client.on('change', () => isThere() && resolve());
  await promise.finally(() => {
    clearTimeout(timer);
    stop();
  });
}

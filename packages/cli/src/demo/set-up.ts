import { mkdir } from 'node:fs/promises';
import { type ApiClient, createApiClient } from '@rampart/api';
import { CliError } from '../cli-error.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { Io } from '../io.ts';
import { type Cast, hire } from './cast.ts';
import { type DemoChild, startChild } from './child-process.ts';
import { DEMO_ENVIRONMENT } from './demo-plans.ts';

/** What runs while the demo does, to be ended in any case. */
export type Running = { readonly children: DemoChild[]; server?: ControlPlane };

/** What the demo is played with. */
export type Play = {
  readonly admin: ApiClient;
  readonly adminToken: string;
  readonly cast: Cast;
  readonly load: DemoChild;
  readonly url: string;
  readonly appUrl: string;
};

/** What to set up. */
export type SetUpOptions = {
  readonly dataDir: string;
  readonly port: number;
  readonly seed: number;
  /** Requests per second over both routes. */
  readonly rate: number;
};

/** Telemetry is flushed as often as the shortest evidence batch closes. */
const FLUSH_MS = 200;

/** Starts control plane, app and load, each noted in `running` as soon as it is there. Throws `START_FAILED`. */
export async function setUp(io: Io, options: SetUpOptions, running: Running): Promise<Play> {
  const { dataDir, port, seed, rate } = options;
  await mkdir(dataDir, { recursive: true });
  const server = await io.startServer({ dataDir, host: '127.0.0.1', port, environment: DEMO_ENVIRONMENT });
  running.server = server;
  const { url, firstTokens } = server;
  if (firstTokens === undefined) throw new CliError('START_FAILED', `${dataDir} holds a store already.`);
  const admin = createApiClient({ url, token: firstTokens.admin, fetch: io.fetch });
  const cast = await hire(admin, url, io.fetch);
  await admin.putSegment({
    key: 'team',
    description: 'Our own people',
    all: [{ attribute: 'group', operator: 'equals', value: 'team' }],
  });
  const sdk = { RAMPART_URL: url, RAMPART_TOKEN: firstTokens.sdk, RAMPART_FLUSH_MS: String(FLUSH_MS) };
  const app = startChild('main', [], { ...io.env, ...sdk, PORT: '0' });
  running.children.push(app);
  const appUrl = urlOf(await app.message());
  const load = startChild('load', ['--url', appUrl, '--seed', String(seed), '--rate', String(rate)], io.env);
  running.children.push(load);
  await load.message();
  return { admin, adminToken: firstTokens.admin, cast, load, url, appUrl };
}

/** Ends everything, whatever state it is in. */
export async function tearDown({ children, server }: Running): Promise<void> {
  await Promise.all(children.map((child) => child.stop()));
  await server?.close();
}

function urlOf(message: unknown): string {
  if (typeof message === 'object' && message !== null && 'url' in message) return String(message.url);
  throw new CliError('START_FAILED', `The example app said ${JSON.stringify(message)} in place of its address.`);
}

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether a real Prometheus is here (`apt-get install prometheus`). In CI its absence is a failure, not a reason to skip. */
export const SKIP_PROMETHEUS =
  process.env.CI === undefined &&
  ['prometheus', 'promtool'].some((name) => spawnSync(name, ['--version']).status !== 0);

/** One sample of a recorded history. `at` in epoch milliseconds. */
export type RecordedSample = {
  readonly labels: Readonly<Record<string, string>>;
  readonly at: number;
  readonly value: number;
};

/** A counter family (its name without `_total`), or a histogram with samples of its `_bucket` series. */
export type RecordedFamily = {
  readonly name: string;
  readonly type: 'counter' | 'histogram';
  readonly samples: readonly RecordedSample[];
};

/** A Prometheus over a recorded history. */
export type RunningPrometheus = { readonly url: string; readonly stop: () => Promise<void> };

/** Settings of a Prometheus that wants credentials, and the header that has them. */
export type GuardedWeb = { readonly config: string; readonly authorization: string };

/** Starts a Prometheus whose whole history is the given samples; it scrapes nothing. */
export async function startPrometheus(
  families: readonly RecordedFamily[],
  web?: GuardedWeb,
): Promise<RunningPrometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-prometheus-'));
  const recorded = join(dir, 'history.om');
  writeFileSync(recorded, openMetricsOf(families));
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', recorded, join(dir, 'data')], {
    stdio: 'pipe',
  });
  const running = await run(dir, await freePort(), 'global: {}\n', web);
  return {
    url: running.url,
    async stop() {
      await running.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A Prometheus that scrapes each second, and can be stopped and started again on the same data and port. */
export type ScrapingPrometheus = {
  readonly url: string;
  readonly stop: () => Promise<void>;
  readonly startAgain: () => Promise<void>;
  /** Stops it for good. */
  readonly dispose: () => Promise<void>;
};

/** Starts a Prometheus that scrapes `host:port` each second. */
export async function startScraping(target: string): Promise<ScrapingPrometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-prometheus-'));
  const port = await freePort();
  const config = `global: { scrape_interval: 1s }\nscrape_configs: [ { job_name: app, static_configs: [ { targets: ['${target}'] } ] } ]\n`;
  let running = await run(dir, port, config);
  return {
    url: running.url,
    stop: () => running.stop(),
    async startAgain() {
      running = await run(dir, port, config);
    },
    async dispose() {
      await running.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function run(dir: string, port: number, config: string, web?: GuardedWeb): Promise<RunningPrometheus> {
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file('prometheus.yml', config)}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
      ...(web === undefined ? [] : [`--web.config.file=${file('web.yml', web.config)}`]),
    ],
    { stdio: 'ignore' },
  );
  // A run that fails before it stops it leaves nothing behind.
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, `${url}/-/ready`, web);
  return {
    url,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
    },
  };
}

function openMetricsOf(families: readonly RecordedFamily[]): string {
  const lines = families.flatMap(({ name, type, samples }) => [
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels, at, value }) => {
      const inner = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
      return `${name}_${type === 'counter' ? 'total' : 'bucket'}{${inner.join(',')}} ${value} ${at / 1000}`;
    }),
  ]);
  return `${lines.join('\n')}\n# EOF\n`;
}

/** A port of the loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

const READY_TRIES = 300;
const READY_EVERY_MS = 50;

/** Waits until a server answers 200 at an address. */
export async function untilReady(
  child: ChildProcess,
  url: string,
  web?: Pick<GuardedWeb, 'authorization'>,
): Promise<void> {
  const name = child.spawnfile;
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode} before it was ready`);
    const status = await fetch(url, { headers: { ...(web && { authorization: web.authorization }) } }).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, READY_EVERY_MS));
  }
  child.kill('SIGKILL');
  throw new Error(`${name} was not ready in time`);
}

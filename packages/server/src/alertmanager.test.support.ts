import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, untilReady } from '../../connectors/src/prometheus.test.support.ts';

/** Whether a real Alertmanager is here (`apt-get install prometheus-alertmanager`). In CI its absence is a failure, not a reason to skip. */
export const SKIP_ALERTMANAGER =
  process.env.CI === undefined && spawnSync('prometheus-alertmanager', ['--version']).status !== 0;

/** An Alertmanager that sends everything to one webhook at once. */
export type RunningAlertmanager = {
  /** Tells it of an alert, as Prometheus does; without `endsAt` it fires. */
  readonly alert: (labels: Readonly<Record<string, string>>, startsAt: number, endsAt?: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Starts an Alertmanager whose only receiver is `url`, with a secret sent along. */
export async function startAlertmanager(url: string, secret: string): Promise<RunningAlertmanager> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-alertmanager-'));
  const config = join(dir, 'alertmanager.yml');
  const receiver = `{ url: '${url}', send_resolved: true, max_alerts: 0, http_config: { authorization: { credentials: '${secret}' } } }`;
  const route = "{ receiver: rampart, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1s }";
  writeFileSync(config, `route: ${route}\nreceivers: [ { name: rampart, webhook_configs: [ ${receiver} ] } ]\n`);
  const port = await freePort();
  const child = spawn(
    'prometheus-alertmanager',
    [
      `--config.file=${config}`,
      `--storage.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  // A run that fails before it stops it leaves nothing behind.
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const base = `http://127.0.0.1:${port}`;
  await untilReady(child, base);
  return {
    async alert(labels, startsAt, endsAt) {
      const instants = { startsAt: iso(startsAt), ...(endsAt !== undefined && { endsAt: iso(endsAt) }) };
      const response = await fetch(`${base}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([{ labels, ...instants, generatorURL: 'http://prometheus.example/graph' }]),
      });
      if (!response.ok) throw new Error(`Alertmanager answered ${response.status}: ${await response.text()}`);
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const iso = (at: number) => new Date(at).toISOString();

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, untilReady } from './prometheus.test.support.ts';

/** Whether a real Alertmanager is here (`apt-get install prometheus-alertmanager`). In CI its absence is a failure, not a reason to skip. */
export const SKIP_ALERTMANAGER =
  process.env.CI === undefined && spawnSync('prometheus-alertmanager', ['--version']).status !== 0;

/** An Alertmanager under test. */
export type BareAlertmanager = { readonly url: string; readonly stop: () => Promise<void> };

/** Starts an Alertmanager with the given configuration (YAML). */
export async function runAlertmanager(config: string): Promise<BareAlertmanager> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-alertmanager-'));
  const file = join(dir, 'alertmanager.yml');
  writeFileSync(file, config);
  const port = await freePort();
  const child = spawn(
    'prometheus-alertmanager',
    [
      `--config.file=${file}`,
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
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, url);
  return {
    url,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

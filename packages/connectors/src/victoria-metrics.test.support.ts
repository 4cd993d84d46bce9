import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type RecordedFamily, type RunningPrometheus, untilReady } from './prometheus.test.support.ts';

/** Whether a real VictoriaMetrics is here (`apt-get install victoria-metrics`). In CI its absence is a failure. */
export const SKIP_VICTORIA_METRICS =
  process.env.CI === undefined && spawnSync('victoria-metrics', ['--version']).error !== undefined;

/** Starts a VictoriaMetrics whose whole history is the given samples. */
export async function startVictoriaMetrics(families: readonly RecordedFamily[]): Promise<RunningPrometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-victoria-'));
  const port = await freePort();
  const child = spawn(
    'victoria-metrics',
    [
      `-storageDataPath=${dir}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-retentionPeriod=100y',
      '-search.latencyOffset=0s',
      '-loggerLevel=ERROR',
    ],
    { stdio: 'ignore' },
  );
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, `${url}/health`);
  await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: linesOf(families) });
  await fetch(`${url}/internal/force_flush`);
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

function linesOf(families: readonly RecordedFamily[]): string {
  const lines = families.flatMap(({ name, type, samples }) =>
    samples.map(({ labels, at, value }) => {
      const inner = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
      return `${name}_${type === 'counter' ? 'total' : 'bucket'}{${inner.join(',')}} ${value} ${at}`;
    }),
  );
  return `${lines.join('\n')}\n`;
}

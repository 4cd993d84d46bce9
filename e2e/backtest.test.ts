import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type RecordedSample,
  type RunningPrometheus,
  SKIP_PROMETHEUS,
  startPrometheus,
} from '../packages/connectors/src/prometheus.test.support.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 5);
const MINUTES = 12 * 60;

const PLAN = `flag: checkout
metrics:
  errorRate: { source: prometheus, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total, arm: variant }
stages:
  - { name: canary, percentage: 10, duration: 24h, gate: [ { metric: errorRate, limit: 1.5x control } ] }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 5% } ]
`;

/** Requests of one variant: `perMinute` of them, of which a share fails that triples for the new variant after 8 h. */
function requests(variant: string, perMinute: number): readonly RecordedSample[] {
  const samples: RecordedSample[] = [];
  let [good, bad] = [0, 0];
  for (let minute = 0; minute <= MINUTES; minute += 1) {
    const at = START + minute * MINUTE;
    samples.push(
      { labels: { variant, code: '200' }, at, value: good },
      { labels: { variant, code: '500' }, at, value: bad },
    );
    const failing = perMinute * (variant === 'on' && minute >= 8 * 60 ? 0.03 : 0.01);
    bad += failing;
    good += perMinute - failing;
  }
  return ['200', '500'].flatMap((code) => samples.filter(({ labels }) => labels.code === code));
}

describe.skipIf(SKIP_PROMETHEUS)('rampart backtest over a real Prometheus (apt-get install prometheus)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-backtest-'));
  let prometheus: RunningPrometheus;
  beforeAll(async () => {
    writeFileSync(join(dir, 'plan.yaml'), PLAN);
    prometheus = await startPrometheus([
      { name: 'http_requests', type: 'counter', samples: [...requests('on', 100), ...requests('off', 900)] },
    ]);
  });
  afterAll(async () => {
    await prometheus.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('says when the variant broke its gate, and that the incident was found', async () => {
    const main = join(ROOT, 'packages/cli/src/main.ts');
    const argv = [
      'backtest',
      '--plan',
      'plan.yaml',
      '--prometheus',
      prometheus.url,
      '--baseline',
      '1h',
      '--split',
      '10',
    ];
    const range = [
      '--from',
      '2026-01-05',
      '--to',
      '2026-01-05T12:00Z',
      '--incident',
      '2026-01-05T08:00Z..2026-01-05T12:00Z',
    ];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@rampart/source', main, ...argv, ...range, '--json'],
      { cwd: dir },
    );
    const found = JSON.parse(stdout) as {
      readonly hasArms: boolean;
      readonly result: {
        readonly aborts: readonly object[];
        readonly incidents: readonly { readonly abortedAt?: number }[];
      };
    };
    expect(found.hasArms).toBe(true);
    expect(found.result.aborts[0]).toMatchObject({ metric: 'errorRate', kind: 'gate', isFalse: false });
    const afterMs = (found.result.incidents[0]?.abortedAt ?? 0) - (START + 8 * 60 * MINUTE);
    expect(afterMs).toBeGreaterThan(0);
    expect(afterMs).toBeLessThan(3 * 60 * MINUTE);
  });
});

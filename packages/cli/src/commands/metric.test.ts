import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MetricTestResult } from '@rampart/api';
import { type RampartServer, startServer } from '@rampart/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakePrometheus, startFakePrometheus } from '../../../connectors/src/fake-prometheus.test.support.ts';
import { type Cli, openCli } from '../cli.test.support.ts';
import { startControlPlane } from '../start-control-plane.ts';

const PLAN = `
flag: checkout
metrics:
  errorRate: { source: prom, bad: 'reqs_total{code="500"}', total: reqs_total, arm: variant }
  p99Latency: { source: telemetry }
stages:
  - { name: canary, percentage: 10, duration: 24h, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 2% }, { metric: p99Latency, limit: 2x control } ]
`;
const SECRET = 'very-secret-token';
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('rampart metric test', () => {
  let prometheus: FakePrometheus;
  let server: RampartServer;
  let cli: Cli;
  const run = (...argv: readonly string[]) =>
    cli.run(['metric', 'test', ...argv], {
      ...{ fetch: globalThis.fetch, columns: () => 100 },
      env: { HOME: cli.dir, RAMPART_URL: server.url, RAMPART_TOKEN: server.firstToken?.admin },
    });
  beforeAll(async () => {
    prometheus = await startFakePrometheus();
    const now = Date.now();
    // 100 bad of 1,000 of the new variant, 2 of 9,000 of the old one.
    for (const [at, n] of [
      [now - 12 * 60_000, 0],
      [now - 8 * 60_000, 0],
      [now - 4 * 60_000, 0.5],
      [now - 5_000, 1],
    ] as const) {
      prometheus.scrape(at, {
        'reqs_total{variant="on",code="200"}': 900 * n,
        'reqs_total{variant="on",code="500"}': 100 * n,
        'reqs_total{variant="off",code="200"}': 8_998 * n,
        'reqs_total{variant="off",code="500"}': 2 * n,
      });
    }
    cli = openCli();
    writeFileSync(join(cli.dir, 'plan.yaml'), PLAN);
    writeFileSync(join(cli.dir, 'broken.yaml'), PLAN.replace('total: reqs_total, ', ''));
    server = await startServer({
      ...{ dataDir: join(cli.dir, 'data'), port: 0, log: quiet, secretOf: () => SECRET },
      settings: {
        allowedHosts: ['127.0.0.1'],
        sources: {
          prom: { kind: 'prometheus', url: prometheus.url, settle: '0s', auth: { bearer: { secretRef: 'TOKEN' } } },
        },
      },
    });
  });
  afterAll(async () => {
    await server.close();
    await prometheus.stop();
  });

  it('shows the questions, the raw answers, what was counted in each arm, and what each check would say', async () => {
    const { code, out, err } = await run('errorRate', '--plan', 'plan.yaml');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('reqs_total{code="500"}[');
    expect(out).toContain('"resultType":"matrix"');
    expect(out).toMatch(/treatment +1,?000 +100 +0\.1 +unknown/);
    expect(out).toMatch(/control +9,?000 +2 +0\.000222/);
    expect(out).toMatch(/abort +2% +fail/);
    expect(out).toMatch(/gate +2% +fail/);
    expect(out).not.toContain(SECRET);
  });

  it('judges for another stage and interval, and gives all as JSON', async () => {
    const { code, out } = await run('errorRate', '--plan', 'plan.yaml', '--stage', 'ga', '--over', '1m', '--json');
    const result: MetricTestResult = JSON.parse(out);
    expect([code, result.stage, result.toAt - result.fromAt, result.outcome]).toEqual([0, 'ga', 60_000, 'value']);
  });

  it('asks for a rollout, as it stands', async () => {
    const env = { HOME: cli.dir, RAMPART_URL: server.url, RAMPART_TOKEN: server.firstToken?.admin };
    await cli.run(['start', 'plan.yaml'], { fetch: globalThis.fetch, env });
    expect((await run('errorRate')).out).toContain('for stage canary');
  });

  it('ends with 1 where there is no value, and says why', async () => {
    prometheus.set('auth');
    const { code, out } = await run('errorRate', '--plan', 'plan.yaml');
    prometheus.set('none');
    expect(code).toBe(1);
    expect(out).toContain('401 Unauthorized');
    expect(out).toMatch(/Outcome: error.*refused the credentials/);
    expect(out).toMatch(/abort +2% +error/);
  });

  it.each([
    [['tokens', '--plan', 'plan.yaml'], 'the plan has'],
    [
      ['p99Latency', '--plan', 'plan.yaml'],
      'comes from telemetry, which cannot be asked; sources of this server that can: prom',
    ],
    [['errorRate', '--plan', 'plan.yaml', '--stage', 'beta'], 'received "beta"; the plan has canary, ga'],
    [['errorRate', '--plan', 'broken.yaml'], 'metrics.errorRate: total is missing'],
  ])('refuses %j', async (argv, words) => {
    const { code, err } = await run(...argv);
    expect(code).toBe(1);
    expect(err).toContain(words);
  });
});

describe('rampart status', () => {
  it('has a line for each source that is pulled or not well', async () => {
    const cli = openCli();
    writeFileSync(
      join(cli.dir, 'plan.yaml'),
      PLAN.replaceAll('source: prom', 'source: telemetry').replace(/bad.*variant/, ''),
    );
    await cli.run(['start', 'plan.yaml']);
    const sources = [
      { source: 'telemetry', status: 'up', metrics: ['p99Latency'] },
      {
        source: 'prom',
        status: 'silent',
        why: 'it does not answer',
        newestAt: cli.plane.now - 360_000,
        metrics: ['errorRate'],
      },
    ];
    const withSources: typeof fetch = async (input, init) => {
      const answer = await cli.plane.fetch(input, init);
      const body: unknown = await answer.json();
      const told = JSON.stringify(body).replaceAll('"waitingFor"', `"sources":${JSON.stringify(sources)},"waitingFor"`);
      return new Response(told, { status: answer.status });
    };
    const { out } = await cli.run(['status'], { fetch: withSources });
    expect(out).toContain('Sources\n  prom silent, newest data 6 min old: it does not answer');
    expect(out).not.toContain('telemetry up');
  });
});

describe('rampart serve --settings', () => {
  it('says what is wrong with the file, and starts nothing', async () => {
    const cli = openCli();
    writeFileSync(
      join(cli.dir, 'sources.yaml'),
      'sources: { prom: { kind: prometheus, url: "http://10.1.2.3:9090" } }',
    );
    const serve = (...argv: readonly string[]) =>
      cli.run(['serve', '--port', '0', ...argv], { startServer: startControlPlane });
    const { code, err } = await serve('--settings', 'sources.yaml');
    expect(code).toBe(1);
    expect(err).toContain('error SETTINGS_INVALID: The settings cannot be used: URL_REFUSED: sources.prom.url');
    expect(await serve('--settings', 'none.yaml')).toMatchObject({
      code: 2,
      err: expect.stringContaining('FILE_MISSING'),
    });
  });
});

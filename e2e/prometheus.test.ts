import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createApiClient, type RolloutView } from '@rampart/api';
import { type CompiledRuleset, compile, evaluate } from '@rampart/flags';
import { type RampartServer, startServer } from '@rampart/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ScrapingPrometheus,
  SKIP_PROMETHEUS,
  startScraping,
} from '../packages/connectors/src/prometheus.test.support.ts';

/** Durations are for `timeScale: 0.00025`: 12 h in 10.8 s. */
const PLAN = `
flag: checkout
version: build-1
preflight: [flag-configured]
baseline: { window: 12h }
metrics:
  errorRate: { source: metrics, bad: 'http_requests_total{code="500"}', total: http_requests_total, arm: variant }
stages:
  - { name: canary, percentage: 10, duration: 12h, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: beta, percentage: 50, duration: 12h, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
`;

const USERS_PER_STEP = 200;
const STEP_MS = 100;
const LOOK_MS = 200;

/** An app that serves users by the flag and tells Prometheus, not Rampart, how they fared. */
class App {
  /** Share of requests that fail, in [0, 1]. */
  errors = { on: 0.002, off: 0.002 };
  readonly #requests = new Map<string, number>();
  readonly #server: Server = createServer((_, response) => {
    const lines = [...this.#requests].map(([labels, count]) => `http_requests_total{${labels}} ${count}\n`);
    response.end(`# TYPE http_requests_total counter\n${lines.join('')}`);
  });
  #timer: NodeJS.Timeout | undefined;
  #revision: number | undefined;
  #ruleset: CompiledRuleset | undefined;
  #served = 0;

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  serve(sdk: ApiClient): void {
    this.#timer = setInterval(() => void this.#step(sdk).catch(() => undefined), STEP_MS);
  }

  async #step(sdk: ApiClient): Promise<void> {
    const ruleset = await sdk.getRuleset(this.#revision);
    if (ruleset !== 'unchanged') {
      this.#revision = ruleset.revision;
      this.#ruleset = compile(ruleset);
    }
    for (let i = 0; i < USERS_PER_STEP && this.#ruleset !== undefined; i += 1) {
      this.#served += 1;
      const user = { targetingKey: `user-${this.#served}` };
      const variant = evaluate(this.#ruleset, 'checkout', false, user).value === true ? 'on' : 'off';
      // Every n-th request fails, so that the share is exact.
      const fails =
        Math.floor(this.#served * this.errors[variant]) > Math.floor((this.#served - 1) * this.errors[variant]);
      const labels = `variant="${variant}",code="${fails ? '500' : '200'}"`;
      this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe.skipIf(SKIP_PROMETHEUS)('a rollout watched by a real Prometheus alone (apt-get install prometheus)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-pulled-'));
  const app = new App();
  let prometheus: ScrapingPrometheus;
  let server: RampartServer;
  let admin: ApiClient;
  let id: string;
  beforeAll(async () => {
    prometheus = await startScraping(await app.listen());
    server = await startServer({
      ...{ dataDir: dir, port: 0, log: { info: () => undefined, warn: () => undefined, error: () => undefined } },
      settings: {
        allowedHosts: ['127.0.0.1'],
        sources: { metrics: { kind: 'prometheus', url: prometheus.url, every: '1s', settle: '1s' } },
      },
    });
    const { admin: token = '', sdk = '' } = server.firstToken ?? {};
    admin = createApiClient({ url: server.url, token });
    app.serve(createApiClient({ url: server.url, token: sdk }));
    id = (await admin.createRollout({ text: PLAN, timeScale: 0.00025 })).state.id;
    await admin.command(id, { type: 'Start' });
  }, 60_000);
  afterAll(async () => {
    await app.close();
    await server.close();
    await prometheus.dispose();
    rmSync(dir, { recursive: true, force: true });
  });

  const until = async (what: (view: RolloutView) => boolean): Promise<RolloutView> => {
    for (;;) {
      const view = await admin.getRollout(id);
      if (what(view)) return view;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  const isIn = (stage: string) => (view: RolloutView) =>
    view.state.phase === 'aborted' || view.state.plan.stages[view.state.stage?.index ?? -1]?.name === stage;

  it('holds while Prometheus is stopped, goes on when it is back, and aborts when the new variant fails', async () => {
    await until(isIn('canary'));
    await prometheus.stop();
    const blind = await until(({ state }) => state.blindSince !== undefined);
    expect(blind.state).toMatchObject({ phase: 'exposing', stage: { index: 0 } });
    const told = await until(({ sources }) => sources?.[0]?.status === 'silent');
    expect(told.sources?.[0]?.why).toContain('does not answer (ECONNREFUSED)');
    // Longer than the whole stage: nothing follows from silence but that it is told.
    const stillAt = Date.now() + 13_000;
    const still = await until(({ now, state }) => now > stillAt || state.stage?.index !== 0);
    expect(still.state).toMatchObject({ phase: 'exposing', stage: { index: 0 }, incidents: [] });
    await prometheus.startAgain();
    const beta = await until(isIn('beta'));
    expect(beta.state.phase).toBe('exposing');
    const tested = await admin.testMetric({ metric: 'errorRate', rollout: id, overMs: 5_000 });
    expect(tested).toMatchObject({ outcome: 'value', stage: 'beta', source: 'metrics' });
    expect(tested.arms.map(({ arm }) => arm)).toEqual(['treatment', 'control']);
    app.errors.on = 0.1;
    const { state } = await until(({ state: { phase } }) => phase === 'aborted' || phase === 'monitoring');
    expect(state).toMatchObject({ phase: 'aborted', layers: [], incidents: [{ kind: 'criterion', stage: 'beta' }] });
  }, 240_000);
});

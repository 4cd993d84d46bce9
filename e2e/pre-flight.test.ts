import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createApiClient, INSTANCE_HEADER, type RolloutView, STREAM_PATH } from '@rampart/api';
import { createClient, type RampartClient } from '@rampart/sdk';
import { type RampartServer, type ServerOptions, startServer } from '@rampart/server';
import { afterEach, describe, expect, it } from 'vitest';
import { openCli } from '../packages/cli/src/cli.test.support.ts';
import { SKIP_PROMETHEUS, startPrometheus } from '../packages/connectors/src/prometheus.test.support.ts';

const LINK = 'https://wiki.example.com/launch';

function planOf(preflight: string): string {
  return `
flag: checkout
version: build-1
preflight: ${preflight}
baseline: { window: 12h }
stages:
  - { name: canary, percentage: 10, duration: 24h }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
`;
}

type Site = {
  readonly server: RampartServer;
  readonly admin: ApiClient;
  readonly tokens: { readonly admin: string; readonly sdk: string };
};

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function openSite(options: Partial<ServerOptions> = {}): Promise<Site> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-preflight-'));
  closing.push(() => rmSync(dir, { recursive: true, force: true }));
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const server = await startServer({ dataDir: dir, port: 0, log, ...options });
  closing.push(() => server.close());
  const tokens = server.firstToken;
  if (tokens === undefined) throw new Error('a new store gave no tokens');
  return { server, tokens, admin: createApiClient({ url: server.url, token: tokens.admin }) };
}

async function connect({ server, tokens }: Site): Promise<RampartClient> {
  const client = createClient({ url: server.url, token: tokens.sdk });
  closing.push(() => client.close());
  await client.ready();
  return client;
}

/** A process that opened its stream, and from then on says nothing. */
async function connectHung({ server, tokens }: Site, name: string): Promise<void> {
  const abort = new AbortController();
  closing.push(() => abort.abort());
  const headers = { authorization: `Bearer ${tokens.sdk}`, [INSTANCE_HEADER]: name };
  await fetch(`${server.url}${STREAM_PATH}`, { headers, signal: abort.signal });
}

async function start({ admin, server }: Site, preflight: string): Promise<string> {
  const { state } = await admin.createRollout({ text: planOf(preflight), timeScale: 0.001 });
  await admin.command(state.id, { type: 'Start' });
  await server.preflight.wakeAll();
  return state.id;
}

async function until(
  { admin }: Pick<Site, 'admin'>,
  id: string,
  holds: (view: RolloutView) => boolean,
): Promise<RolloutView> {
  const view = await admin.getRollout(id);
  if (holds(view)) return view;
  await new Promise((resolve) => setTimeout(resolve, 20));
  return until({ admin }, id, holds);
}

const drilled = ({ state }: RolloutView): boolean => state.drills?.at(-1)?.finishedAt !== undefined;

function cliOf({ server, tokens }: Site) {
  return (...argv: readonly string[]) =>
    openCli().run(argv, {
      env: { RAMPART_URL: server.url, RAMPART_TOKEN: tokens.admin },
      cwd: tmpdir(),
      fetch,
      now: Date.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
    });
}

describe('a rollback drill', () => {
  it('runs by itself at the start, and is evidence once every SDK evaluates off', async () => {
    const site = await openSite();
    const clients = [await connect(site), await connect(site), await connect(site)];
    const told: string[] = [];
    clients[0]?.on('change', ({ flagsChanged }) => void told.push(...flagsChanged));
    const id = await start(site, '[rollback-tested, launch-readiness]');
    const { state } = await until(site, id, drilled);
    expect(state.drills).toMatchObject([
      {
        number: 1,
        by: 'rampart',
        connected: 3,
        passed: true,
        on: { confirmed: 3 },
        off: { confirmed: 3, evaluated: 3 },
      },
    ]);
    expect(state.preflight['rollback-tested']).toMatchObject({
      by: 'rampart',
      evidence: expect.stringMatching(/^drill 1: off in \d+(?:\.\d+)? s in 3 of 3 SDKs$/),
    });
    expect(new Set(told.filter((key) => key.includes('drill')))).toEqual(new Set(['rampart.drill/checkout']));
    // Nothing of it is left for anybody to see.
    expect(await site.admin.listFlags()).toEqual([expect.objectContaining({ key: 'checkout' })]);
    expect(clients[0]?.boolean('checkout', true, { targetingKey: 'u' })).toBe(false);
    expect(await site.admin.getReport(id)).toMatch(/Rollback drill 1: off in .* in 3 of 3 SDKs\./);
  });

  it('that one SDK does not follow is no evidence, and names it', async () => {
    const site = await openSite();
    await connect(site);
    await connectHung(site, 'hung-1');
    const id = await start(site, '[{ item: rollback-tested, within: 400ms }]');
    const view = await until(site, id, drilled);
    expect(view.state.drills).toMatchObject([{ passed: false, connected: 2, off: { confirmed: 1 } }]);
    expect(view.state.preflight['rollback-tested']).toBeNull();
    expect(view.waitingFor.join()).toContain('SDK hung-1 did not confirm within 400 ms that it was off');
    const rampart = cliOf(site);
    expect(await rampart('status', id)).toMatchObject({ code: 0, out: expect.stringContaining('hung-1') });
    const byHand = await rampart('drill', id, '--json');
    expect(byHand).toMatchObject({ code: 1, err: '' });
    expect(JSON.parse(byHand.out)).toMatchObject({ rollout: id, drill: { number: 2, by: 'admin', passed: false } });
  });

  it('without an SDK says so; a person may say how it was tested, and a later SDK can be drilled by hand', async () => {
    const site = await openSite();
    const id = await start(site, '[rollback-tested, launch-readiness]');
    expect((await site.admin.getRollout(id)).waitingFor).toContainEqual(
      expect.stringContaining('no SDK is connected that could follow a drill'),
    );
    const rampart = cliOf(site);
    expect(await rampart('drill', id)).toMatchObject({ code: 1, err: expect.stringContaining('NO_SDK_CONNECTED') });
    const bare = await rampart('approve', id, 'rollback-tested');
    expect(bare).toMatchObject({ code: 1, err: expect.stringContaining('EVIDENCE_REQUIRED') });
    expect(await rampart('approve', id, 'rollback-tested', '--note', 'aborted on staging, off in 2 s')).toMatchObject({
      code: 0,
    });
    await connect(site);
    const byHand = await rampart('drill', id);
    expect(byHand).toMatchObject({ code: 0, out: expect.stringContaining('in 1 of 1 SDKs') });
    expect(byHand.err).toContain('on in 1 of 1 SDKs; switched off');
  });

  it('that was running when the server stopped has failed after the restart', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rampart-preflight-'));
    const site = await openSite({ dataDir: dir });
    await connectHung(site, 'hung-1');
    const id = await start(site, '[rollback-tested]');
    await until(site, id, ({ state }) => state.drills !== undefined);
    await site.server.close();
    const again = await startServer({ dataDir: dir, port: 0, log: { info() {}, warn() {}, error() {} } });
    closing.push(() => again.close());
    const admin = createApiClient({ url: again.url, token: site.tokens.admin });
    const { state } = await until({ admin }, id, drilled);
    expect(state.drills).toMatchObject([{ passed: false, why: 'Rampart was restarted while it ran' }]);
  });
});

describe('rampart start', () => {
  it('lists what is missing with what helps, and warns of another rollout over the same people and metrics', async () => {
    const site = await openSite();
    await start(site, '[launch-readiness]');
    const dir = mkdtempSync(join(tmpdir(), 'rampart-preflight-'));
    closing.push(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, 'plan.yaml');
    const items = '[launch-readiness, rollback-tested]';
    writeFileSync(file, planOf(items).replace('flag: checkout', 'flag: search'));
    const { code, out } = await cliOf(site)('start', file);
    expect(code).toBe(0);
    expect(out).toMatch(/warning.*overlap/);
    expect(out).toContain('overlaps with checkout-1');
    expect(out).toContain('rampart approve search-1 launch-readiness --evidence URL');
    expect(out).toContain('rampart drill search-1');
    const started = await cliOf(site)('start', '--rollout', 'search');
    expect(started).toMatchObject({ code: 1, err: expect.stringContaining('PREFLIGHT_INCOMPLETE') });
  });
});

/** A dashboard that answers as it is told. */
async function openDashboard(): Promise<{ url: string; status: number }> {
  const dashboard = { url: '', status: 503 };
  const server: Server = createServer((_, response) => response.writeHead(dashboard.status).end('panels'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  dashboard.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/d/checkout`;
  return dashboard;
}

describe('items of pre-flight', () => {
  it('are refused without what they need, and the refusal lists all that is missing with what helps', async () => {
    const site = await openSite();
    const id = await start(site, '[launch-readiness, dashboards-ready, flag-configured]');
    const give = (item: string, evidence?: string) =>
      site.admin.command(id, { type: 'Approve', item, ...(evidence !== undefined && { evidence }) });
    await expect(give('launch-readiness')).rejects.toMatchObject({ code: 'EVIDENCE_REQUIRED' });
    await expect(give('launch-readiness', 'done')).rejects.toMatchObject({ code: 'EVIDENCE_REQUIRED' });
    await expect(give('dashboards-ready', 'OPS-12')).rejects.toMatchObject({ code: 'EVIDENCE_REQUIRED' });
    const go = site.admin.command(id, { type: 'Proceed', reason: 'we are late' });
    await expect(go).rejects.toMatchObject({
      code: 'PREFLIGHT_INCOMPLETE',
      message: expect.stringMatching(/"launch-readiness".*--evidence.*"dashboards-ready".*--evidence URL/),
    });
    await expect(site.admin.command(id, { type: 'Start' })).rejects.toMatchObject({ code: 'PREFLIGHT_INCOMPLETE' });
    await give('launch-readiness', 'OPS-12');
    const { rollout } = await give('dashboards-ready', LINK);
    expect(rollout.state).toMatchObject({
      phase: 'baseline',
      preflight: { 'launch-readiness': { by: 'admin', evidence: 'OPS-12' }, 'flag-configured': { by: 'rampart' } },
    });
  });

  it('can be waived by a person with a reason, which stands in the report as an override', async () => {
    const site = await openSite();
    const id = await start(site, '[launch-readiness]');
    const waive = { type: 'Approve', item: 'launch-readiness', waive: true } as const;
    await expect(site.admin.command(id, waive)).rejects.toMatchObject({ code: 'REASON_REQUIRED' });
    const { rollout } = await site.admin.command(id, { ...waive, note: 'a try-out' });
    expect(rollout.state).toMatchObject({
      phase: 'baseline',
      preflight: { 'launch-readiness': { waived: true, note: 'a try-out' } },
      overrides: [{ what: 'pre-flight item "launch-readiness" without evidence', reason: 'a try-out' }],
    });
  });

  it('find a flag that is switched off just before the last item is given, and stay', async () => {
    const site = await openSite();
    const id = await start(site, '[launch-readiness, flag-configured]');
    const flag = (await site.admin.listFlags()).find(({ key }) => key === 'checkout');
    if (flag === undefined) throw new Error('the flag of the plan is not there');
    await site.admin.putFlag({ ...flag, enabled: false });
    const give = { type: 'Approve', item: 'launch-readiness', evidence: LINK } as const;
    const { rollout } = await site.admin.command(id, give);
    expect(rollout).toMatchObject({
      state: { phase: 'preflight', preflight: { 'flag-configured': null } },
      waitingFor: [expect.stringContaining('flag checkout is disabled')],
    });
    const byHand = site.admin.command(id, { type: 'Approve', item: 'flag-configured', evidence: LINK });
    await expect(byHand).rejects.toMatchObject({ code: 'ITEM_NOT_BY_HAND' });
    await site.admin.putFlag({ ...flag, enabled: true, defaultVariant: 'on' });
    await site.server.preflight.wakeAll();
    expect((await site.admin.getRollout(id)).waitingFor.join()).toContain('a rollback would not take');
    await site.admin.putFlag(flag);
    await site.server.preflight.wakeAll();
    expect((await site.admin.getRollout(id)).state.phase).toBe('baseline');
  });

  it('ask the address of a dashboard until it answers, and again after that', async () => {
    const dashboard = await openDashboard();
    const site = await openSite({ settings: { allowedHosts: ['127.0.0.1'] } });
    const id = await start(site, `[launch-readiness, { item: dashboards-ready, url: '${dashboard.url}' }]`);
    await until(site, id, ({ waitingFor }) => waitingFor.join().includes('it answered 503'));
    const byHand = site.admin.command(id, { type: 'Approve', item: 'dashboards-ready', evidence: LINK });
    await expect(byHand).rejects.toMatchObject({ code: 'ITEM_NOT_BY_HAND' });
    dashboard.status = 200;
    const up = await until(site, id, ({ state }) => state.preflight['dashboards-ready'] !== null);
    expect(up.state.preflight['dashboards-ready']).toMatchObject({ evidence: `${dashboard.url} answered 200` });
    dashboard.status = 404;
    await until(site, id, ({ state }) => state.preflight['dashboards-ready'] === null);
  });

  it('ask no address that the settings do not allow', async () => {
    const site = await openSite();
    const text = planOf('[{ item: dashboards-ready, url: "http://127.0.0.1:9/" }]');
    expect(await site.admin.validatePlan({ text })).toMatchObject({
      ok: false,
      issues: [{ path: 'preflight[0].url' }],
    });
    const query = planOf('[{ item: dashboards-ready, source: metrics, query: up }]');
    expect(await site.admin.validatePlan({ text: query })).toMatchObject({
      ok: false,
      issues: [{ path: 'preflight[0].source' }],
    });
    const hook = planOf('[{ item: launch-readiness, hook: launches }]');
    expect(await site.admin.validatePlan({ text: hook })).toMatchObject({
      ok: false,
      issues: [{ path: 'preflight[0].hook' }],
    });
  });

  it.skipIf(SKIP_PROMETHEUS)('ask a real Prometheus whether a query returns anything', async () => {
    const at = Date.now() - 60_000;
    const prometheus = await startPrometheus([
      { name: 'checkout', type: 'counter', samples: [{ labels: {}, at, value: 1 }] },
    ]);
    closing.push(() => prometheus.stop());
    const settings = { allowedHosts: ['127.0.0.1'], sources: { metrics: { kind: 'prometheus', url: prometheus.url } } };
    const site = await openSite({ settings });
    const items = `[
  { item: dashboards-ready, source: metrics, query: checkout_total },
  { item: alerts-ready, source: metrics, query: nothing_total },
]`;
    const id = await start(site, items);
    const view = await until(site, id, ({ state }) => state.preflight['dashboards-ready'] !== null);
    expect(view.state.preflight).toMatchObject({
      'dashboards-ready': { evidence: 'metrics returned 1 series for checkout_total' },
      'alerts-ready': null,
    });
    expect(view.waitingFor).toEqual([expect.stringContaining('metrics: the query returned no series')]);
  });

  it('are given by a signed delivery to the hook that the plan names, once, and by nobody else', async () => {
    const secretOf = (name: string) => (name === 'LAUNCH_SECRET' ? 'a-secret-of-the-launches' : undefined);
    const site = await openSite({ secretOf });
    const [name, secretRef] = ['launches', 'LAUNCH_SECRET'];
    await site.admin.putHooks([
      {
        ...{ name, secretRef, verify: { scheme: 'hmac-sha256', header: 'x-signature' }, receives: 'attestations' },
        attestation: { flag: '$.rollout.flag', link: '$.protocol', when: { '$.state': 'complete' } },
      },
    ]);
    const id = await start(site, '[{ item: launch-readiness, hook: launches }]');
    const byHand = site.admin.command(id, { type: 'Approve', item: 'launch-readiness', evidence: LINK });
    await expect(byHand).rejects.toMatchObject({ code: 'ITEM_NOT_BY_HAND' });
    const deliver = async (body: object, secret = secretOf(secretRef) ?? '') => {
      const text = JSON.stringify(body);
      const signature = createHmac('sha256', secret).update(text).digest('hex');
      const headers = { 'content-type': 'application/json', 'x-signature': signature };
      const answer = await fetch(`${site.server.url}/v1/hooks/${name}`, { method: 'POST', headers, body: text });
      return { status: answer.status, body: await answer.json() };
    };
    const done = { rollout: { flag: 'checkout' }, state: 'complete', protocol: LINK };
    expect(await deliver(done, 'another-secret')).toMatchObject({ status: 401 });
    expect(await deliver({ ...done, state: 'begun' })).toMatchObject({ body: { status: 'ignored' } });
    expect(await deliver({ ...done, protocol: 'see wiki' })).toMatchObject({ status: 422 });
    expect(await deliver(done)).toMatchObject({ body: { status: 'accepted' } });
    const { state } = await site.admin.getRollout(id);
    expect(state).toMatchObject({
      phase: 'baseline',
      preflight: { 'launch-readiness': { by: 'hook:launches', evidence: LINK } },
    });
    expect(await deliver(done)).toMatchObject({ body: { status: 'ignored' } });
  });
});

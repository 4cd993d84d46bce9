import { afterEach, describe, expect, it } from 'vitest';
import {
  type FakePrometheus,
  type PrometheusQuirk,
  startFakePrometheus,
} from '../../connectors/src/fake-prometheus.test.support.ts';
import { type Rig, startRig } from './server-rig.test.support.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Durations are for `timeScale: 0.001`: 12 h in 43.2 s. */
const PLAN = `
flag: checkout
version: build-1
preflight: [flag-configured]
baseline: { window: 12h }
metrics:
  errorRate: { source: metrics, bad: 'reqs_total{code="500"}', total: reqs_total, arm: variant }
stages:
  - { name: canary, percentage: 10, duration: 12h, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: beta, percentage: 50, duration: 12h, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
exit: [ ga-stable ]
`;

/** A server whose only source is a fake Prometheus that scrapes an app each second of the virtual clock. */
type Site = {
  readonly rig: Rig;
  readonly prometheus: FakePrometheus;
  readonly id: string;
  /** Served users fail at this rate, in [0, 1]. */
  readonly errors: { treatment: number; control: number };
  /** Serves and scrapes so many seconds; `isScraped: false`: nobody looks. */
  readonly live: (seconds: number, isScraped?: boolean) => Promise<void>;
  readonly until: (what: (site: Site) => Promise<boolean>, seconds?: number) => Promise<void>;
  readonly counters: Record<string, number>;
};

const sourcesAt = (url: string) => ({
  allowedHosts: ['127.0.0.1'],
  sources: { metrics: { kind: 'prometheus', url, every: '1s', settle: '0s' } },
});

async function startSite(plan = PLAN): Promise<Site> {
  const prometheus = await startFakePrometheus();
  ends.push(() => prometheus.stop());
  const rig = await startRig({ sources: sourcesAt(prometheus.url) });
  ends.push(() => rig.dispose());
  const { state } = await rig.admin.createRollout({ text: plan, timeScale: 0.001 });
  await rig.admin.command(state.id, { type: 'Start' });
  return siteOf(rig, prometheus, state.id);
}

function siteOf(rig: Rig, prometheus: FakePrometheus, id: string, counters: Record<string, number> = {}): Site {
  const errors = { treatment: 0.002, control: 0.002 };
  const serve = async () => {
    const { state } = await rig.admin.getRollout(id);
    const treated = 2_000 * ((state.layers[0]?.weight ?? 0) / 100_000);
    const add = (variant: string, users: number, rate: number) => {
      const bad = Math.round(users * rate);
      for (const [code, by] of [
        ['200', users - bad],
        ['500', bad],
      ] as const) {
        const key = `reqs_total{variant="${variant}",code="${code}"}`;
        counters[key] = (counters[key] ?? 0) + by;
      }
    };
    add('on', treated, errors.treatment);
    add('off', 2_000 - treated, errors.control);
  };
  const site: Site = {
    ...{ rig, prometheus, id, errors, counters },
    async live(seconds, isScraped = true) {
      for (let second = 0; second < seconds; second += 1) {
        await serve();
        rig.clock.advance(1_000);
        if (isScraped) prometheus.scrape(rig.clock.now(), counters);
        await rig.server.puller.pullAll();
        await rig.pass(0);
      }
    },
    async until(what, seconds = 300) {
      for (let second = 0; second < seconds; second += 1) {
        if (await what(site)) return;
        await site.live(1);
      }
      const view = await rig.admin.getRollout(id);
      throw new Error(
        `it is not so after ${seconds} s: ${view.state.phase}, waiting for ${view.waitingFor.join('; ')}, ${JSON.stringify(view.sources)}, ${JSON.stringify(view.judgement?.verdicts)}`,
      );
    },
  };
  return site;
}

const viewOf = ({ rig, id }: Site) => rig.admin.getRollout(id);
const stageIs = (name: string) => async (site: Site) => {
  const { state } = await viewOf(site);
  return state.stage !== undefined && state.plan.stages[state.stage.index]?.name === name;
};
const isAborted = async (site: Site) => (await viewOf(site)).state.phase === 'aborted';
const errorsOf = ({ rig }: Site) => rig.logged.filter(({ level }) => level === 'error').map(({ message }) => message);

describe('a rollout with Prometheus as its only source', () => {
  it('goes through its stages, and counts every request once', async () => {
    const site = await startSite();
    await site.until(stageIs('ga'));
    const batches = await site.rig.server.store.evidenceAfter(site.id, 0);
    const series = batches.flatMap(
      ({ value }) => (value as { series: { arm: string; count: number[]; sum: number[] }[] }).series,
    );
    const total = (arm: string, what: 'count' | 'sum') =>
      series
        .filter((one) => one.arm === arm)
        .flatMap((one) => one[what])
        .reduce((a, b) => a + b, 0);
    const served = (variant: string) =>
      Object.entries(site.counters)
        .filter(([key]) => key.includes(`"${variant}"`))
        .reduce((a, [, n]) => a + n, 0);
    // All but what was served since the last batch closed, and the first scrape, which says nothing.
    expect(served('on') - total('treatment', 'count')).toBeLessThanOrEqual(2 * 2_000);
    expect(served('off') - total('control', 'count')).toBeLessThanOrEqual(2 * 2_000);
    expect(total('treatment', 'count')).toBeGreaterThan(40_000);
    expect((await viewOf(site)).sources).toMatchObject([{ source: 'metrics', status: 'up', metrics: ['errorRate'] }]);
    expect(errorsOf(site)).toEqual([]);
  });

  it('is aborted when the new variant fails its users', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    site.errors.treatment = 0.08;
    await site.until(isAborted, 60);
    const { state } = await viewOf(site);
    expect(state.incidents[0]).toMatchObject({
      kind: 'criterion',
      verdict: { metric: 'errorRate', source: 'metrics' },
    });
  });

  it('holds while Prometheus is down, says why, pages after the blind limit, and goes on when it is back', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    await site.live(10);
    await site.prometheus.stop();
    await site.live(90, false);
    const blind = await viewOf(site);
    expect(blind.state).toMatchObject({ phase: 'exposing', stage: { index: 0 }, blindAlertedAt: expect.any(Number) });
    expect(blind.sources).toMatchObject([
      { source: 'metrics', status: 'silent', why: expect.stringContaining('ECONNREFUSED') },
    ]);
    const events = await site.rig.admin.listEvents(site.id);
    const told = events.find(({ event }) => event.type === 'BlindLimitReached')?.event;
    expect(told).toMatchObject({ why: expect.stringContaining('does not answer (ECONNREFUSED)') });
    await site.prometheus.startAgain();
    await site.until(stageIs('beta'));
    expect((await viewOf(site)).state.incidents).toEqual([]);
    ends.splice(0, 1, async () => site.prometheus.stop());
  });
});

/** Quirks that hold, and what the source is said to be then. */
const HOLDING: readonly (readonly [PrometheusQuirk, status: string, why: RegExp])[] = [
  ['error-500', 'silent', /disk is on fire/],
  ['auth', 'silent', /credentials \(status 401\)/],
  ['throttled', 'silent', /patience \(status 429\)/],
  ['giant', 'silent', /larger than 32 MiB/],
  ['warnings', 'partial', /may be incomplete: No StoreAPIs/],
  ['is-partial', 'partial', /may be incomplete: isPartial/],
  ['skewed', 'contradictory', /clock is ahead/],
  ['html', 'silent', /not the API of Prometheus/],
  ['hanging-up', 'silent', /does not answer/],
  ['not-a-number', 'silent', /no data of errorRate/],
];

describe('what never promotes and never aborts', () => {
  it.each(HOLDING)('%s: the rollout holds, says why, and goes on afterwards', async (quirk, status, why) => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    await site.live(5);
    site.prometheus.set(quirk);
    await site.live(60);
    const view = await viewOf(site);
    expect(view.state).toMatchObject({ phase: 'exposing', stage: { index: 0 }, blindSince: expect.any(Number) });
    expect(view.sources).toMatchObject([{ status, why: expect.stringMatching(why) }]);
    expect(view.judgement?.verdicts.map((one) => one.status)).not.toContain('pass');
    expect(view.judgement?.verdicts.map((one) => one.status)).not.toContain('fail');
    site.prometheus.set('none');
    await site.until(stageIs('beta'));
    expect(errorsOf(site)).toEqual([]);
  });

  it('counters that end: stale', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    await site.live(5);
    await site.live(60, false);
    const view = await viewOf(site);
    expect(view.state).toMatchObject({ stage: { index: 0 }, blindSince: expect.any(Number) });
    expect(view.sources).toMatchObject([{ status: 'lagging', why: expect.stringContaining('ended') }]);
    expect(view.judgement?.verdicts.map((one) => one.status)).toContain('no-data');
    await site.until(stageIs('beta'));
  });

  it('counters that never were: no data', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    await site.live(5);
    site.prometheus.forget();
    await site.live(60, false);
    const view = await viewOf(site);
    expect(view.state).toMatchObject({ stage: { index: 0 }, blindSince: expect.any(Number) });
    expect(view.sources).toMatchObject([{ status: 'silent', why: expect.stringContaining('no data') }]);
  });

  it('a counter that starts again counts on', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    await site.live(5);
    for (const key of Object.keys(site.counters)) site.counters[key] = 0;
    await site.until(stageIs('beta'));
    expect((await viewOf(site)).state.incidents).toEqual([]);
  });

  it('more bad requests than requests: contradictory', async () => {
    const site = await startSite(PLAN.replace(/bad: '[^']*'/, 'bad: errors_total'));
    site.counters['errors_total{variant="on"}'] = 0;
    await site.until(stageIs('canary'));
    await site.live(5);
    for (let second = 0; second < 60; second += 1) {
      site.counters['errors_total{variant="on"}'] += 3_000;
      await site.live(1);
    }
    const view = await viewOf(site);
    expect(view.state).toMatchObject({ phase: 'exposing', stage: { index: 0 } });
    expect(view.sources).toMatchObject([
      { status: 'contradictory', why: expect.stringContaining('do not count the same') },
    ]);
  });
});

describe('a server that comes back', () => {
  it('after three days serves a fresh window first, and advances one stage at most', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    await site.live(5);
    const { state: before } = await viewOf(site);
    // Users were served and scraped all the while; three days are 4.3 min at this scale.
    await site.rig.server.close();
    for (let second = 0; second < 260; second += 1) {
      for (const key of Object.keys(site.counters))
        site.counters[key] = (site.counters[key] ?? 0) + (key.includes('500') ? 0 : 100);
      site.rig.clock.advance(1_000);
      site.prometheus.scrape(site.rig.clock.now(), site.counters);
    }
    const rig = await site.rig.restart();
    ends.splice(-1, 1, () => rig.dispose());
    const back = siteOf(rig, site.prometheus, site.id, site.counters);
    await back.live(1);
    const woken = await viewOf(back);
    expect(woken.state.stage?.index).toBe(0);
    expect(woken.state.stage?.servedMs ?? 0).toBeLessThan((before.stage?.servedMs ?? 0) + 20_000);
    await back.live(3);
    expect((await viewOf(back)).state.stage?.index).toBe(0);
    await back.until(stageIs('beta'));
    const events = await rig.admin.listEvents(site.id);
    const wokenAt = events.findIndex(({ event }) => event.type === 'SightLost');
    expect(wokenAt).toBeGreaterThan(0);
    expect(events.slice(wokenAt).filter(({ event }) => event.type === 'StageEntered')).toHaveLength(1);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import {
  type FakePrometheus,
  type PrometheusQuirk,
  startFakePrometheus,
} from '../../connectors/src/fake-prometheus.test.support.ts';
import { type Rig, startRig } from './server-rig.test.support.ts';
import { startServer } from './start-server.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Durations are for `timeScale: 0.001`: an hour in 3.6 s. */
const PLAN = `
flag: checkout
version: build-1
preflight: [flag-configured]
baseline: { window: 3h }
metrics:
  errorRate: { source: metrics, bad: 'reqs_total{code="500"}', total: reqs_total, arm: variant }
stages:
  - { name: canary, percentage: 10, duration: 4h, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: beta, percentage: 50, duration: 21h, gate: [ { metric: errorRate, limit: 2% } ] }
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
  /** Serves and scrapes so many steps, of a second each; `isScraped: false`: nobody looks. */
  readonly live: (steps: number, isScraped?: boolean) => Promise<void>;
  readonly until: (what: (site: Site) => Promise<boolean>, steps?: number) => Promise<void>;
  readonly counters: Record<string, number>;
  readonly settings: unknown;
};

type SiteOptions = { readonly plan?: string; readonly timeScale?: number; readonly stepMs?: number };

async function startSite({ plan = PLAN, timeScale = 0.001, stepMs = 1_000 }: SiteOptions = {}): Promise<Site> {
  const prometheus = await startFakePrometheus();
  ends.push(() => prometheus.stop());
  const metrics = { kind: 'prometheus', url: prometheus.url, every: `${stepMs / 1_000}s`, settle: '0s' };
  const settings = { allowedHosts: ['127.0.0.1'], sources: { metrics } };
  const rig = await startRig({ settings });
  ends.push(() => rig.dispose());
  const { state } = await rig.admin.createRollout({ text: plan, timeScale });
  await rig.admin.command(state.id, { type: 'Start' });
  return siteOf(rig, prometheus, state.id, { stepMs, settings });
}

type SiteParts = { readonly stepMs: number; readonly settings?: unknown; readonly counters?: Record<string, number> };

function siteOf(
  rig: Rig,
  prometheus: FakePrometheus,
  id: string,
  { stepMs, settings, counters = {} }: SiteParts,
): Site {
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
    ...{ rig, prometheus, id, errors, counters, settings },
    async live(steps, isScraped = true) {
      for (let step = 0; step < steps; step += 1) {
        await serve();
        rig.clock.advance(stepMs);
        if (isScraped) prometheus.scrape(rig.clock.now(), counters);
        await rig.server.puller.pullAll();
        await rig.pass(0);
      }
    },
    async until(what, steps = 300) {
      for (let step = 0; step < steps; step += 1) {
        if (await what(site)) return;
        await site.live(1);
      }
      const view = await rig.admin.getRollout(id);
      throw new Error(
        `it is not so after ${steps} steps: ${view.state.phase}, waiting for ${view.waitingFor.join('; ')}, ${JSON.stringify(view.sources)}, ${JSON.stringify(view.judgement?.verdicts)}`,
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

/** Requests that the app served by variant, and that evidence holds. */
async function countsOf({ rig, id, counters }: Site) {
  const batches = await rig.server.store.evidenceAfter(id, 0);
  const series = batches.flatMap(({ value }) => (value as { series: { arm: string; count: number[] }[] }).series);
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const arms = { on: 'treatment', off: 'control' };
  return {
    counted: (variant: 'on' | 'off') =>
      sum(series.filter(({ arm }) => arm === arms[variant]).flatMap(({ count }) => count)),
    served: (variant: string) =>
      sum(Object.entries(counters).flatMap(([key, n]) => (key.includes(`"${variant}"`) ? [n] : []))),
  };
}

describe('a rollout with Prometheus as its only source', () => {
  it('goes through its stages, and counts every request once', async () => {
    const site = await startSite();
    await site.until(stageIs('ga'));
    const { served, counted } = await countsOf(site);
    // All but what was served since the last batch closed, and the first scrape, which says nothing.
    expect(served('on') - counted('on')).toBeLessThanOrEqual(2 * 2_000);
    expect(served('off') - counted('off')).toBeLessThanOrEqual(2 * 2_000);
    expect(counted('on')).toBeGreaterThan(40_000);
    expect((await viewOf(site)).sources).toMatchObject([{ source: 'metrics', status: 'up', metrics: ['errorRate'] }]);
    expect(errorsOf(site)).toEqual([]);
  });

  it('counts growth once although two servers on one store ask for it, and one of them ends', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    const { clock, log, file } = site.rig;
    const { settings } = site;
    const second = await startServer({ file, port: 0, clock, log, settings });
    ends.push(() => second.close());
    for (let step = 0; step < 20; step += 1) {
      await Promise.all([site.live(1), second.puller.pullAll()]);
      await second.reconciler.wakeAll();
    }
    await second.close();
    await site.live(3);
    const { served, counted } = await countsOf(site);
    expect(counted('on')).toBeLessThanOrEqual(served('on'));
    expect(served('on') - counted('on')).toBeLessThanOrEqual(2 * 200);
    expect(served('off') - counted('off')).toBeLessThanOrEqual(2 * 2_000);
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
    await site.live(25, false);
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
    await site.live(25);
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
    await site.live(25, false);
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
    await site.live(25, false);
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
    const site = await startSite({ plan: PLAN.replace(/bad: '[^']*'/, 'bad: errors_total') });
    site.counters['errors_total{variant="on"}'] = 0;
    await site.until(stageIs('canary'));
    await site.live(5);
    for (let second = 0; second < 25; second += 1) {
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
  const DAYS = PLAN.replace('window: 3h', 'window: 2h').replace(
    'name: canary, percentage: 10, duration: 4h',
    'name: canary, percentage: 10, duration: 24h',
  );
  const MINUTES_4 = 240_000;

  it('after three days catches up, serves a fresh window, and advances one stage at most', async () => {
    const site = await startSite({ plan: DAYS, timeScale: 1, stepMs: MINUTES_4 });
    await site.until(stageIs('canary'));
    await site.live(10);
    const { state: before, judgement } = await viewOf(site);
    expect(judgement?.verdicts.map(({ status }) => status)).toContain('pass');
    await site.rig.server.close();
    // Users are served and scraped all the while; what is told of them when the server wakes would be enough to proceed.
    const counters = site.counters;
    for (let at = site.rig.clock.now(); at < site.rig.clock.now() + 3 * 86_400_000; at += MINUTES_4) {
      for (const key of Object.keys(counters)) counters[key]! += key.includes('500') ? 1 : 500;
      site.prometheus.scrape(at + MINUTES_4, counters);
    }
    site.rig.clock.advance(3 * 86_400_000);
    const rig = await site.rig.restart();
    ends.splice(-1, 1, () => rig.dispose());
    const asked = site.prometheus.asked();
    const back = siteOf(rig, site.prometheus, site.id, { stepMs: MINUTES_4, counters });
    await back.live(1);
    // In pieces, not in one gulp.
    expect(site.prometheus.asked() - asked).toBeGreaterThan(400);
    const woken = await viewOf(back);
    expect(woken.state.stage?.index).toBe(0);
    // The three days are blind time: not served.
    expect(woken.state.stage?.servedMs ?? 0).toBeLessThan((before.stage?.servedMs ?? 0) + 2 * 3_600_000);
    await back.until(stageIs('beta'), 400);
    const events = await rig.admin.listEvents(site.id);
    const lost = events.findLast(({ event }) => event.type === 'SightLost');
    const entered = events.filter(
      ({ event, version }) => event.type === 'StageEntered' && version > (lost?.version ?? 0),
    );
    expect(entered).toHaveLength(1);
    // 10 % of the stage after sight had returned, at least.
    const returned = events.findLast(({ event }) => event.type === 'SightReturned');
    expect(entered[0]!.at - returned!.at).toBeGreaterThanOrEqual(2.4 * 3_600_000);
    expect(errorsOf(back)).toEqual([]);
  }, 120_000);
});

describe('a plan and the sources of the server', () => {
  const check = async (plan: string) => {
    const { rig } = await startSite();
    return (await rig.admin.validatePlan({ text: plan })).issues.map(({ path, message }) => `${path}: ${message}`);
  };

  it('fit together', async () => {
    expect(await check(PLAN)).toEqual([]);
  });

  it.each([
    [
      'a source that is not set up',
      PLAN.replace('source: metrics', 'source: prom'),
      /metrics\.errorRate\.source: source "prom" is not set up on this server \(it has: telemetry, otlp, signals, alerts, metrics\)/,
    ],
    [
      'a binding without a key it needs',
      PLAN.replace('total: reqs_total, ', ''),
      /metrics\.errorRate: total is missing; a proportion from prometheus has bad, total/,
    ],
    [
      'a binding that cannot tell the arms of a split',
      PLAN.replace(', arm: variant', ''),
      /metrics\.errorRate: metrics cannot tell who sees the new variant/,
    ],
  ])('is refused with %s', async (_, plan, words) => {
    const issues = await check(plan);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatch(words);
  });

  it('a running rollout whose source the server was started without holds and says so', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    await site.live(5);
    const rig = await site.rig.restart({ settings: undefined });
    ends.splice(-1, 1, () => rig.dispose());
    const back = siteOf(rig, site.prometheus, site.id, { stepMs: 1_000, counters: site.counters });
    await back.live(25);
    const view = await viewOf(back);
    expect(view.state).toMatchObject({ phase: 'exposing', stage: { index: 0 }, blindSince: expect.any(Number) });
    expect(view.sources).toMatchObject([
      { source: 'metrics', status: 'silent', why: expect.stringContaining('not set up on this server any more') },
    ]);
  });

  it('shows how the sources do in its own metrics', async () => {
    const site = await startSite();
    await site.until(stageIs('canary'));
    await site.live(3);
    const text = await site.rig.admin.metrics();
    expect(text).toContain('rampart_source_status{rollout="checkout-1",source="metrics",status="up"} 1');
    expect(text).toMatch(/rampart_source_age_seconds\{rollout="checkout-1",source="metrics"\} \d/);
  });
});

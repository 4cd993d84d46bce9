import { binOf, type Metric } from '@rampart/rollout';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryAnswer, HistoryPoint, HistoryQuery } from './ports.ts';
import {
  type RecordedFamily,
  type RecordedSample,
  type RunningPrometheus,
  SKIP_PROMETHEUS,
  startPrometheus,
} from './prometheus.test.support.ts';
import { prometheusHistory } from './prometheus-history.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 5, 10);
const MINUTES = 90;

/** A counter scraped every 15 s, `perMinute` faster each minute; `value` may be absent, or start again. */
function scraped(
  labels: RecordedSample['labels'],
  valueAt: (seconds: number) => number | undefined,
): readonly RecordedSample[] {
  return Array.from({ length: MINUTES * 4 + 1 }, (_, i) => i * 15).flatMap((seconds) => {
    const value = valueAt(seconds);
    return value === undefined ? [] : [{ labels, at: START + seconds * 1000, value }];
  });
}

/**
 * Requests of two pods. Pod a restarts after 30 min. Its first error comes after 40 min, in a series that was not there
 * before. Pod b is not scraped from minute 60 to 75.
 */
const REQUESTS: RecordedFamily = {
  name: 'http_requests',
  type: 'counter',
  samples: [
    ...scraped({ pod: 'a', code: '200' }, (s) => (s < 1_800 ? 5_000 + s : s - 1_800)),
    ...scraped({ pod: 'a', code: '500' }, (s) => (s < 2_400 ? undefined : 1 + Math.floor((s - 2_400) / 60))),
    ...scraped({ pod: 'b', code: '200' }, (s) => (s > 3_600 && s < 4_500 ? undefined : 90_000 + 2 * s)),
  ],
};

const SPLIT: RecordedFamily = {
  name: 'checkout_requests',
  type: 'counter',
  samples: [
    ...scraped({ variant: 'on', code: '200' }, (s) => 3 * s),
    ...scraped({ variant: 'on', code: '500' }, (s) => s),
    ...scraped({ variant: 'off', code: '200' }, (s) => 8 * s),
    ...scraped({ variant: 'beta', code: '200' }, (s) => 100 * s),
    ...scraped({ code: '200' }, (s) => 1000 * s),
  ],
};

const LATENCY: RecordedFamily = {
  name: 'latency_seconds',
  type: 'histogram',
  samples: [
    ...scraped({ le: '0.25' }, (s) => 90 * (s / 15)),
    ...scraped({ le: '1' }, (s) => 98 * (s / 15)),
    ...scraped({ le: '+Inf' }, (s) => 100 * (s / 15)),
  ],
};

const metricOf = (kind: Metric['kind'], binding: Metric['binding']): Metric => ({
  name: 'm',
  kind,
  unit: 'value',
  harm: 'higher',
  per: 'request',
  source: 'prometheus',
  binding,
  lagMs: 0,
  designEffect: 1,
});

const errorRate = (selector = 'http_requests_total', more: Metric['binding'] = {}) =>
  metricOf('proportion', { bad: `${selector}{code=~"5.."}`, total: selector, ...more });

const queryOf = (metric: Metric, more: Partial<HistoryQuery> = {}): HistoryQuery => ({
  metric,
  treatment: 'on',
  control: 'off',
  fromAt: START,
  toAt: START + MINUTES * MINUTE,
  stepMs: MINUTE,
  partSteps: 1_000,
  ...more,
});

async function answersTo(url: string, query: HistoryQuery, headers = {}): Promise<readonly HistoryAnswer[]> {
  const answers: HistoryAnswer[] = [];
  for await (const answer of prometheusHistory({ url, headers }).read(query)) answers.push(answer);
  return answers;
}

async function pointsOf(url: string, query: HistoryQuery): Promise<readonly HistoryPoint[]> {
  return (await answersTo(url, query)).flatMap((answer) => {
    if (answer.kind === 'error') throw new Error(answer.message);
    return answer.kind === 'value' ? answer.points : [];
  });
}

const minuteOf = (at: number) => (at - START) / MINUTE;

describe.skipIf(SKIP_PROMETHEUS)('history from a real Prometheus (apt-get install prometheus)', () => {
  let prometheus: RunningPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus([REQUESTS, SPLIT, LATENCY]);
  });
  afterAll(() => prometheus.stop());

  it('counts what the counters grew by, whole and without extrapolation', async () => {
    const points = await pointsOf(prometheus.url, queryOf(errorRate()));
    const early = points.filter(({ at }) => minuteOf(at) < 30);
    expect(early.map(({ count, sum }) => [count, sum])).toEqual(Array.from({ length: 29 }, () => [180, 0]));
  });

  it('counts a restarted process from 0, and the first error of a series that was not there', async () => {
    const points = await pointsOf(prometheus.url, queryOf(errorRate()));
    const at = (minute: number) => points.find((point) => minuteOf(point.at) === minute);
    expect(at(31)).toMatchObject({ count: 180, sum: 0 });
    const errors = points.reduce((sum, point) => sum + point.sum, 0);
    expect(errors).toBe(1 + Math.floor((MINUTES * 60 - 2_400) / 60));
    expect(at(40)).toMatchObject({ count: 181, sum: 1 });
  });

  it('leaves out what was counted while nothing was scraped', async () => {
    const points = await pointsOf(prometheus.url, queryOf(errorRate()));
    const counts = points.filter(({ at }) => minuteOf(at) > 70).map(({ count }) => count);
    expect(Math.max(...counts)).toBeLessThan(200);
    expect(points.every(({ count }) => count > 0)).toBe(true);
  });

  it('gives the same in parts of any length', async () => {
    const whole = await pointsOf(prometheus.url, queryOf(errorRate()));
    expect(await pointsOf(prometheus.url, queryOf(errorRate(), { partSteps: 7 }))).toEqual(whole);
    expect(await pointsOf(prometheus.url, queryOf(errorRate(), { partSteps: 1 }))).toEqual(whole);
  });

  it('tells variants apart by the label of the plan, and leaves out what is neither', async () => {
    const metric = errorRate('checkout_requests_total', { arm: 'variant' });
    const points = await pointsOf(prometheus.url, queryOf(metric));
    const sums = (arm: string) =>
      points.filter((point) => point.arm === arm && minuteOf(point.at) === 10).map(({ count, sum }) => [count, sum]);
    expect(sums('treatment')).toEqual([[240, 60]]);
    expect(sums('control')).toEqual([[480, 0]]);
    expect(new Set(points.map(({ arm }) => arm))).toEqual(new Set(['treatment', 'control']));
  });

  it('takes everything as one where the history does not know the variants', async () => {
    const points = await pointsOf(prometheus.url, queryOf(errorRate('http_requests_total', { arm: 'variant' })));
    expect(new Set(points.map(({ arm }) => arm))).toEqual(new Set([undefined]));
    const other = errorRate('checkout_requests_total', { arm: 'variant' });
    const renamed = await pointsOf(prometheus.url, queryOf(other, { treatment: 'new', control: 'old' }));
    expect(new Set(renamed.map(({ arm }) => arm))).toEqual(new Set([undefined]));
  });

  it('turns a histogram into log bins', async () => {
    const metric = metricOf('quantile', { buckets: 'latency_seconds_bucket' });
    const [point] = await pointsOf(prometheus.url, queryOf(metric, { toAt: START + MINUTE }));
    expect(point?.count).toBe(400);
    const upTo = (seconds: number) =>
      (point?.bins ?? []).filter(([bin]) => bin <= binOf(seconds)).reduce((sum, [, n]) => sum + n, 0);
    expect([upTo(0.25), upTo(1), upTo(1e9)]).toEqual([360, 392, 400]);
    expect(upTo(0.5)).toBe(376);
  });

  it('says no-data for a metric that is not there, and error for a query that is none', async () => {
    const nothing = queryOf(errorRate('no_such_requests_total'));
    expect(await answersTo(prometheus.url, nothing)).toEqual([{ kind: 'no-data' }]);
    const broken = queryOf(metricOf('rate', { total: 't{code}' }));
    const [answer] = await answersTo(prometheus.url, broken);
    expect(answer).toMatchObject({ kind: 'error' });
    expect(JSON.stringify(answer)).toContain('metrics.m: Prometheus refused the query (bad_data)');
  });

  it('sends credentials, and says when they are refused', async () => {
    // The password is "pass".
    const hash = '$2b$05$abcdefghijklmnopqrstuuZFBUbfXoM8LFiPx8LYlO/sXZB/Cwk3K';
    const authorization = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    const config = `basic_auth_users: { user: '${hash}' }\n`;
    const guarded = await startPrometheus([REQUESTS], { config, authorization });
    const query = queryOf(errorRate());
    const [refused] = await answersTo(guarded.url, query);
    expect(refused).toMatchObject({ kind: 'error' });
    expect(JSON.stringify(refused)).toContain('credentials');
    const [value] = await answersTo(guarded.url, query, { authorization });
    expect(value?.kind).toBe('value');
    await guarded.stop();
    const [gone] = await answersTo(guarded.url, query);
    expect(JSON.stringify(gone)).toContain('does not answer (ECONNREFUSED)');
  });
});

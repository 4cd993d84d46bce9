import type { Metric } from '@rampart/rollout';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricSourceContract } from './metric-source.contract.ts';
import type { MetricQuery } from './ports.ts';
import {
  freePort,
  type RecordedFamily,
  type RecordedSample,
  type RunningPrometheus,
  SKIP_PROMETHEUS,
  startPrometheus,
} from './prometheus.test.support.ts';
import { prometheusSource } from './prometheus-source.ts';
import { SKIP_VICTORIA_METRICS, startVictoriaMetrics } from './victoria-metrics.test.support.ts';

const START = Date.UTC(2026, 4, 4, 8);
const SCRAPE_MS = 15_000;
const MINUTE = 60_000;

const metricOf = (kind: Metric['kind'], binding: Metric['binding'], name = 'errorRate'): Metric => ({
  name,
  kind,
  unit: 'value',
  harm: 'higher',
  ...(kind === 'quantile' && { quantile: 0.99 }),
  per: 'request',
  source: 'prometheus',
  binding,
  lagMs: 0,
  designEffect: 1,
});

const ERRORS = metricOf('proportion', { bad: 'reqs_total{code="500"}', total: 'reqs_total', arm: 'variant' });

const askedFor = (metric: Metric, fromAt: number, toAt: number, more: Partial<MetricQuery> = {}): MetricQuery => ({
  ...{ metric, rollout: 'checkout-1', flag: 'checkout', treatment: 'on', control: 'off' },
  ...{ epoch: 2, stratum: 5_000, fromAt, toAt },
  ...more,
});

/** Samples of one counter, a scrape apart from an instant; `null` is a scrape that failed. */
const counter = (labels: RecordedSample['labels'], values: readonly (number | null)[], at = START) =>
  values.flatMap((value, i) => (value === null ? [] : [{ labels, at: at + i * SCRAPE_MS, value }]));

const requests = (...samples: readonly (readonly RecordedSample[])[]): RecordedFamily => ({
  name: 'reqs',
  type: 'counter',
  samples: samples.flat(),
});

/** Ten requests of treatment in a minute, three of them bad. */
const OBSERVED = requests(
  counter({ variant: 'on', code: '200' }, [4, 6, 6, 8, 11, 90]),
  counter({ variant: 'on', code: '500' }, [2, 2, 3, 5, 5, 50]),
);
const OTHER = { ...requests(counter({ variant: 'on' }, [1, 2, 3, 4])), name: 'others' };
const STOPPED = requests(counter({ variant: 'on', code: '200' }, [4, 6, 8], START - 3_600_000 - MINUTE));

const SYSTEMS = [
  {
    name: 'a real Prometheus',
    skip: SKIP_PROMETHEUS,
    start: (families: RecordedFamily[]) => startPrometheus(families),
  },
  { name: 'a real VictoriaMetrics', skip: SKIP_VICTORIA_METRICS, start: startVictoriaMetrics },
];

describe.each(SYSTEMS)('$name as a metric source', ({ skip, start }) => {
  const running = new Map<string, RunningPrometheus>();
  let url = '';
  const source = prometheusSource(
    {
      get url() {
        return url;
      },
    },
    'prometheus',
  );
  beforeAll(async () => {
    if (skip) return;
    const dead = `http://127.0.0.1:${await freePort()}`;
    running.set('observed', await start([OBSERVED]));
    running.set('other-metric', await start([OTHER]));
    running.set('silent', running.get('other-metric')!);
    running.set('stopped', await start([STOPPED]));
    running.set('failing', { url: dead, stop: async () => undefined });
  }, 60_000);
  afterAll(async () => {
    for (const one of new Set(running.values())) await one.stop();
  });

  const query = askedFor(ERRORS, START, START + MINUTE);
  const given = (situation: string) => {
    url = running.get(situation)!.url;
  };
  for (const { name, run } of metricSourceContract) {
    it.skipIf(skip)(name, () => run({ source, query, given }));
  }

  it.skipIf(skip)('gives an interval and the next the growth of both together', async () => {
    given('observed');
    const sumOf = async (fromAt: number, toAt: number) => {
      const answer = await source.read(askedFor(ERRORS, fromAt, toAt));
      return answer.kind === 'value' ? answer.series.flatMap(({ count }) => count).reduce((a, b) => a + b, 0) : 0;
    };
    const parts: number[] = [];
    for (let at = START; at < START + MINUTE; at += 7_000) {
      parts.push(await sumOf(at, Math.min(START + MINUTE, at + 7_000)));
    }
    expect(parts.reduce((a, b) => a + b, 0)).toBe(10);
  });
});

describe('what a live Prometheus knows', () => {
  const running: RunningPrometheus[] = [];
  const sourceOf = async (...families: RecordedFamily[]) => {
    const one = await startPrometheus(families);
    running.push(one);
    return prometheusSource({ url: one.url }, 'prometheus');
  };
  afterAll(async () => {
    for (const one of running) await one.stop();
  });

  it.skipIf(SKIP_PROMETHEUS)(
    'counts a restart from 0, a new series from 0, and one that was lost for long not at all',
    async () => {
      const source = await sourceOf(
        requests(
          counter({ variant: 'on', code: '200', pod: 'a' }, [100, 110, 4, 6]),
          // The first error of a pod is an error.
          counter({ variant: 'on', code: '500', pod: 'a' }, [null, null, 1, 3]),
          counter({ variant: 'off', code: '200', pod: 'a' }, [7, 7, 7, 7]),
          // Out of reach for half an hour: when it grew is not known.
          counter({ variant: 'off', code: '200', pod: 'lost' }, [900], START - 30 * MINUTE),
          counter({ variant: 'off', code: '200', pod: 'lost' }, [null, null, 5_000, 5_003]),
          counter({ variant: 'else', code: '200', pod: 'a' }, [1, 50, 90, 100]),
        ),
      );
      const answer = await source.read(askedFor(ERRORS, START, START + 3 * SCRAPE_MS));
      expect(answer).toEqual({
        kind: 'value',
        newestAt: START + 3 * SCRAPE_MS,
        series: [
          // 110 - 100, then 4 and 2 after the restart, and 3 errors.
          {
            ...{ metric: 'errorRate', arm: 'treatment', epoch: 2, stratum: 5_000, bucket: [-1] },
            count: [19],
            sum: [3],
            sumSquares: [3],
          },
          {
            ...{ metric: 'errorRate', arm: 'control', epoch: 2, stratum: 5_000, bucket: [-1] },
            count: [3],
            sum: [0],
            sumSquares: [0],
          },
        ],
      });
    },
  );

  it.skipIf(SKIP_PROMETHEUS)('keeps users apart by the label of their bucket', async () => {
    const source = await sourceOf(
      requests(
        counter({ variant: 'on', user_bucket: '7', code: '200' }, [0, 4]),
        counter({ variant: 'on', user_bucket: '63', code: '500' }, [0, 2]),
        counter({ variant: 'on', user_bucket: 'x', code: '200' }, [0, 1]),
      ),
    );
    const metric = { ...ERRORS, binding: { ...ERRORS.binding, bucket: 'user_bucket' } };
    const answer = await source.read(askedFor(metric, START, START + SCRAPE_MS));
    expect(answer).toMatchObject({ series: [{ bucket: [-1, 7, 63], count: [1, 4, 2], sum: [0, 0, 2] }] });
  });

  it.skipIf(SKIP_PROMETHEUS)('reads quantiles from the buckets of a histogram', async () => {
    const le = (edge: string, values: readonly number[]) => counter({ variant: 'on', le: edge }, values);
    const source = await sourceOf({
      name: 'seconds',
      type: 'histogram',
      samples: [...le('0.5', [0, 6]), ...le('1', [0, 9]), ...le('+Inf', [0, 10])],
    });
    const metric = metricOf('quantile', { buckets: 'seconds_bucket', arm: 'variant' }, 'p99Latency');
    const answer = await source.read(askedFor(metric, START, START + SCRAPE_MS));
    expect(answer).toMatchObject({ series: [{ arm: 'treatment', bucket: [-1], count: [10], sum: [0] }] });
    const bins = answer.kind === 'value' ? (answer.series[0]?.bins?.[0] ?? []) : [];
    // Up to 0.5 s, up to 1 s, above.
    const upTo = (bin: number) => bins.filter(([one]) => one <= bin).reduce((sum, [, n]) => sum + n, 0);
    expect([upTo(-17), upTo(-1), upTo(0)]).toEqual([6, 9, 10]);
  });

  it('reads quantiles from native histograms, as recorded from a Prometheus that has them', async () => {
    const sample = (seconds: number, count: string, n: readonly [string, string]) => [
      START / 1000 + seconds,
      {
        count,
        sum: '9',
        buckets: [
          [0, '0.4', '0.5', n[0]],
          [0, '0.9', '1', n[1]],
        ],
      },
    ];
    const histograms = [sample(-5, '3', ['2', '1']), sample(10, '9', ['6', '3'])];
    const data = { resultType: 'matrix', result: [{ metric: { __name__: 'seconds', variant: 'on' }, histograms }] };
    const source = prometheusSource(
      { url: 'http://prometheus.test', fetch: async () => Response.json({ status: 'success', data }) },
      'prometheus',
    );
    const metric = metricOf('quantile', { buckets: 'seconds', arm: 'variant' }, 'p99Latency');
    const answer = await source.read(askedFor(metric, START, START + SCRAPE_MS));
    expect(answer).toMatchObject({ kind: 'value', series: [{ arm: 'treatment', count: [6] }] });
    const bins = answer.kind === 'value' ? (answer.series[0]?.bins?.[0] ?? []) : [];
    const within = (low: number, high: number) =>
      bins.filter(([bin]) => bin >= low && bin <= high).reduce((sum, [, n]) => sum + n, 0);
    // (0.4, 0.5] and (0.9, 1], 16 bins an octave.
    expect([within(-22, -17), within(-3, -1)]).toEqual([4, 2]);
    const rate = metricOf('rate', { total: 'seconds', arm: 'variant' }, 'throughput');
    expect(await source.read(askedFor(rate, START, START + SCRAPE_MS))).toMatchObject({
      kind: 'error',
      message: expect.stringContaining('native histograms'),
    });
  });

  it.skipIf(SKIP_PROMETHEUS)('gives complaints their instants, and says 0 where there are none', async () => {
    const source = await sourceOf({
      name: 'complaints',
      type: 'counter',
      samples: counter({ team: 'a' }, [3, 3, 5, 5]),
    });
    const metric = metricOf('count', { total: 'complaints_total' }, 'userComplaints');
    expect(await source.read(askedFor(metric, START, START + 3 * SCRAPE_MS))).toMatchObject({
      kind: 'value',
      occurrences: [{ metric: 'userComplaints', at: START + 2 * SCRAPE_MS, count: 2 }],
    });
    expect(await source.read(askedFor(metric, START, START + SCRAPE_MS))).toMatchObject({
      kind: 'value',
      occurrences: [],
      series: [{ count: [0] }, { count: [0] }],
    });
  });

  it.skipIf(SKIP_PROMETHEUS)(
    'takes everyone for control before exposure, for treated at the end, and for neither in between',
    async () => {
      const source = await sourceOf(requests(counter({ code: '200' }, [0, 4]), counter({ code: '500' }, [0, 1])));
      const metric = metricOf('proportion', { bad: 'reqs_total{code="500"}', total: 'reqs_total' });
      const read = (stratum: number) => source.read(askedFor(metric, START, START + SCRAPE_MS, { stratum }));
      expect(await read(0)).toMatchObject({ series: [{ arm: 'control', count: [5], sum: [1] }] });
      expect(await read(100_000)).toMatchObject({ series: [{ arm: 'treatment', count: [5], sum: [1] }] });
      expect(await read(5_000)).toMatchObject({ kind: 'error', message: expect.stringContaining('arm') });
    },
  );
});

import type { EvidenceSeries, Metric } from '@rampart/rollout';
import { describe, it } from 'vitest';
import { type MetricSourceHarness, metricSourceContract } from './metric-source.contract.ts';
import type { MetricQuery } from './ports.ts';
import { type StoredEvidence, telemetrySource } from './telemetry-source.ts';

const HOUR = 3_600_000;
const metric: Metric = {
  name: 'errorRate',
  kind: 'proportion',
  unit: 'ratio',
  harm: 'higher',
  per: 'request',
  source: 'telemetry',
  binding: {},
  lagMs: 60_000,
  designEffect: 1,
};
const query: MetricQuery = {
  metric,
  rollout: 'r1',
  flag: 'feature-xyz',
  treatment: 'on',
  control: 'off',
  epoch: 1,
  stratum: 5000,
  fromAt: 10 * HOUR,
  toAt: 11 * HOUR,
};
const series = (change: Partial<EvidenceSeries> = {}): EvidenceSeries => ({
  metric: 'errorRate',
  arm: 'treatment',
  epoch: 1,
  stratum: 5000,
  bucket: [3, 40],
  count: [4, 6],
  sum: [1, 2],
  sumSquares: [1, 2],
  ...change,
});

const STORED: Readonly<Record<'observed' | 'silent' | 'other-metric' | 'stopped', StoredEvidence>> = {
  observed: { series: [series(), series({ metric: 'p99Latency' })], newestAt: query.toAt - 1 },
  silent: { series: [] },
  'other-metric': {
    series: [series({ metric: 'p99Latency' }), series({ bucket: [], count: [], sum: [], sumSquares: [] })],
    newestAt: query.toAt - 1,
  },
  stopped: { series: [], newestAt: query.fromAt - HOUR },
};

function harness(): MetricSourceHarness {
  let stored: StoredEvidence | undefined;
  const read = async () => {
    if (stored === undefined) throw new Error('disk I/O error');
    return stored;
  };
  return {
    source: telemetrySource({ read }),
    query,
    given: (situation) => {
      stored = situation === 'failing' ? undefined : STORED[situation];
    },
  };
}

describe('telemetrySource keeps the contract of metric sources', () => {
  it.each(metricSourceContract)('$name', ({ run }) => run(harness()));
});

describe('telemetrySource', () => {
  it('is not stale within the lag of the metric', async ({ expect }) => {
    const read = async () => ({ series: [], newestAt: query.fromAt - metric.lagMs });
    expect(await telemetrySource({ read }).read(query)).toEqual({ kind: 'no-data' });
  });

  it('asks the store for the rollout and interval, and repeats its reason for failing', async ({ expect }) => {
    const asked: unknown[] = [];
    const read = async (question: unknown) => {
      asked.push(question);
      throw 'locked';
    };
    expect(await telemetrySource({ read }).read(query)).toEqual({
      kind: 'error',
      message: 'The stored telemetry of rollout r1 could not be read: locked',
    });
    expect(asked).toEqual([{ rollout: 'r1', fromAt: query.fromAt, toAt: query.toAt }]);
  });
});

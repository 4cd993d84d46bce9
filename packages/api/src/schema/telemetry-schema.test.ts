import { describe, expect, it } from 'vitest';
import { checkBody } from '../check-body.ts';
import { ProblemError } from '../problem.ts';
import type { TelemetryBatch, TelemetrySeries } from '../wire.ts';
import { MAX_SERIES, signalBatchSchema, telemetryBatchSchema } from './telemetry-schema.ts';

const series = (change: object = {}): TelemetrySeries => ({
  flag: 'f',
  rollout: 'r1',
  attempt: 1,
  epoch: 2,
  stratum: 5000,
  arm: 'treatment',
  metric: 'errorRate',
  bucket: [0, 63],
  count: [10, 0],
  sum: [1, -2.5],
  sumSquares: [1, 6.25],
  ...change,
});
const batch = (change: object = {}): TelemetryBatch => ({
  schema: 1,
  batchId: 'b1',
  instance: 'i1',
  sdk: 'rampart-node/0.1.0',
  fromAt: 1000,
  toAt: 2000,
  revision: 3,
  dropped: 0,
  series: [series()],
  ...change,
});

function refusal(value: unknown): string {
  try {
    checkBody(telemetryBatchSchema, value, 'TELEMETRY_INVALID');
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.detail;
  }
  return 'accepted';
}

describe('telemetryBatchSchema', () => {
  it('takes what an SDK sends, whole', () => {
    const whole = batch({
      series: [
        series(),
        series({
          bins: [
            [
              [0, 9],
              [-640, 1],
            ],
            [],
          ],
        }),
      ],
    });
    expect(checkBody(telemetryBatchSchema, whole)).toEqual(whole);
  });

  it('takes an empty flush, and drops keys a newer SDK adds', () => {
    expect(checkBody(telemetryBatchSchema, { ...batch({ series: [] }), later: 1 })).toEqual(batch({ series: [] }));
  });

  it.each([
    ['bucket', { bucket: [0, 64] }, 'series[0].bucket[1]'],
    ['bucket below 0', { bucket: [-1, 1] }, 'series[0].bucket[0]'],
    ['count below 0', { count: [1, -1] }, 'series[0].count[1]'],
    ['count not whole', { count: [1, 0.5] }, 'series[0].count[1]'],
    ['sum not finite', { sum: [1, Number.POSITIVE_INFINITY] }, 'series[0].sum[1]'],
    ['sum of null (what JSON makes of NaN)', { sum: [1, null] }, 'series[0].sum[1]'],
    ['negative square', { sumSquares: [1, -1] }, 'series[0].sumSquares[1]'],
    ['stratum above everyone', { stratum: 100_001 }, 'series[0].stratum'],
    ['unknown arm', { arm: 'both' }, 'series[0].arm'],
    ['arrays of two lengths', { count: [1] }, 'received lengths 2, 1, 2, 2'],
    ['bins of another length', { bins: [[]] }, 'received lengths 2, 2, 2, 2, 1'],
    ['one bucket twice', { bucket: [5, 5] }, 'expected each user bucket once'],
    ['bin out of range', { bins: [[[99_999, 1]], []] }, 'series[0].bins[0][0][0]'],
    ['65 entries', { bucket: Array.from({ length: 65 }, (_, i) => i) }, 'series[0].bucket'],
  ])('refuses a series with %s and says where', (_, change, where) => {
    expect(refusal(batch({ series: [series(change)] }))).toContain(where);
  });

  it('refuses more series than the bound, a later schema and a backward interval', () => {
    const many = Array.from({ length: MAX_SERIES + 1 }, () => series());
    expect(refusal(batch({ series: many }))).toContain('received 5001 entries');
    expect(refusal(batch({ schema: 2 }))).toContain('schema: ');
    expect(refusal(batch({ toAt: 999 }))).toContain('toAt: expected an instant not before fromAt, received 999');
  });
});

describe('signalBatchSchema', () => {
  const signals = { schema: 1, batchId: 's1', flag: 'f', occurrences: [{ metric: 'userComplaints' }] };

  it('takes an occurrence with or without instant and count', () => {
    expect(checkBody(signalBatchSchema, signals)).toEqual(signals);
    const exact = { ...signals, occurrences: [{ metric: 'm', at: 5, count: 3 }] };
    expect(checkBody(signalBatchSchema, exact)).toEqual(exact);
  });

  it('refuses no occurrence, a negative count and an unknown key', () => {
    expect(() => checkBody(signalBatchSchema, { ...signals, occurrences: [] })).toThrow(/occurrences/);
    expect(() => checkBody(signalBatchSchema, { ...signals, occurrences: [{ metric: 'm', count: -1 }] })).toThrow(
      /count/,
    );
    expect(() => checkBody(signalBatchSchema, { ...signals, rollout: 'r' })).toThrow(/"rollout"/);
  });
});

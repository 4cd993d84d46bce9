import { describe, expect, it } from 'vitest';
import { BATCH_MS, planOf } from '../arbitraries.contract.ts';
import { binOf, type EvidenceSeries, USER_BUCKETS } from '../evidence.ts';
import { parseLimit } from '../plan/limit.ts';
import type { Check, KillTrip, Metric } from '../plan.ts';
import type { Baseline } from '../verdict.ts';
import { emptyMetricEvidence, type TripEvidence } from './evidence-state.ts';
import { foldBaseline } from './fold-metric.ts';
import { exposedSince, unattributedIn } from './fold-occurrences.ts';
import { foldPlainRule } from './plain-rule.ts';
import { prepareBatch } from './prepare-batch.ts';
import type { MetricBatch } from './prepared-batch.ts';
import type { FoldContext } from './side-judge.ts';
import { sideOf } from './side-of.ts';
import { emptyTally } from './tally.ts';

const PLAN = planOf({
  metrics: {
    medianScore: { kind: 'quantile', quantile: 0.5, harm: 'lower', unit: 'value' },
    margin: { kind: 'mean', harm: 'lower', unit: 'value' },
    crashes: { kind: 'count', harm: 'higher', source: 'telemetry', per: 'request', unit: 'events' },
  },
  abortCriteria: { errorRate: '1%', medianScore: '5', throughput: '0.8x baseline', margin: '0', crashes: 'no spike' },
} as never);
const metricOf = (name: string): Metric => PLAN.metrics[name]!;
const BASELINE: Baseline = {
  fromAt: 0,
  toAt: 1,
  metrics: {
    throughput: { value: 100, low: 99, high: 101, count: 1e6 },
    crashes: { value: 2 / 3600, low: 1 / 3600, high: 4 / 3600, count: 48 },
  },
};

function checkOf(name: string, text: string): Check {
  const parsed = parseLimit(text, metricOf(name));
  if (!parsed.ok) throw new TypeError(parsed.message);
  return {
    id: name,
    tier: 'abort',
    metric: name,
    limit: parsed.limit,
    text,
    optional: false,
    attribution: 'any',
    weight: 1,
  };
}

const CONTEXT: FoldContext = { at: 0, batchMs: BATCH_MS, isAlive: true, isEveryone: false };
const ALL_BUCKETS = Array.from({ length: USER_BUCKETS }, (_, b) => b);

/** An arm of even traffic in every bucket, with bad events where they are said to be; -1 is nobody known. */
function armOf(name: string, arm: 'treatment' | 'control', bad: Readonly<Record<number, number>>, unknown = 0) {
  const bucket = [...ALL_BUCKETS, ...(unknown > 0 ? [-1] : [])];
  const count = bucket.map((b) => (b < 0 ? unknown : 1000));
  const sum = bucket.map((b) => bad[b] ?? 0);
  return { metric: name, arm, epoch: 1, stratum: 50_000, bucket, count, sum, sumSquares: sum };
}
const batchOf = (series: readonly EvidenceSeries[], metric = 'errorRate'): MetricBatch =>
  prepareBatch({ seq: 1, fromAt: 0, toAt: BATCH_MS, series }).metrics[metric] ?? { strata: [], targeted: [] };

const spread = (each: number) => Object.fromEntries(ALL_BUCKETS.map((b) => [b, each]));

describe('users who are not known', () => {
  it.each(['1x control', '0.2%'])('do not make known ones independent of themselves (%s)', (limit) => {
    const fail = sideOf(checkOf('errorRate', limit), metricOf('errorRate'), 'fail', undefined);
    const after = (unknown: number) => {
      const sums = emptyTally(fail.stream!.size);
      const burst = { ...spread(1), 7: 300 };
      const batch = batchOf([
        armOf('errorRate', 'treatment', burst, unknown),
        armOf('errorRate', 'control', spread(1), unknown),
      ]);
      fail.stream!.add(sums, batch, CONTEXT);
      return fail.logE(sums);
    };
    expect(after(0)).toBeLessThan(3);
    expect(after(1)).toBeLessThan(3);
  });
});

describe('a burst of one user', () => {
  it('is not taken for late harm, however long the quiet before it was', () => {
    const fail = sideOf(checkOf('errorRate', '1x control'), metricOf('errorRate'), 'fail', undefined);
    const sums = emptyTally(fail.stream!.size);
    const quiet = batchOf([armOf('errorRate', 'treatment', spread(5)), armOf('errorRate', 'control', spread(5))]);
    for (let turn = 0; turn < 200; turn += 1) fail.stream!.add(sums, quiet, CONTEXT);
    const restarted = [...sums];
    const looping = [
      armOf('errorRate', 'treatment', { ...spread(1), 9: 200 }),
      armOf('errorRate', 'control', spread(1)),
    ];
    fail.stream!.add(sums, batchOf(looping), CONTEXT);
    expect(fail.logE(sums, restarted)).toBeLessThan(3);
    const harm = [armOf('errorRate', 'treatment', spread(6)), armOf('errorRate', 'control', spread(1))];
    fail.stream!.add(sums, batchOf(harm), CONTEXT);
    fail.stream!.add(sums, batchOf(harm), CONTEXT);
    expect(fail.logE(sums, restarted)).toBeGreaterThan(3);
  });
});

describe('few users', () => {
  it('are not enough for a pass, whatever they met', () => {
    const pass = sideOf(checkOf('errorRate', '1%'), metricOf('errorRate'), 'pass', undefined);
    const sums = emptyTally(pass.stream!.size);
    const few = { ...armOf('errorRate', 'treatment', {}), bucket: ALL_BUCKETS.map((b) => b % 10) };
    pass.stream!.add(sums, batchOf([few]), CONTEXT);
    expect(pass.lacks(sums)).toMatch(/users in 20 of 64 buckets \(now 10\)/);
    expect(pass.logE(sums)).toBe(0);
  });
});

describe('a rate', () => {
  const rateOf = (arm: 'treatment' | 'control', each: number) => ({
    ...armOf('throughput', arm, {}),
    count: ALL_BUCKETS.map(() => each),
  });

  it('keeps the amount of its limit while there is a split', () => {
    const batch = batchOf([rateOf('treatment', 960), rateOf('control', 1000)], 'throughput');
    const failOf = (text: string) => {
      const fail = sideOf(checkOf('throughput', text), metricOf('throughput'), 'fail', BASELINE);
      const sums = emptyTally(fail.stream!.size);
      for (let turn = 0; turn < 20; turn += 1) fail.stream!.add(sums, batch, CONTEXT);
      return [fail.logE(sums), fail.atMost(sums)];
    };
    expect(failOf('control - 10 per second')[0]).toBeLessThan(0);
    expect(failOf('1x control')[0]).toBeGreaterThan(3);
    const [logE, atMost] = failOf('0.99x control');
    expect(logE).toBeLessThanOrEqual(atMost!);
  });

  it('counts the time in which nothing happened, where more would be harm', () => {
    const fail = sideOf(checkOf('crashes', 'no spike'), metricOf('crashes'), 'fail', BASELINE);
    const sums = emptyTally(fail.stream!.size);
    const everyone = { ...CONTEXT, isEveryone: true };
    const one = {
      ...armOf('crashes', 'treatment', {}),
      stratum: 100_000,
      bucket: [3],
      count: [1],
      sum: [1],
      sumSquares: [1],
    };
    // Two an hour, as before: one batch in seven or so has one.
    for (let turn = 0; turn < 200; turn += 1) {
      fail.stream!.add(sums, turn % 7 === 0 ? batchOf([one], 'crashes') : { strata: [], targeted: [] }, everyone);
    }
    expect(fail.logE(sums)).toBeLessThan(0);
  });

  it('leaves events of a time that was not seen whole out of the baseline', () => {
    const evidence = emptyMetricEvidence();
    const batch = batchOf([rateOf('control', 1000)], 'throughput');
    foldBaseline(evidence, metricOf('throughput'), batch, { ...CONTEXT, at: 0, batchMs: 0 }, 1);
    expect(evidence.baseline).toMatchObject({ n: 0, seenMs: 0 });
    foldBaseline(evidence, metricOf('throughput'), batch, CONTEXT, 1);
    expect(evidence.baseline).toMatchObject({ n: 64_000, seenMs: BATCH_MS });
  });
});

describe('a mean with a limit of 0', () => {
  it.each([
    [-1, 'fail'],
    [1, 'pass'],
  ])('judges values around %s', (mean, side) => {
    const own = sideOf(checkOf('margin', '0'), metricOf('margin'), side as 'fail' | 'pass', undefined);
    const sums = emptyTally(own.stream!.size);
    const series = {
      ...armOf('margin', 'treatment', {}),
      sum: ALL_BUCKETS.map((b) => 1000 * mean * (1 + (b % 3) / 10)),
      sumSquares: ALL_BUCKETS.map(() => 2000),
    };
    own.stream!.add(sums, batchOf([series], 'margin'), CONTEXT);
    expect(own.logE(sums)).toBeGreaterThan(3);
  });
});

describe('the plain rule on a quantile whose fall is harm', () => {
  const trip: KillTrip = { ...checkOf('medianScore', '5'), tier: 'kill', windowMs: 300_000, minSample: 50 };
  it.each([
    [9, 0],
    [1, 2],
  ])('with scores of %s is broken %s times', (score, broken) => {
    const trips: Record<string, TripEvidence> = {};
    const series = {
      ...armOf('medianScore', 'treatment', {}),
      count: ALL_BUCKETS.map(() => 4),
      bins: ALL_BUCKETS.map(() => [[binOf(score), 4] as const]),
    };
    for (const at of [1000, 2000]) {
      foldPlainRule(trips, trip, metricOf('medianScore'), batchOf([series], 'medianScore'), at, undefined);
    }
    expect(trips[trip.id]?.broken).toBe(broken);
  });
});

describe('what happened before exposure', () => {
  const attempts = [{ number: 2, startedAt: 50 }] as never;
  it('is not the feature’s', () => {
    const history = [
      { attempt: 1, startedAt: 10 },
      { attempt: 2, startedAt: 100 },
    ] as never;
    const exposing = { phase: 'exposing', history, attempts } as const;
    expect(exposedSince(exposing)).toBe(100);
    expect(exposedSince({ phase: 'preflight', history: [], attempts })).toBe(Number.POSITIVE_INFINITY);
    expect(exposedSince({ phase: 'baseline', history: [], attempts })).toBe(Number.NEGATIVE_INFINITY);
    const metric = { ...metricOf('crashes'), source: 'webhook' };
    const occurrences = [50, 150].map((at) => ({ metric: 'crashes', at, count: 3 }));
    const batch = prepareBatch({ seq: 1, fromAt: 0, toAt: 200, series: [], occurrences });
    expect(unattributedIn(batch, metric, exposing)).toBe(3);
    expect(unattributedIn(batch, metricOf('crashes'), exposing)).toBeUndefined();
  });
});

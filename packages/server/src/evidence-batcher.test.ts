import type { TelemetrySeries } from '@rampart/api';
import { applyAll, parsePlan, RAMPART, type RolloutState } from '@rampart/rollout';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addTelemetry, closeBatch, emptyBatch, type TelemetryBody } from './evidence-batcher.ts';
import { PLAN } from './server-rig.test.support.ts';

function rollout(): RolloutState {
  const result = parsePlan(PLAN, { now: 0 });
  if (!result.ok) throw new Error('the plan is refused');
  const state = applyAll(undefined, [{ type: 'RolloutCreated', id: 'a', plan: result.plan, warnings: [] }], RAMPART, 1);
  if (state === undefined) throw new Error('no state');
  return { ...state, epoch: 3 };
}

const state = rollout();

const cell = fc.record({
  bucket: fc.integer({ min: 0, max: 63 }),
  n: fc.integer({ min: 0, max: 50 }),
  bin: fc.integer({ min: -9, max: 9 }),
});
const series: fc.Arbitrary<TelemetrySeries> = fc
  .record({
    rollout: fc.constantFrom('a', 'a', 'b'),
    epoch: fc.integer({ min: 0, max: 5 }),
    stratum: fc.constantFrom(5_000, 25_000),
    arm: fc.constantFrom('treatment' as const, 'control' as const),
    metric: fc.constantFrom('errorRate', 'p99Latency', 'assigned', 'unheardOf'),
    cells: fc.uniqueArray(cell, { selector: ({ bucket }) => bucket, maxLength: 5 }),
  })
  .map(({ cells, ...place }) => ({
    ...{ flag: 'checkout', attempt: 1, ...place },
    bucket: cells.map(({ bucket }) => bucket),
    count: cells.map(({ n }) => n),
    sum: cells.map(({ n }) => n / 4),
    sumSquares: cells.map(({ n }) => n / 2),
    ...(place.metric === 'p99Latency' && { bins: cells.map(({ bin, n }) => [[bin, n] as const]) }),
  }));
const bodies = fc.array(
  fc.record({
    type: fc.constant('telemetry' as const),
    instance: fc.constantFrom('i1', 'i2', 'i3'),
    series: fc.array(series, { maxLength: 6 }),
  }),
  { maxLength: 6 },
);

function merged(list: readonly TelemetryBody[]) {
  const rows = list.map((body, i) => ({ seq: i + 1, body }));
  const half = addTelemetry(emptyBatch(0), rows.slice(0, 2), state);
  const open = addTelemetry(half, rows.slice(2), state);
  return { open, batch: closeBatch(open, 1, 0, 10) };
}

const total = (list: readonly { readonly count: readonly number[] }[]) =>
  list.flatMap(({ count }) => count).reduce((sum, n) => sum + n, 0);
const isOurs = ({ rollout: id, epoch, metric }: TelemetrySeries) => id === 'a' && epoch <= 3 && metric !== 'unheardOf';

describe('an evidence batch', () => {
  it('holds every observation of the rollout exactly once, and none of others', () => {
    fc.assert(
      fc.property(bodies, (list) => {
        const { batch, open } = merged(list);
        const given = list.flatMap((body) => body.series).filter(isOurs);
        expect(total(batch.series)).toBe(total(given));
        expect(open.isEmpty).toBe(given.length === 0);
        expect(open.throughSeq).toBe(list.length);
        for (const one of batch.series) {
          const inBins = (one.bins ?? []).map((pairs) => pairs.reduce((sum, [, n]) => sum + n, 0));
          if (one.bins !== undefined) expect(inBins).toEqual(one.count);
        }
      }),
    );
  });

  it('says which sources were there with nothing to report, where nothing else arrived', () => {
    const idle: TelemetryBody = { type: 'telemetry', instance: 'i1', series: [], idle: ['telemetry'] };
    const { open, batch } = merged([idle, idle]);
    expect(open.isEmpty).toBe(false);
    expect(batch).toMatchObject({ series: [], idle: ['telemetry'] });
    expect(batch.instances, 'nobody is counted by a process without users').toBeUndefined();
  });

  it('has one series per metric, arm, epoch and stratum, and one entry per user bucket', () => {
    fc.assert(
      fc.property(bodies, (list) => {
        const { batch } = merged(list);
        const keys = batch.series.map(({ metric, arm, epoch, stratum }) => `${metric}/${arm}/${epoch}/${stratum}`);
        expect(new Set(keys).size).toBe(keys.length);
        for (const { bucket } of batch.series) expect(bucket).toEqual([...new Set(bucket)].sort((a, b) => a - b));
      }),
    );
  });

  it('is the same in whatever order telemetry arrived', () => {
    fc.assert(
      fc.property(bodies, (list) => {
        const sorted = (all: readonly TelemetryBody[]) =>
          merged(all)
            .batch.series.map((one) => JSON.stringify(one))
            .toSorted();
        expect(sorted(list.toReversed())).toEqual(sorted(list));
      }),
    );
  });

  it('of a metric that the plan takes from OpenTelemetry leaves out what the SDK saw of the same requests', () => {
    const metrics = { ...state.plan.metrics, errorRate: { ...state.plan.metrics.errorRate!, source: 'otlp' } };
    const asking = { ...state, plan: { ...state.plan, metrics } };
    const one = (metric: string): TelemetrySeries => ({
      ...{ flag: 'checkout', rollout: 'a', attempt: 1, epoch: 3, stratum: 5_000, arm: 'treatment', metric },
      ...{ bucket: [-1], count: [1], sum: [0], sumSquares: [0] },
    });
    const all = ['errorRate', 'p99Latency', 'assigned'].map(one);
    const metricsIn = (body: TelemetryBody) =>
      addTelemetry(emptyBatch(0), [{ seq: 1, body }], asking)
        .merged.toSeries()
        .map(({ metric }) => metric);
    expect(metricsIn({ type: 'telemetry', instance: 'i1', series: all })).toEqual(['p99Latency', 'assigned']);
    expect(metricsIn({ type: 'telemetry', series: all })).toEqual(['errorRate', 'p99Latency', 'assigned']);
  });

  it('takes no process for one of an SDK that is none: users are divided by their number', () => {
    const series: TelemetrySeries[] = [
      {
        ...{
          flag: 'checkout',
          rollout: 'a',
          attempt: 1,
          epoch: 3,
          stratum: 5_000,
          arm: 'control',
          metric: 'errorRate',
        },
        ...{ bucket: [-1], count: [1], sum: [0], sumSquares: [0] },
      },
    ];
    expect(merged([{ type: 'telemetry', series }]).batch.instances).toBeUndefined();
  });

  it('counts the processes that reported, and carries signals of metrics the plan has', () => {
    const one: TelemetryBody = { type: 'telemetry', instance: 'i1', series: [] };
    const signal = (metric: string) => ({ type: 'signals', occurrences: [{ metric, at: 5, count: 2 }] }) as const;
    const { batch, open } = merged([one, signal('errorRate'), signal('unheardOf')]);
    expect(batch).toEqual({
      seq: 1,
      fromAt: 0,
      toAt: 10,
      series: [],
      occurrences: [{ metric: 'errorRate', at: 5, count: 2 }],
    });
    expect(open.isEmpty).toBe(false);
  });
});

describe('what was pulled', () => {
  const pulled = (fromAt: number, toAt: number, n: number, failure?: string): TelemetryBody => ({
    ...{ type: 'pulled', metric: 'errorRate', ...(failure !== undefined && { failure }) },
    interval: {
      ...{ fromAt, toAt, occurrences: [] },
      series: [
        {
          metric: 'errorRate',
          arm: 'treatment',
          epoch: 3,
          stratum: 5_000,
          bucket: [-1],
          count: [n],
          sum: [0],
          sumSquares: [0],
        },
      ],
    },
  });
  const failed = (failure: string): TelemetryBody => ({ type: 'pulled', metric: 'errorRate', failure });
  const counted = (bodies: readonly TelemetryBody[], from = emptyBatch(0)) =>
    bodies.reduce((open, body, i) => addTelemetry(open, [{ seq: i + 1, body }], state), from);
  const countOf = (open: ReturnType<typeof counted>) => closeBatch(open, 1, 0, 9).series.flatMap(({ count }) => count);

  it('counts an interval once, whoever asked for it and however it was cut', () => {
    const open = counted([
      pulled(0, 10, 5),
      pulled(0, 10, 5),
      pulled(5, 20, 7),
      pulled(0, 30, 9),
      pulled(10, 20, 3),
      pulled(25, 30, 1),
    ]);
    expect(countOf(open)).toEqual([9]);
    expect(open.carried.pulledTo).toEqual({ errorRate: 30 });
    expect(countOf(counted([pulled(20, 30, 1), pulled(30, 40, 2)], emptyBatch(7, open.carried)))).toEqual([2]);
  });

  it('keeps a failure in every batch until the metric is read again', () => {
    const down = counted([failed('down')]);
    expect(down.isEmpty).toBe(false);
    expect(closeBatch(down, 1, 0, 9).failures).toEqual([{ metric: 'errorRate', message: 'down' }]);
    const next = emptyBatch(1, down.carried);
    expect(counted([failed('down')], next).isEmpty).toBe(true);
    expect(closeBatch(counted([failed('down')], next), 2, 9, 12).failures).toHaveLength(1);
    const back = counted([pulled(0, 10, 5)], next);
    expect(closeBatch(back, 2, 9, 12)).not.toHaveProperty('failures');
  });

  it('closes a batch when a metric is read again without anything new', () => {
    const carried = { failures: { errorRate: 'down' }, pulledTo: {} };
    expect(
      counted(
        [{ ...pulled(0, 10, 5), interval: { fromAt: 0, toAt: 10, series: [], occurrences: [] } } as TelemetryBody],
        emptyBatch(1, carried),
      ).isEmpty,
    ).toBe(false);
  });

  it('leaves out a metric that the plan has not', () => {
    expect(counted([{ type: 'pulled', metric: 'other', failure: 'down' }]).isEmpty).toBe(true);
  });
});

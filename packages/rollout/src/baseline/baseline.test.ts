import { describe, expect, it } from 'vitest';
import { BATCH_MS, bothArms, Drive, HOUR_MS, planOf, START_AT, seriesOf } from '../arbitraries.contract.ts';
import type { Baseline } from '../verdict.ts';
import { baselineChanges, baselineRows } from './baseline-rows.ts';
import { openControlBaseline } from './control-baseline.ts';
import { joinBaselines } from './join-baselines.ts';
import { watchedLive } from './recorded.ts';

const of = (value: number, count = 1_000) => ({ value, count, low: value * 0.9, high: value * 1.1 });
const baseline = (parts: Partial<Baseline>): Baseline => ({
  fromAt: START_AT,
  toAt: START_AT + HOUR_MS,
  metrics: {},
  ...parts,
});

describe('openControlBaseline', () => {
  it('counts those who see the old variant in the running stage, and nobody else', () => {
    const drive = new Drive().begin();
    const open = openControlBaseline(drive.state, drive.now);
    for (let turn = 0; turn < 5; turn += 1)
      drive.tick(BATCH_MS, { series: bothArms(drive.state, 'errorRate', 0.02, 0.01) });
    for (const { batch } of drive.batches) open.feed(batch);
    const taken = open.finish();
    expect(taken.metrics.errorRate).toMatchObject({ value: 0.01, count: 5 * 1_900 });
    expect(taken).toMatchObject({ source: 'live', toAt: drive.now, fromAt: drive.now - 5 * BATCH_MS });
  });

  it('leaves numbers of events in a time to a whole that control is not', () => {
    const drive = new Drive(planOf({ abortCriteria: { errorRate: '2%', throughput: '0.8x baseline' } })).begin();
    const open = openControlBaseline(drive.state, drive.now);
    const place = { epoch: drive.state.epoch, stratum: 5_000 };
    const series = [
      seriesOf('throughput', 'control', place, { n: 1_900, x: 0 }),
      ...bothArms(drive.state, 'errorRate', 0, 0),
    ];
    open.feed({ seq: 1, fromAt: drive.now, toAt: drive.now + BATCH_MS, series });
    expect(Object.keys(open.finish().metrics)).toEqual(['errorRate']);
  });

  it('leaves out what a judge gave before it was found to have drifted', () => {
    const judge = { goldenSet: 'golden-1', items: 10, expected: 0.4, tolerance: 0.1, maxAge: '2h' } as const;
    const drive = new Drive(planOf({ judges: { errorRate: judge } }));
    const calibrate = (bad: number) => {
      const scores = Array.from({ length: 10 }, (_, i) => ({ item: `item-${i}`, score: i < bad ? 1 : 0 }));
      drive.command({ type: 'CalibrateJudge', metric: 'errorRate', goldenSet: 'golden-1', scores });
    };
    calibrate(4);
    drive.begin();
    drive.tick(BATCH_MS, { series: bothArms(drive.state, 'errorRate', 0.02, 0.02) });
    calibrate(9);
    calibrate(4);
    drive.tick(BATCH_MS, { series: bothArms(drive.state, 'errorRate', 0.03, 0.03) });
    drive.tick(BATCH_MS, { series: bothArms(drive.state, 'errorRate', 0.01, 0.01) });
    const open = openControlBaseline(drive.state, drive.now);
    for (const { batch } of drive.batches) open.feed(batch);
    // The batch that was open at the drift may hold scores of before.
    expect(open.finish().metrics.errorRate).toMatchObject({ value: 0.01, count: 1_900 });
  });

  it('has nothing where everyone is exposed', () => {
    const stages = [{ name: 'ga', percentage: 100, duration: 'permanent' as const, monitor: '1h' }];
    const drive = new Drive(planOf({ stages })).begin();
    const open = openControlBaseline(drive.state, drive.now);
    const place = { epoch: drive.state.epoch, stratum: 0 };
    open.feed({ seq: 1, fromAt: 0, toAt: 1, series: [seriesOf('errorRate', 'control', place, { n: 100, x: 1 })] });
    expect(open.finish().metrics).toEqual({});
  });
});

describe('joinBaselines', () => {
  it('says of each metric where it comes from, and prefers the first part', () => {
    const past = baseline({ source: 'history', fromAt: START_AT - 168 * HOUR_MS, metrics: { errorRate: of(0.01) } });
    const live = baseline({ source: 'live', metrics: { errorRate: of(0.5), score: of(0.9) } });
    const joined = joinBaselines([past, live]);
    expect(joined).toMatchObject({ source: 'history', fromAt: past.fromAt, toAt: live.toAt });
    expect(joined.metrics.errorRate).toMatchObject({ value: 0.01, origin: { source: 'history', fromAt: past.fromAt } });
    expect(joined.metrics.score).toMatchObject({ value: 0.9, origin: { source: 'live', version: 1 } });
  });

  it('is the one part that has anything', () => {
    const live = baseline({ metrics: { score: of(0.9) } });
    expect(joinBaselines([baseline({ source: 'history' }), live])).toBe(live);
    expect(joinBaselines([baseline({})])).toEqual(baseline({}));
  });
});

describe('watchedLive', () => {
  it('names what checks hold against a reference and no history has', () => {
    const { state } = new Drive(planOf({ abortCriteria: { errorRate: 'baseline + 1%', userComplaints: 10 } }));
    expect(watchedLive(state, new Set())).toEqual(['errorRate']);
    expect(watchedLive(state, new Set(['errorRate']))).toEqual([]);
  });
});

describe('baselineRows and baselineChanges', () => {
  const { plan } = new Drive().state;

  it('keep the order of the plan and say where numbers come from', () => {
    const rows = baselineRows(plan, baseline({ source: 'history', metrics: { own: of(1), errorRate: of(0.01) } }));
    expect(rows.map(({ metric, unit, source, alert }) => [metric, unit, source, alert])).toEqual([
      ['errorRate', 'ratio', 'history of telemetry', 'control + 1%'],
      ['own', 'value', 'history of its source', undefined],
    ]);
  });

  it('tell a change within the bounds from one beyond them', () => {
    const before = baseline({ metrics: { errorRate: of(0.01), gone: of(1), zero: of(0) } });
    const after = baseline({ metrics: { errorRate: of(0.0105), zero: of(1), fresh: of(2) } });
    const [small, ...rest] = baselineChanges(plan, before, after);
    expect(small).toMatchObject({ metric: 'errorRate', isOutside: false });
    expect(small?.change).toBeCloseTo(0.05, 9);
    expect(rest.map(({ metric, isOutside, change }) => [metric, isOutside, change])).toEqual([
      ['gone', false, undefined],
      ['zero', true, undefined],
      ['fresh', false, undefined],
    ]);
  });
});

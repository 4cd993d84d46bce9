import { describe, expect, it } from 'vitest';
import { Drive, HOUR_MS, MINUTE_MS, planOf, START_AT } from '../arbitraries.contract.ts';
import type { RecordedSeries } from '../replay/history-trial.ts';
import { WEEK_SLOTS } from '../verdict.ts';
import { openHistoryBaseline } from './history-baseline.ts';

const drive = (parts: Parameters<typeof planOf>[0] = {}) =>
  new Drive(
    planOf({
      ...parts,
      abortCriteria: { errorRate: 'baseline + 1%', throughput: '0.8x baseline', p99Latency: '2x baseline' },
      alerts: { supportTickets: '2x baseline' },
    }),
  );

type Given = (hour: number) => readonly RecordedSeries[];

/** A history of hours, read into a baseline. */
function baselineOf(
  state: Drive['state'],
  hours: number,
  series: Given,
  occurrences: (hour: number) => number = () => 0,
) {
  const names = ['errorRate', 'throughput', 'p99Latency', 'supportTickets'];
  const metrics = names.flatMap((name) => state.plan.metrics[name] ?? []);
  const range = { metrics, fromAt: START_AT - hours * HOUR_MS, toAt: START_AT };
  const open = openHistoryBaseline(state, range);
  for (let hour = 0; hour < hours; hour += 1) {
    const fromAt = range.fromAt + hour * HOUR_MS;
    const count = occurrences(hour);
    const desk = count === 0 ? {} : { occurrences: [{ metric: 'supportTickets', at: fromAt + MINUTE_MS, count }] };
    open.feed({ fromAt, toAt: fromAt + HOUR_MS, series: series(hour), ...desk });
  }
  return open.finish();
}

const errors = (count: number, sum: number, arm?: 'treatment' | 'control'): RecordedSeries => ({
  metric: 'errorRate',
  count,
  sum,
  sumSquares: sum,
  ...(arm && { arm }),
});
const traffic = (count: number): RecordedSeries => ({ metric: 'throughput', count, sum: 0, sumSquares: 0 });

describe('openHistoryBaseline', () => {
  it('takes value, bounds and sample size of every metric from what was recorded', () => {
    const slow: RecordedSeries = {
      metric: 'p99Latency',
      count: 100,
      sum: 0,
      sumSquares: 0,
      bins: [
        [-16, 98],
        [16, 2],
      ],
    };
    const { metrics, ...rest } = baselineOf(
      drive().state,
      24,
      () => [errors(1_000, 10), traffic(7_200), slow],
      () => 2,
    );
    expect(rest).toMatchObject({ source: 'history', fromAt: START_AT - 24 * HOUR_MS, toAt: START_AT });
    expect(metrics.errorRate).toMatchObject({ value: 0.01, count: 24_000 });
    expect(metrics.throughput).toMatchObject({ value: 2, count: 24 * 7_200 });
    expect(metrics.supportTickets?.value).toBeCloseTo(2 / 3600, 9);
    expect(metrics.p99Latency?.value).toBeGreaterThan(1.9);
    expect(metrics.p99Latency?.week).toBeUndefined();
    for (const { low, value, high } of Object.values(metrics)) expect(low <= value && value <= high).toBe(true);
  });

  it('knows the hours of the week', () => {
    const { metrics } = baselineOf(drive().state, 2 * WEEK_SLOTS, (hour) => [
      errors(100, hour % WEEK_SLOTS === 0 ? 50 : 1),
    ]);
    const week = metrics.errorRate?.week;
    const slot = (START_AT / HOUR_MS) % WEEK_SLOTS;
    expect(week?.n).toHaveLength(WEEK_SLOTS);
    expect(week?.n[slot]).toBe(200);
    expect(week?.x[slot]).toBe(100);
    expect(week?.x[slot + 1]).toBe(2);
    expect(week?.seenMs.every((ms) => ms === 2 * HOUR_MS)).toBe(true);
  });

  it('leaves treatment out, and everything without an arm since somebody was exposed', () => {
    const { state } = drive();
    const exposed = { ...state, history: [{ startedAt: START_AT - 2 * HOUR_MS } as (typeof state.history)[number]] };
    const arms = baselineOf(exposed, 4, () => [errors(100, 1, 'control'), errors(100, 90, 'treatment')]);
    expect(arms.metrics.errorRate).toMatchObject({ value: 0.01, count: 400 });
    const mixed = baselineOf(exposed, 4, (hour) => [errors(100, hour < 2 ? 1 : 90), traffic(100)]);
    expect(mixed.metrics.errorRate).toMatchObject({ value: 0.01, count: 200 });
    expect(mixed.metrics.throughput).toMatchObject({ count: 200, value: 200 / 7200 });
  });

  it('leaves out the times in which another rollout of the flag exposed it', () => {
    const { state } = drive();
    const metric = state.plan.metrics.errorRate!;
    const fromAt = START_AT - 4 * HOUR_MS;
    const range = { metrics: [metric], fromAt, toAt: START_AT };
    const hour = (index: number) => fromAt + index * HOUR_MS;
    const read = (exposed: Parameters<typeof openHistoryBaseline>[1]['exposed']) => {
      const open = openHistoryBaseline(state, { ...range, ...(exposed && { exposed }) });
      for (let index = 0; index < 4; index += 1) {
        open.feed({ fromAt: hour(index), toAt: hour(index + 1), series: [errors(100, index === 1 ? 90 : 1)] });
      }
      return open.finish().metrics.errorRate;
    };
    expect(read(undefined)?.count).toBe(400);
    expect(read([{ fromAt: hour(1), toAt: hour(2) }])).toMatchObject({ count: 300, value: 0.01 });
    expect(read([{ fromAt: hour(1) }])).toMatchObject({ count: 100, value: 0.01 });
  });

  it('does not take silence for a low rate', () => {
    const { metrics } = baselineOf(drive().state, 10, (hour) => (hour < 5 ? [errors(10, 0), traffic(3_600)] : []));
    expect(metrics.throughput?.value).toBe(1);
  });

  it('leaves out what was never observed', () => {
    expect(baselineOf(drive().state, 3, () => []).metrics).toEqual({});
  });
});

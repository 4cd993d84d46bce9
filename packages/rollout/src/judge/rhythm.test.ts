import { describe, expect, it } from 'vitest';
import { METRIC_CATALOG } from '../plan/catalog.ts';
import type { Metric } from '../plan.ts';
import { WEEK_SLOTS, type WeekProfile } from '../verdict.ts';
import { rhythmOf, slotOf } from './rhythm.ts';

const metricOf = (name: string): Metric => METRIC_CATALOG.get(name)!.metric;
const HOUR_MS = 3_600_000;
const empty = (): { n: number[]; x: number[]; seenMs: number[] } => {
  const slots = () => new Array<number>(WEEK_SLOTS).fill(0);
  return { n: slots(), x: slots(), seenMs: slots() };
};
const baseline = (value: number, week: WeekProfile) => ({ value, count: 1, low: value, high: value, week });

describe('the slot of an instant', () => {
  it('begins with the epoch, counts hours of the week, and knows instants before the epoch', () => {
    expect([0, HOUR_MS, 167 * HOUR_MS, 168 * HOUR_MS, -HOUR_MS].map(slotOf)).toEqual([0, 1, 167, 0, 167]);
  });
});

describe('the rhythm of a baseline', () => {
  it('compares each hour seen with all of them, the more its events the more so', () => {
    const week = empty();
    for (const [slot, n, x] of [
      [3, 100_000, 2000],
      [4, 100_000, 500],
      [5, 1000, 20],
    ] as const) {
      week.n[slot] = n;
      week.x[slot] = x;
      week.seenMs[slot] = HOUR_MS;
    }
    const rhythm = rhythmOf(metricOf('errorRate'), baseline(0.01, week));
    expect(rhythm?.(3 * HOUR_MS)).toBeCloseTo(2100 / 1100, 12);
    expect(rhythm?.(4 * HOUR_MS)).toBeCloseTo(600 / 1100, 12);
    // Twice the usual share, of which twenty events say little.
    expect(rhythm?.(5 * HOUR_MS)).toBeCloseTo(120 / 110, 12);
  });

  it('takes the same hour of other days for one that was not seen, and the whole for one never seen', () => {
    const week = empty();
    week.n[30] = 3_000_000;
    week.n[31] = 1_000_000;
    for (const slot of [30, 31]) week.seenMs[slot] = HOUR_MS;
    const rhythm = rhythmOf(metricOf('throughput'), baseline(4_000_000 / 7200, week));
    expect(rhythm?.(54 * HOUR_MS)).toBeCloseTo(1.5, 3);
    expect(rhythm?.(55 * HOUR_MS)).toBeCloseTo(0.5, 3);
    expect(rhythm?.(56 * HOUR_MS)).toBe(1);
  });

  it('is not known of quantiles, of means, and without hours', () => {
    expect(rhythmOf(metricOf('p99Latency'), baseline(1, empty()))).toBeUndefined();
    expect(rhythmOf(metricOf('costPerQuery'), baseline(1, empty()))).toBeUndefined();
    expect(rhythmOf(metricOf('errorRate'), { value: 0.01, count: 1, low: 0, high: 1 })).toBeUndefined();
    expect(rhythmOf(metricOf('errorRate'), undefined)).toBeUndefined();
  });
});

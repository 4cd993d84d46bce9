import { describe, expect, it } from 'vitest';
import { METRIC_CATALOG } from '../plan/catalog.ts';
import type { Check, Metric } from '../plan.ts';
import type { Verdict } from '../verdict.ts';
import { displayOf, snapshotOf } from './display.ts';

const metricOf = (name: string): Metric => METRIC_CATALOG.get(name)!.metric;
const check: Check = {
  id: 'gate:x',
  tier: 'gate',
  metric: 'x',
  limit: { kind: 'absolute', value: 1 },
  text: '1',
  optional: false,
  attribution: 'any',
  weight: 1,
};
const intervalOf = (name: string, interval: readonly [number, number]) =>
  displayOf(check, metricOf(name), { seen: { count: 0 } }, { interval }).interval;

describe('the interval shown', () => {
  it('lies within what the metric can be', () => {
    expect(intervalOf('errorRate', [-0.1, 1.2])).toEqual([0, 1]);
    expect(intervalOf('faithfulness', [0.5, 1.2])).toEqual([0.5, 1]);
    expect(intervalOf('costPerQuery', [-0.1, 1.2])).toEqual([0, 1.2]);
    expect(intervalOf('engagement', [-0.1, 1.2])).toEqual([-0.1, 1.2]);
    expect(intervalOf('engagement', [Number.NEGATIVE_INFINITY, 1.2])).toBeUndefined();
  });
});

describe('the status of a metric', () => {
  const verdict = (tier: Verdict['tier'], status: Verdict['status']) =>
    ({ metric: 'errorRate', tier, status }) as Partial<Verdict> as Verdict;
  const statusOf = (...verdicts: readonly Verdict[]) =>
    snapshotOf(metricOf('errorRate'), { count: 3 }, undefined, verdicts).status;

  it('is the worst of its checks, but for an alert that has no baseline while another check is judged', () => {
    expect(statusOf(verdict('kill', 'pass'), verdict('alert', 'fail'))).toBe('fail');
    expect(statusOf(verdict('kill', 'pass'), verdict('alert', 'insufficient'))).toBe('pass');
    expect(statusOf(verdict('gate', 'insufficient'), verdict('alert', 'pass'))).toBe('insufficient');
    expect(statusOf(verdict('alert', 'insufficient'))).toBe('insufficient');
  });
});

describe('a metric that no check judges', () => {
  it('says so in its snapshot', () => {
    expect(snapshotOf(metricOf('errorRate'), { count: 3, value: 0.1 }, undefined, [])).toEqual({
      metric: 'errorRate',
      count: 3,
      status: 'no-data',
      judged: false,
      observed: 0.1,
    });
  });
});

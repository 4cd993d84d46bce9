import { describe, expect, it } from 'vitest';
import { METRIC_CATALOG } from '../plan/catalog.ts';
import type { KillTrip } from '../plan.ts';
import { plainRuleTrip } from './plain-rule.ts';

const trip: KillTrip = {
  id: 'kill:x',
  tier: 'kill',
  metric: 'x',
  limit: { kind: 'absolute', value: 1 },
  text: '1',
  optional: false,
  attribution: 'any',
  weight: 1,
  windowMs: 300_000,
  minSample: 5,
};
const window = [
  { at: 0, n: 60, bad: 3 },
  { at: 1, n: 40, bad: 2 },
];
const tripOf = (metric: string) => plainRuleTrip({ window, broken: 2 }, trip, METRIC_CATALOG.get(metric)!.metric);

describe('what the plain rule says it saw', () => {
  it('is the value over the window, and how many observations it held', () => {
    expect(tripOf('errorRate')).toEqual({ value: 0.05, note: 'tripped by the plain rule over 5 min, n = 100' });
  });

  it('is the share beyond the limit for a quantile, whose value the window does not keep', () => {
    expect(tripOf('p99Latency')).toEqual({
      note: 'tripped by the plain rule over 5 min, n = 100: 5 % of them beyond the limit',
    });
  });
});

import type { Metric } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { readPrometheusBinding } from './prometheus-binding.ts';

const metricOf = (kind: Metric['kind'], binding: Metric['binding']): Metric => ({
  name: 'errorRate',
  kind,
  unit: 'value',
  harm: 'higher',
  per: 'request',
  source: 'prometheus',
  binding,
  lagMs: 0,
  designEffect: 1,
});

describe('readPrometheusBinding', () => {
  it('reads the selectors of each kind', () => {
    const read = (kind: Metric['kind'], binding: Metric['binding']) => readPrometheusBinding(metricOf(kind, binding));
    expect(read('proportion', { bad: 'b', total: ' t ', arm: 'variant' })).toEqual({
      total: 't',
      sum: 'b',
      arm: 'variant',
    });
    expect(read('mean', { sum: 's', sumSquares: 'q', total: 't' })).toEqual({ total: 't', sum: 's', sumSquares: 'q' });
    expect(read('quantile', { buckets: 'x_bucket' })).toEqual({ total: 'x_bucket' });
    expect(read('count', { total: 't' })).toEqual({ total: 't' });
    expect(read('count', { total: '{__name__=~"a|b",code!="}"}' })).toEqual({ total: '{__name__=~"a|b",code!="}"}' });
    expect(read('count', { total: 'job:requests:sum { code = "5" }' }).total).toBe('job:requests:sum { code = "5" }');
  });

  it.each([
    ['proportion', { total: 't' }, 'bad is missing'],
    ['proportion', { bad: 7, total: 't' }, 'bad is 7'],
    ['rate', { total: '' }, 'total is ""'],
    ['rate', { total: 't', bad: 'b' }, 'bad is not a key of it'],
    ['ratio', { sum: 's', total: 't' }, 'sumSquares is missing'],
    ['rate', { total: 'rate(t[5m])' }, 'total is "rate(t[5m])", which is no selector'],
    ['rate', { total: 't{code="200"}[5m]' }, 'which is no selector'],
    ['proportion', { bad: 'sum(b)', total: 't' }, 'bad is "sum(b)"'],
    ['proportion', { bad: 'b / t', total: 't' }, 'bad is "b / t"'],
  ] as const)('refuses a %s bound to %j', (kind, binding, words) => {
    expect(() => readPrometheusBinding(metricOf(kind, binding))).toThrow(/BINDING_INVALID: metrics\.errorRate: /);
    expect(() => readPrometheusBinding(metricOf(kind, binding))).toThrow(words);
  });
});

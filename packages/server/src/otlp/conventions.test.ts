import { METRIC_CATALOG, type Metric } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { INSTRUMENTS_BY_NAME, otlpBindingProblem, readingOf } from './conventions.ts';

function metricOf(binding: Metric['binding'], source = 'otlp'): Metric {
  const known = METRIC_CATALOG.get('errorRate');
  if (known === undefined) throw new Error('the catalog has no errorRate');
  return { ...known.metric, source, binding };
}

describe('settings of a metric from OpenTelemetry', () => {
  it.each([
    [{}],
    [{ metric: 'rpc.server.duration' }],
    [{ signal: 'traces' }],
    [{ signal: 'metrics', metric: 'rpc.server.duration' }],
  ])('%j are taken', (binding) => {
    expect(otlpBindingProblem(metricOf(binding))).toBeUndefined();
  });

  it.each([
    [{ query: 'x' }, 'source otlp takes "metric" and "signal"; received "query"'],
    [{ metric: 7 }, 'metric: expected the name of an instrument, received 7'],
    [{ signal: 'logs' }, 'signal: expected metrics or traces, received "logs"'],
    [{ signal: 'traces', metric: 'm' }, 'metric names an instrument, and traces have none'],
  ])('%j are refused', (binding, problem) => {
    expect(otlpBindingProblem(metricOf(binding))).toBe(problem);
  });

  it('of another source are not its business', () => {
    expect(otlpBindingProblem(metricOf({ query: 'x' }, 'prometheus'))).toBeUndefined();
  });
});

describe('the conventions', () => {
  it('have one dialect number per instrument of a signal', () => {
    const all = [...INSTRUMENTS_BY_NAME.values()].flat().map(({ signal, dialect }) => `${signal} ${dialect}`);
    expect(new Set(all).size).toBe(all.length);
  });

  it('feed a metric of the catalog by the kind it has there only', () => {
    const metric = metricOf({});
    expect(readingOf(metric, 'http')).toBe('errors');
    expect(readingOf({ ...metric, kind: 'mean' }, 'http')).toBeUndefined();
    expect(readingOf(metric, 'inference')).toBeUndefined();
  });
});

import type { Metric } from '@rampart/rollout';
import type { MetricQuery, SourceAnswer } from './ports.ts';

export const HOUR = 3_600_000;
const FROM = Date.parse('2026-11-23T10:00:00Z');

/** A metric of a source, with its binding. */
export const metricOf = (binding: Metric['binding'], change: Partial<Metric> = {}): Metric => ({
  name: 'errorRate',
  kind: 'proportion',
  unit: 'ratio',
  harm: 'higher',
  per: 'request',
  source: 'warehouse',
  binding,
  lagMs: 60_000,
  designEffect: 1,
  ...change,
});

/** What is asked of it: the hour from 10:00 of 23 November 2026. */
export const queryOf = (metric: Metric, change: Partial<MetricQuery> = {}): MetricQuery => ({
  metric,
  rollout: 'feature-xyz-1',
  flag: 'feature-xyz',
  treatment: 'on',
  control: 'off',
  epoch: 2,
  stratum: 5000,
  fromAt: FROM,
  toAt: FROM + HOUR,
  ...change,
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Counts and sums per arm, or what else was answered. */
export function totalsOf(answer: SourceAnswer): unknown {
  if (answer.kind === 'error') return answer.message;
  if (answer.kind !== 'value') return answer.kind;
  return Object.fromEntries(answer.series.map((one) => [one.arm, [sum(one.count), sum(one.sum)]]));
}

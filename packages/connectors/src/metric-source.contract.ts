import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ContractCase } from './contract.ts';
import type { MetricQuery, MetricSource, SourceAnswer } from './ports.ts';

/** What the suite asks of whoever runs it on a source: to bring the system behind it into each situation. */
export type MetricSourceHarness = {
  readonly source: MetricSource;
  /** The metric, rollout and interval asked for. */
  readonly query: MetricQuery;
  /**
   * `observed`: 10 observations summing to 3 in the interval, all of treatment. `silent`: nothing ever reported.
   * `other-metric`: fresh, but nothing of this metric. `stopped`: what there is ends an hour before the interval, beyond
   * the lag. `failing`: cannot answer.
   */
  readonly given: (situation: 'observed' | 'silent' | 'other-metric' | 'stopped' | 'failing') => Promise<void> | void;
};

const answerIn = async (harness: MetricSourceHarness, situation: Parameters<MetricSourceHarness['given']>[0]) => {
  await harness.given(situation);
  return harness.source.read(harness.query);
};

const total = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

function seriesOf(answer: SourceAnswer) {
  equal(answer.kind, 'value');
  return answer.kind === 'value' ? answer.series : [];
}

/** What every metric source promises. */
export const metricSourceContract: readonly ContractCase<MetricSourceHarness>[] = [
  {
    name: 'gives the observations of the interval as sufficient statistics',
    run: async (harness) => {
      const series = seriesOf(await answerIn(harness, 'observed'));
      equal(total(series.flatMap((one) => one.count)), 10);
      equal(total(series.flatMap((one) => one.sum)), 3);
      deepEqual([...new Set(series.map((one) => one.arm))], ['treatment']);
    },
  },
  {
    name: 'gives series of the metric asked for, with parallel arrays of finite numbers',
    run: async (harness) => {
      for (const one of seriesOf(await answerIn(harness, 'observed'))) {
        equal(one.metric, harness.query.metric.name);
        for (const array of [one.count, one.sum, one.sumSquares]) {
          equal(array.length, one.bucket.length);
          ok(array.every(Number.isFinite));
        }
        ok(one.bucket.every((bucket) => Number.isInteger(bucket) && bucket >= -1 && bucket < 64));
        ok(one.count.every((count) => count >= 0));
      }
    },
  },
  {
    name: 'gives the same answer to the same question',
    run: async (harness) => {
      const first = await answerIn(harness, 'observed');
      deepEqual(await harness.source.read(harness.query), first);
    },
  },
  {
    name: 'says no-data, not zero, when nothing ever reported',
    run: async (harness) => {
      deepEqual(await answerIn(harness, 'silent'), { kind: 'no-data' });
    },
  },
  {
    name: 'says no-data when it is alive but has nothing of the metric',
    run: async (harness) => {
      deepEqual(await answerIn(harness, 'other-metric'), { kind: 'no-data' });
    },
  },
  {
    name: 'says stale, and since when, when what it has ends before the interval',
    run: async (harness) => {
      const answer = await answerIn(harness, 'stopped');
      ok(answer.kind === 'stale' && answer.newestAt < harness.query.fromAt, `expected stale, received ${answer.kind}`);
    },
  },
  {
    name: 'answers error with a message instead of rejecting when it cannot answer',
    run: async (harness) => {
      const answer = await answerIn(harness, 'failing');
      ok(answer.kind === 'error' && answer.message.length > 10, `expected error, received ${answer.kind}`);
    },
  },
  {
    name: 'answers again once it can',
    run: async (harness) => {
      await answerIn(harness, 'failing');
      equal((await answerIn(harness, 'observed')).kind, 'value');
    },
  },
];

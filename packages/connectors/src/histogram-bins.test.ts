import { binOf, upperEdgeOf } from '@rampart/rollout';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logBinsOf } from './histogram-bins.ts';

const increasing = fc
  .array(fc.tuple(fc.double({ min: 0.001, max: 1000, noNaN: true }), fc.integer({ min: 0, max: 1000 })), {
    minLength: 1,
  })
  .map((pairs) => {
    const edges = [...new Set(pairs.map(([edge]) => edge))].sort((one, other) => one - other);
    let below = 0;
    const cumulative = edges.map((edge, i) => {
      below += pairs[i]?.[1] ?? 0;
      return [edge, below] as const;
    });
    return new Map<number, number>([...cumulative, [Number.POSITIVE_INFINITY, below + 5]]);
  });

describe('logBinsOf', () => {
  it('keeps every observation, in whole numbers', () => {
    fc.assert(
      fc.property(increasing, (cumulative) => {
        const bins = logBinsOf(cumulative);
        expect(bins.every(([bin, count]) => Number.isInteger(bin) && Number.isInteger(count) && count > 0)).toBe(true);
        const total = bins.reduce((sum, [, count]) => sum + count, 0);
        expect(total).toBe(cumulative.get(Number.POSITIVE_INFINITY));
      }),
    );
  });

  it('keeps the counts on both sides of an edge that is an edge of the bins', () => {
    const bins = logBinsOf(
      new Map([
        [0.25, 10],
        [0.5, 30],
        [2, 90],
        [Number.POSITIVE_INFINITY, 100],
      ]),
    );
    const upTo = (edge: number) =>
      bins.filter(([bin]) => upperEdgeOf(bin) <= edge * 1.0001).reduce((sum, [, n]) => sum + n, 0);
    expect([upTo(0.25), upTo(0.5), upTo(1), upTo(2), upTo(1e9)]).toEqual([10, 30, 60, 90, 100]);
    expect(bins.at(-1)).toEqual([binOf(2) + 1, 10]);
  });

  it('takes a cumulative count that falls for an empty bucket', () => {
    expect(
      logBinsOf(
        new Map([
          [1, 5],
          [2, 3],
        ]),
      ),
    ).toEqual([[binOf(1), 5]]);
  });
});

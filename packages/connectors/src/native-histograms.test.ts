import { describe, expect, it } from 'vitest';
import { classicSeriesOf } from './native-histograms.ts';

const histogram = (count: number, ...buckets: readonly (readonly [number, number, number])[]) => ({
  ...{ count: String(count), sum: '1' },
  buckets: buckets.map(([low, high, n]) => [0, String(low), String(high), String(n)]),
});
const read = (...samples: readonly (readonly [number, object])[]) =>
  Object.fromEntries(
    classicSeriesOf({ variant: 'on' }, samples).map(({ labels, samples: own }) => [labels.le, own.map(([, n]) => n)]),
  );

describe('a native histogram as a classic one', () => {
  it('has a cumulative counter at each edge, also where a bucket has only just begun', () => {
    const before = histogram(3, [0.25, 0.5, 3]);
    const after = histogram(8, [0.25, 0.5, 4], [1, 2, 4]);
    expect(read([10, before], [20, after])).toEqual({
      '0.25': [0, 0],
      '0.5': [3, 4],
      '1': [3, 4],
      '2': [3, 8],
      '+Inf': [3, 8],
    });
  });

  it('leaves out an edge that a coarser sample cannot tell', () => {
    const fine = histogram(6, [0.25, 0.5, 2], [0.5, 1, 4]);
    const coarse = histogram(9, [0.25, 1, 9]);
    expect(read([10, fine], [20, coarse])).toEqual({ '0.25': [0, 0], '1': [6, 9], '+Inf': [6, 9] });
  });

  it('keeps the labels and instants, and leaves out what is no histogram', () => {
    const [first] = classicSeriesOf({ variant: 'on' }, [
      [10.5, histogram(1, [1, 2, 1])],
      ['x'],
      [11, null],
      [12, { count: 'NaN' }],
    ]);
    expect(first).toEqual({ labels: { variant: 'on', le: '1' }, samples: [[10_500, 0]] });
  });
});

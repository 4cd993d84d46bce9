import { binOf, LOWEST_BIN } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { HistogramPile } from './histogram-pile.ts';
import { increaseOf } from './point-increase.ts';
import { explicitValueOf, exponentialValueOf, numberValueOf, type PointValue } from './point-value.ts';
import { binsOf } from './sums-of-point.ts';

type Histogram = Exclude<PointValue, { kind: 'number' }>;
const asHistogram = (value: PointValue | string) => value as Histogram;
const explicit = (counts: readonly number[], bounds: readonly number[], sum?: number) =>
  asHistogram(
    explicitValueOf({
      count: counts.reduce((a, b) => a + b, 0),
      bucketCounts: counts,
      explicitBounds: bounds,
      ...(sum !== undefined && { sum }),
    }),
  );

/** An exponential histogram of some values, as the data model defines it. */
function exponential(values: readonly number[], scale: number): Histogram {
  const indices = values.map((value) => Math.ceil(Math.log2(value) * 2 ** scale) - 1);
  const offset = Math.min(...indices);
  const counts = new Array<number>(Math.max(...indices) - offset + 1).fill(0);
  for (const index of indices) counts[index - offset]! += 1;
  const sum = values.reduce((a, b) => a + b, 0);
  return asHistogram(
    exponentialValueOf({ count: values.length, sum, scale, positive: { offset, bucketCounts: counts } }),
  );
}

const VALUES = Array.from({ length: 500 }, (_, i) => 0.001 * 1.02 ** i);
const binned = (values: readonly number[], factor = 1) => {
  const bins = new Map<number, number>();
  for (const value of values) bins.set(binOf(value * factor), (bins.get(binOf(value * factor)) ?? 0) + 1);
  return bins;
};
const totalOf = (bins: ReadonlyMap<number, number>) => [...bins.values()].reduce((a, b) => a + b, 0);

describe('log bins of an exponential histogram', () => {
  it.each([4, 5, 7, 10])('of scale %i are those of its values', (scale) => {
    expect(new Map([...binsOf(exponential(VALUES, scale))].sort(([a], [b]) => a - b))).toEqual(binned(VALUES));
  });

  it.each([3, 1, -1])('of scale %i keep every count, within the widths of its buckets', (scale) => {
    const bins = binsOf(exponential(VALUES, scale));
    expect(totalOf(bins)).toBe(VALUES.length);
    const width = 16 / 2 ** scale;
    const edge = binOf(VALUES[250]!);
    const below = [...bins].filter(([bin]) => bin <= edge).reduce((n, [, count]) => n + count, 0);
    const near = VALUES.filter((value) => Math.abs(binOf(value) - edge) <= width).length;
    expect(Math.abs(below - 251)).toBeLessThanOrEqual(near);
  });

  it('hold zeros and negative values at the lowest bin', () => {
    const value = exponentialValueOf({ count: 5, scale: 4, zeroCount: 2, negative: { bucketCounts: [3] } });
    expect([...binsOf(asHistogram(value))]).toEqual([[LOWEST_BIN, 5]]);
  });

  it('stay between the lowest and the highest bin, whatever the offset', () => {
    for (const offset of [2 ** 31 - 10, -(2 ** 31)]) {
      const value = exponentialValueOf({ count: 1, scale: 4, positive: { offset, bucketCounts: [1] } });
      const [[bin]] = [...binsOf(asHistogram(value))] as [[number, number]];
      expect(bin).toBeGreaterThanOrEqual(LOWEST_BIN);
      expect(bin).toBeLessThanOrEqual(16 * 1024);
    }
  });
});

describe('log bins of an explicit histogram', () => {
  it('keep every count on its side of every bound', () => {
    const bounds = [0.1, 0.5, 1];
    const bins = binsOf(explicit([10, 20, 30, 40], bounds));
    expect(totalOf(bins)).toBe(100);
    for (const [i, bound] of bounds.entries()) {
      const below = [...bins].filter(([bin]) => bin <= binOf(bound)).reduce((n, [, count]) => n + count, 0);
      expect(below).toBe([10, 30, 60][i]);
    }
  });

  it('follow the unit', () => {
    const milliseconds = binsOf(explicit([0, 7, 0], [100, 200]), 1e-3);
    expect([...milliseconds.keys()].every((bin) => bin >= binOf(0.1) && bin <= binOf(0.2))).toBe(true);
    expect(totalOf(milliseconds)).toBe(7);
  });
});

describe('histograms laid on one another', () => {
  const sumsOf = (...values: readonly Histogram[]) => {
    const pile = new HistogramPile();
    for (const value of values) pile.add(value, 1);
    return pile.sums;
  };

  it('have their sum and never too small a spread', () => {
    const sums = sumsOf(exponential(VALUES, 8), exponential(VALUES, 4));
    const squares = 2 * VALUES.reduce((total, value) => total + value * value, 0);
    expect(sums.count).toBe(2 * VALUES.length);
    expect(sums.sum).toBeCloseTo(2 * VALUES.reduce((a, b) => a + b, 0), 6);
    expect(sums.sumSquares).toBeGreaterThanOrEqual(squares);
    expect(sums.sumSquares).toBeLessThanOrEqual(squares * 1.1);
  });

  it('of one grid of bounds are those of their counts added up; others stay apart', () => {
    const bins = sumsOf(explicit([1, 2], [1]), explicit([3, 4], [1]), explicit([5, 6], [2])).bins;
    const expected = new Map(binsOf(explicit([4, 6], [1])));
    for (const [bin, count] of binsOf(explicit([5, 6], [2]))) expected.set(bin, (expected.get(bin) ?? 0) + count);
    expect(bins).toEqual(expected);
  });

  it('without a sum are taken at the upper edges of their bins', () => {
    const { sum, ...exact } = exponential(VALUES, 4);
    expect(sumsOf(exact).sum).toBeGreaterThanOrEqual(sum ?? 0);
    expect(sumsOf(exact).sum).toBeLessThan((sum ?? 0) * 1.05);
  });
});

describe('the increase of a histogram', () => {
  it('is bucket by bucket', () => {
    expect(increaseOf(explicit([1, 2], [1], 3), explicit([2, 5], [1], 10))).toEqual(explicit([1, 3], [1], 7));
    expect(increaseOf(explicit([1, 2], [1]), explicit([0, 5], [1]))).toBe('went-down');
    expect(increaseOf(explicit([1, 2], [1]), explicit([2, 5], [2]))).toBe('other-shape');
  });

  it('is exact over a scale that went down', () => {
    const more = [...VALUES, ...VALUES.map((value) => value * 3)];
    const increase = increaseOf(exponential(VALUES, 8), exponential(more, 5)) as Histogram;
    const expected = binned(VALUES.map((value) => value * 3));
    expect(new Map([...binsOf(increase)].sort(([a], [b]) => a - b))).toEqual(expected);
    expect(increase.count).toBe(VALUES.length);
  });

  it('is none where a bucket went down or away', () => {
    expect(increaseOf(exponential([1, 2, 8], 4), exponential([1, 2, 2, 4], 4))).toBe('went-down');
    expect(increaseOf(exponential([1, 1, 2], 4), exponential([1, 2, 2, 4], 4))).toBe('went-down');
  });
});

describe('a point', () => {
  it.each([
    ['of a number that is not finite', numberValueOf({ asDouble: Number.NaN }), 'a value of NaN'],
    ['without a number', numberValueOf({}), 'a value of nothing'],
    ['that ends its stream', numberValueOf({ asInt: 1, flags: 1 }), 'no recorded value'],
    ['with an infinite sum', explicitValueOf({ count: 1, sum: Number.POSITIVE_INFINITY }), 'a sum of Infinity'],
    [
      'with too few buckets',
      explicitValueOf({ count: 1, bucketCounts: [1], explicitBounds: [1, 2] }),
      '1 bucket counts over 2 bounds',
    ],
    [
      'whose bounds fall',
      explicitValueOf({ count: 1, bucketCounts: [1, 0, 0], explicitBounds: [2, 1] }),
      'bounds that do not rise',
    ],
    [
      'whose buckets do not add up',
      explicitValueOf({ count: 5, bucketCounts: [1, 1], explicitBounds: [1] }),
      'bucket counts that do not add up to its count 5',
    ],
    ['of an absurd scale', exponentialValueOf({ count: 0, scale: 400 }), 'a scale of 400'],
  ])('%s is not counted, and says why', (_, value, why) => {
    expect(value).toBe(why);
  });
});

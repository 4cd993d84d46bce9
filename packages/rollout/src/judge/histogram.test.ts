import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binOf, LOWEST_BIN, upperEdgeOf } from '../evidence.ts';
import { addBins, copyHistogram, emptyHistogram, firstBinBeyond, quantileEdgeOf, quantileOf } from './histogram.ts';

const binsOf = (values: readonly number[]) => ({
  bucket: values.map(() => 0),
  bin: values.map(binOf),
  count: values.map(() => 1),
});
const histogramOf = (values: readonly number[]) => {
  const histogram = emptyHistogram();
  addBins(histogram, binsOf(values));
  return histogram;
};
const value = fc.double({ min: 1e-6, max: 1e6, noNaN: true });

describe('a histogram', () => {
  it('holds every value, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 50 }), (values) => {
        const { from, counts } = histogramOf(values);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
        for (const one of values) expect(counts[binOf(one) - from]).toBeGreaterThan(0);
        expect(histogramOf([...values].sort((a, b) => a - b))).toEqual({ from, counts });
      }),
    );
  });

  it('gives a quantile within its bin, and a cut that has that share at or below it', () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (values, q) => {
          const histogram = histogramOf(values);
          const cut = quantileEdgeOf(histogram, q)!;
          const below = values.filter((one) => one <= cut * (1 + 1e-12)).length;
          expect(below).toBeGreaterThanOrEqual(q * values.length - 1e-6);
          expect(quantileOf(histogram, q)).toBeLessThanOrEqual(cut * (1 + 1e-12));
        },
      ),
    );
    expect(quantileOf(emptyHistogram(), 0.5)).toBeUndefined();
  });

  it('counts what is surely beyond a cut, or what may be', () => {
    fc.assert(
      fc.property(value, value, (one, cut) => {
        if (binOf(one) >= firstBinBeyond(cut, true)) expect(one).toBeGreaterThanOrEqual(cut * (1 - 1e-9));
        if (one > cut * (1 + 1e-9)) expect(binOf(one)).toBeGreaterThanOrEqual(firstBinBeyond(cut, false));
      }),
    );
    const edge = upperEdgeOf(5);
    expect([firstBinBeyond(edge, true), firstBinBeyond(edge, false)]).toEqual([6, 6]);
    expect([firstBinBeyond(edge * 1.01, true), firstBinBeyond(edge * 1.01, false)]).toEqual([7, 6]);
    expect(firstBinBeyond(0, true)).toBe(Number.NEGATIVE_INFINITY);
    expect(LOWEST_BIN).toBeLessThan(firstBinBeyond(1e-300, true));
  });

  it('is copied, not shared', () => {
    const histogram = histogramOf([1, 2]);
    const copy = copyHistogram(histogram);
    addBins(histogram, binsOf([4]));
    expect(copy).toEqual(histogramOf([1, 2]));
  });
});

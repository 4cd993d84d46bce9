import { type EvidenceSeries, LOWEST_BIN } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { SeriesSums } from './series-sums.ts';

const one = (change: Partial<EvidenceSeries> = {}): EvidenceSeries => ({
  ...{ metric: 'p99Latency', arm: 'treatment', epoch: 1, stratum: 5_000 },
  ...{ bucket: [3], count: [2], sum: [0.5], sumSquares: [0.25] },
  ...change,
});

function sumsOf(...all: readonly EvidenceSeries[]): SeriesSums {
  const sums = new SeriesSums();
  for (const series of all) sums.add(series);
  return sums;
}

describe('sums of series', () => {
  it('add entries of one user bucket, and list buckets in order, unknown users first', () => {
    const many = one({ bucket: [63, -1, 3], count: [1, 4, 1], sum: [1, 4, 1], sumSquares: [1, 4, 1] });
    expect(sumsOf(one(), many).toSeries()).toEqual([
      one({ bucket: [-1, 3, 63], count: [4, 3, 1], sum: [4, 1.5, 1], sumSquares: [4, 1.25, 1] }),
    ]);
  });

  it('keep an entry that counts nothing: a source that says 0 is not one that says nothing', () => {
    expect(sumsOf(one({ count: [0], sum: [0], sumSquares: [0] })).toSeries()).toHaveLength(1);
    expect(sumsOf(one({ count: [0], sum: [0], sumSquares: [0] })).toSeries()[0]?.bucket).toEqual([3]);
  });

  it('hold histograms however far apart their bins lie, and in whatever order they came', () => {
    const bins = [[16_384, 1] as const, [LOWEST_BIN, 2] as const];
    const merged = sumsOf(one({ bins: [[[5, 1]]] }), one({ bins: [bins] }), one({ bins: [[[-40, 7]]] })).toSeries();
    expect(merged[0]?.bins).toEqual([
      [
        [LOWEST_BIN, 2],
        [-40, 7],
        [5, 1],
        [16_384, 1],
      ],
    ]);
  });

  it('keep series with and without a histogram apart, and metrics, arms, epochs and strata', () => {
    const apart = [
      one(),
      one({ bins: [[[1, 2]]] }),
      one({ metric: 'errorRate' }),
      one({ arm: 'control' }),
      one({ epoch: 2 }),
      one({ stratum: 1 }),
    ];
    expect(sumsOf(...apart, ...apart).toSeries()).toHaveLength(apart.length);
  });

  it('stay as they are when a copy is added to', () => {
    const sums = sumsOf(one({ bins: [[[1, 2]]] }));
    const before = JSON.stringify(sums.toSeries());
    const copy = sums.copy();
    copy.add(one({ bins: [[[1, 2]]] }));
    copy.add(one({ metric: 'errorRate' }));
    expect(JSON.stringify(sums.toSeries())).toBe(before);
    expect(copy.toSeries()[0]?.bins).toEqual([[[1, 4]]]);
  });
});

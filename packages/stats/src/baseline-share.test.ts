import { describe, expect, it } from 'vitest';
import { baselineShareLogE } from './baseline-share.ts';
import { binomial, expectation, play } from './enumeration.contract.ts';

const ALPHA = 0.3;
const LEVEL = 0.1;
const LOOKS = 4;
const PER_LOOK = 3;

/** Chance of ever refuting, over all baselines and all paths of treatment. */
function everRefuted(p: number, nullRatio: number, direction: 'above' | 'below', baselineN: number) {
  return expectation(binomial(baselineN, p), (baselineX) => {
    const { crossed } = play(
      {
        start: 0,
        looks: LOOKS,
        outcomes: () => binomial(PER_LOOK, p * nullRatio),
        update: (state: number, x: number) => state + 1000 * PER_LOOK + x,
        logE: (state) => {
          const [n, x] = [Math.floor(state / 1000), state % 1000];
          return baselineShareLogE({ x, n, baselineX, baselineN, nullRatio, direction, level: LEVEL });
        },
      },
      ALPHA - LEVEL,
    );
    return crossed;
  });
}

describe('a share against a finite baseline', () => {
  it.each([
    [0.1, 1],
    [0.3, 1.2],
    [0.6, 1],
  ])('is ever refuted with a chance of at most alpha, at a share of %d and a ratio of %d', (p, nullRatio) => {
    expect(everRefuted(p, nullRatio, 'above', 8)).toBeLessThanOrEqual(ALPHA);
    expect(everRefuted(p, nullRatio, 'below', 8)).toBeLessThanOrEqual(ALPHA);
    expect(everRefuted(p, 1.6 * nullRatio, 'above', 8)).toBeGreaterThan(0);
  });

  it('fails a rise and passes the same share within a margin', () => {
    const baseline = { baselineX: 1000, baselineN: 1_000_000, level: 0.01 };
    const above = { direction: 'above', nullRatio: 1.2 } as const;
    const below = { direction: 'below', nullRatio: 1.5 } as const;
    const needed = Math.log(1 / (0.05 - 0.01));
    expect(baselineShareLogE({ x: 60, n: 20_000, ...baseline, ...above })).toBeGreaterThan(needed);
    expect(baselineShareLogE({ x: 20, n: 20_000, ...baseline, ...above })).toBeLessThan(0);
    expect(baselineShareLogE({ x: 90, n: 90_000, ...baseline, ...below })).toBeGreaterThan(needed);
    expect(baselineShareLogE({ x: 180, n: 90_000, ...baseline, ...below })).toBeLessThan(0);
  });

  it('gives 1 % of the error rate to the bound unless told otherwise', () => {
    const input = { x: 9, n: 100, baselineX: 3, baselineN: 100, nullRatio: 1, direction: 'above' } as const;
    expect(baselineShareLogE(input)).toBe(baselineShareLogE({ ...input, level: 0.01 }));
    expect(baselineShareLogE(input)).toBeLessThan(baselineShareLogE({ ...input, level: 0.2 }));
  });

  it('is finite for a baseline without events, of events only, of nothing, and of a million million', () => {
    for (const [baselineX, baselineN] of [
      [0, 100],
      [100, 100],
      [0, 0],
      [1e9, 1e12],
    ] as const) {
      for (const direction of ['above', 'below'] as const) {
        const logE = baselineShareLogE({ x: 3, n: 1e12, baselineX, baselineN, nullRatio: 1.2, direction });
        expect(Number.isFinite(logE)).toBe(true);
      }
    }
  });
});

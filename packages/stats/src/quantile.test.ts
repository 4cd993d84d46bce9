import { describe, expect, it } from 'vitest';
import { type QuantileArm, quantileLogE, quantileRatioLogE } from './quantile.ts';

const EDGES_PER_OCTAVE = 16;
/** Values spread evenly in logs from 1 up to `reach`, counted in buckets of 1/16 octave. */
function arm(n: number, reach: number, octaves = EDGES_PER_OCTAVE): QuantileArm {
  const edges = Array.from({ length: 8 * octaves }, (_, i) => 2 ** (i / octaves));
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (let k = 0; k < n; k += 1) {
    const value = reach ** ((k + 0.5) / n);
    const index = edges.findIndex((edge) => value <= edge);
    counts[index === -1 ? edges.length : index]! += 1;
  }
  return { edges, counts, planned: 2000 };
}

describe('the test of two quantiles', () => {
  it('refutes a limit that is exceeded, and none that is kept', () => {
    const [slow, fast] = [arm(4000, 40), arm(4000, 20)];
    expect(quantileRatioLogE(slow, fast, 0.9, 1)).toBeGreaterThan(Math.log(20));
    expect(quantileRatioLogE(slow, fast, 0.9, 2.5)).toBeLessThan(0);
    expect(quantileRatioLogE(fast, fast, 0.9, 1)).toBeLessThan(0);
  });

  it('passes with the arms swapped and the inverse ratio', () => {
    const [treatment, control] = [arm(4000, 20), arm(4000, 20)];
    expect(quantileRatioLogE(control, treatment, 0.9, 1 / 1.5)).toBeGreaterThan(Math.log(20));
    expect(quantileRatioLogE(control, arm(4000, 35), 0.9, 1 / 1.5)).toBeLessThan(0);
  });

  it('loses evidence by coarser buckets, and never gains it', () => {
    const [slow, fast] = [arm(3000, 40), arm(3000, 20)];
    const fine = quantileRatioLogE(slow, fast, 0.9, 1.1);
    expect(quantileRatioLogE(arm(3000, 40, 4), fast, 0.9, 1.1)).toBeLessThanOrEqual(fine);
    expect(quantileRatioLogE(slow, arm(3000, 20, 4), 0.9, 1.1)).toBeLessThanOrEqual(fine);
    expect(quantileRatioLogE(arm(3000, 40, 2), arm(3000, 20, 2), 0.9, 1.1)).toBeLessThanOrEqual(fine);
  });

  it('counts a bucket that may lie below the cut as below it, also where edges fall together but for rounding', () => {
    const control: QuantileArm = { edges: [0.1 * 3], counts: [5, 5], planned: 10 };
    const treatment: QuantileArm = { edges: [0.3, 0.9], counts: [2, 4, 4], planned: 10 };
    const same = quantileLogE({ atMost: [2], n: 10, planned: 10 }, { atMost: [5], n: 10, planned: 10 }, 0.5);
    const partly = quantileLogE({ atMost: [6], n: 10, planned: 10 }, { atMost: [5], n: 10, planned: 10 }, 0.5);
    expect(quantileRatioLogE(treatment, control, 0.5, 1)).toBe(same);
    expect(quantileRatioLogE(treatment, control, 0.5, 2)).toBe(partly);
  });

  it('knows nothing without values, and stays finite with a million million of them', () => {
    const empty: QuantileArm = { edges: [1, 2], counts: [0, 0, 0], planned: 2000 };
    const huge: QuantileArm = { edges: [1, 2], counts: [9e11, 9e10, 1e10], planned: 2000 };
    expect(quantileRatioLogE(empty, empty, 0.99, 1)).toBeCloseTo(0, 14);
    expect(Number.isFinite(quantileRatioLogE(huge, huge, 0.99, 1))).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { oneSidedMeanLogE } from './mean.ts';
import {
  emptyStratifiedMean,
  stratifiedMeanEstimate,
  type TwoArmMoments,
  updateStratifiedMean,
} from './stratified-mean.ts';

function moments(treatment: readonly number[], control: readonly number[]): TwoArmMoments {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const squares = (values: readonly number[]) => sum(values.map((v) => v * v));
  return {
    nT: treatment.length,
    sumT: sum(treatment),
    sumSquaresT: squares(treatment),
    nC: control.length,
    sumC: sum(control),
    sumSquaresC: squares(control),
  };
}

const estimateOf = (...batches: readonly TwoArmMoments[]) =>
  stratifiedMeanEstimate(batches.reduce(updateStratifiedMean, emptyStratifiedMean()));

/** A repeatable source of numbers in [0, 1). */
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('the stratified difference of means', () => {
  it('is the plain difference for one batch, with the larger of two standard errors', () => {
    const { delta, se } = estimateOf(moments([1, 2, 3], [2, 4, 6, 8]))!;
    expect(delta).toBeCloseTo(-3, 12);
    const arms = Math.sqrt(1 / 3 + 20 / 12);
    const pooled = Math.sqrt((134 - 26 ** 2 / 7) / 6 / (12 / 7));
    expect(se).toBeCloseTo(Math.max(arms, pooled), 12);
  });

  it('takes the arms’ own standard error when the small arm varies more', () => {
    const { se } = estimateOf(moments([-9, 9], [1, 1, 1, 1, 1, 1, 1, 1]))!;
    expect(se).toBeCloseTo(Math.sqrt(162 / 2), 12);
  });

  it('ignores a shift common to both arms of a batch, whatever the allocation', () => {
    const shifted = moments([101, 102, 103], [101, 102, 103, 101, 102, 103, 101, 102, 103]);
    const { delta } = estimateOf(moments([1, 2, 3, 1, 2, 3, 1, 2, 3], [1, 2, 3]), shifted)!;
    expect(delta).toBeCloseTo(0, 10);
  });

  it('leaves out a batch with an empty arm and has no estimate before the first full one', () => {
    expect(estimateOf()).toBeUndefined();
    expect(estimateOf(moments([1, 2], []), moments([], [3]))).toBeUndefined();
    const full = moments([1, 2], [3, 5]);
    expect(estimateOf(full, moments([9], []))).toEqual(estimateOf(full));
  });

  it('borrows the pooled variance for an arm of one observation', () => {
    const { delta, se } = estimateOf(moments([5], [1, 2, 3]))!;
    expect(delta).toBe(3);
    expect(se).toBeGreaterThan(1);
    expect(estimateOf(moments([5, 5], [1]))!.se).toBeGreaterThan(0);
  });

  it('says so when nothing varies', () => {
    expect(estimateOf(moments([2, 2], [2, 2, 2]))).toEqual({ delta: 0, se: 0 });
  });

  it('keeps false alarms below 5 % on both sides for skewed data in a small arm, looking after each batch', () => {
    const runs = 400;
    const alarms = { above: 0, below: 0 };
    for (let run = 0; run < runs; run += 1) {
      const random = seeded(run + 1);
      const seen = { above: false, below: false };
      let state = emptyStratifiedMean();
      for (let k = 1; k <= 60; k += 1) {
        const value = () => (random() < 0.8 ? 0 : 1 / (1 - random()) ** 0.3);
        const draw = (n: number) => Array.from({ length: n }, value);
        state = updateStratifiedMean(state, moments(draw(4), draw(40)));
        const estimate = stratifiedMeanEstimate(state);
        if (k < 20 || estimate === undefined) continue;
        for (const direction of ['above', 'below'] as const) {
          seen[direction] ||= oneSidedMeanLogE({ ...estimate, tau: 0.15, direction }) >= Math.log(20);
        }
      }
      alarms.above += Number(seen.above);
      alarms.below += Number(seen.below);
    }
    const allowed = runs * 0.05 + 3 * Math.sqrt(runs * 0.05 * 0.95);
    expect(alarms.above).toBeLessThanOrEqual(allowed);
    expect(alarms.below).toBeLessThanOrEqual(allowed);
  });
});

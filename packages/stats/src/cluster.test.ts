import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BucketBatch,
  bucketScoreEstimate,
  bucketScoreLogE,
  emptyBucketScore,
  updateBucketScore,
} from './cluster.ts';

const K = 4;
const count = fc.integer({ min: 0, max: 500 });
const column = fc.array(count, { minLength: K, maxLength: K });
const batch = fc.record({ nT: column, xT: column, nC: column, xC: column });

const logEOf = (batches: readonly BucketBatch[], direction: 'above' | 'below' = 'above') =>
  bucketScoreLogE(batches.reduce(updateBucketScore, emptyBucketScore(K)), { tau: 0.05, direction });

/** A repeatable source of numbers in [0, 1). */
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Users with very different traffic and error rates of their own, in buckets; `factor` multiplies treatment's errors. */
function simulate(run: number, factor: number, looks: number, visit: (batches: BucketBatch) => void) {
  const random = seeded(7919 * run + 1);
  const users = Array.from({ length: 400 }, (_, u) => ({
    bucket: u % 64,
    treatment: random() < 0.5,
    requests: 1 + Math.floor(2 / (1 - random()) ** 0.6),
    rate: 0.02 / (1 - random()) ** 0.5,
  }));
  for (let look = 0; look < looks; look += 1) {
    const zeros = () => new Array<number>(64).fill(0);
    const b = { nT: zeros(), xT: zeros(), nC: zeros(), xC: zeros() };
    for (const { bucket, treatment, requests, rate } of users) {
      const p = Math.min(0.9, rate * (treatment ? factor : 1));
      let bad = 0;
      for (let r = 0; r < Math.min(requests, 60); r += 1) bad += Number(random() < p);
      (treatment ? b.nT : b.nC)[bucket]! += Math.min(requests, 60);
      (treatment ? b.xT : b.xC)[bucket]! += bad;
    }
    visit(b);
  }
}

function alarms(runs: number, factor: number, direction: 'above' | 'below', nullDelta = 0) {
  let found = 0;
  for (let run = 1; run <= runs; run += 1) {
    let state = emptyBucketScore(64);
    let alarm = false;
    simulate(run, factor, 15, (b) => {
      state = updateBucketScore(state, b);
      alarm ||= bucketScoreLogE(state, { tau: 0.02, direction, nullDelta }) >= Math.log(20);
    });
    found += Number(alarm);
  }
  return found;
}

describe('the bucket score', () => {
  it('is the difference of rates for one batch', () => {
    const b = { nT: [10, 10, 10, 10], xT: [1, 3, 2, 2], nC: [100, 100, 100, 100], xC: [9, 11, 10, 10] };
    const estimate = bucketScoreEstimate(updateBucketScore(emptyBucketScore(K), b))!;
    expect(estimate.delta).toBeCloseTo(8 / 40 - 40 / 400, 12);
    expect(estimate.H).toBeCloseTo((40 * 400) / 440, 12);
  });

  it('takes the larger of the arms’ variance and the one under exchangeable arms', () => {
    const quiet = { nT: [10, 10, 10, 10], xT: [1, 1, 1, 1], nC: [90, 90, 90, 90], xC: [1, 30, 2, 3] };
    const state = updateBucketScore(emptyBucketScore(K), quiet);
    const { se, H, VT, VC } = bucketScoreEstimate(state)!;
    // The weights of the arms are 0.9^2 * 40 and 0.1^2 * 360.
    expect((se * H) ** 2).toBeCloseTo(VC * (1 + 32.4 / 3.6), 10);
    expect(VT + VC).toBeLessThan(VC * 10);
    const loud = { nT: quiet.nC, xT: quiet.xC, nC: quiet.nT, xC: quiet.xT };
    const other = bucketScoreEstimate(updateBucketScore(emptyBucketScore(K), loud))!;
    expect((other.se * other.H) ** 2).toBeCloseTo(other.VT + other.VC, 10);
  });

  it('does not depend on the order of batches', () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 6 }), (batches) => {
        const forward = logEOf(batches);
        expect(Math.abs(logEOf(batches.toReversed()) - forward)).toBeLessThan(1e-7 * Math.max(1, Math.abs(forward)));
      }),
    );
  });

  it('does not change when a batch is split in equal proportions', () => {
    fc.assert(
      fc.property(batch, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (whole, part) => {
        const times = (f: number) => ({
          nT: whole.nT.map((n) => n * f),
          xT: whole.xT.map((n) => n * f),
          nC: whole.nC.map((n) => n * f),
          xC: whole.xC.map((n) => n * f),
        });
        const once = logEOf([whole]);
        const twice = logEOf([times(part), times(1 - part)]);
        expect(Math.abs(twice - once)).toBeLessThan(1e-7 * Math.max(1, Math.abs(once)));
      }),
    );
  });

  it('mirrors when the arms change places in a balanced split', () => {
    const b = { nT: [50, 50, 50, 50], xT: [9, 7, 8, 12], nC: [50, 50, 50, 50], xC: [2, 3, 1, 4] };
    const swapped = { nT: b.nC, xT: b.xC, nC: b.nT, xC: b.xT };
    // The variance under exchangeable arms uses control's, so only the sign is symmetric.
    expect(logEOf([b])).toBeGreaterThan(0);
    expect(logEOf([swapped])).toBeLessThan(0);
    expect(logEOf([swapped], 'below')).toBeGreaterThan(0);
  });

  it('is no evidence without events, without data and without one of the arms', () => {
    const none = [0, 0, 0, 0];
    const some = [5, 5, 5, 5];
    expect(bucketScoreEstimate(emptyBucketScore(K))).toBeUndefined();
    expect(logEOf([])).toBe(0);
    expect(logEOf([{ nT: some, xT: none, nC: some, xC: none }])).toBe(0);
    expect(logEOf([{ nT: none, xT: none, nC: some, xC: [1, 2, 3, 4] }])).toBe(0);
    expect(logEOf([{ nT: some, xT: [1, 2, 3, 4], nC: none, xC: none }])).toBe(0);
  });

  it('survives a round trip through JSON', () => {
    const state = updateBucketScore(emptyBucketScore(2), { nT: [1, 2], xT: [0, 1], nC: [3, 4], xC: [1, 0.5] });
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });

  it('keeps false alarms below 5 % with heavy users, and finds tripled errors', () => {
    const runs = 150;
    const allowed = runs * 0.05 + 3 * Math.sqrt(runs * 0.05 * 0.95);
    expect(alarms(runs, 1, 'above')).toBeLessThanOrEqual(allowed);
    expect(alarms(runs, 1, 'below')).toBeLessThanOrEqual(allowed);
    expect(alarms(40, 3, 'above')).toBeGreaterThan(36);
    // Nothing is wrong and the margin is wide: the pass side says so.
    expect(alarms(40, 1, 'below', 0.06)).toBeGreaterThan(36);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ArmCounts,
  deficitLogE,
  dirichletLogMarginal,
  dirichletMultinomialLogE,
  sampleRatioLogE,
  updateDeficit,
  updateSampleRatio,
} from './sample-ratio.ts';
import { logGamma } from './special.ts';

const srm = (...batches: readonly ArmCounts[]) =>
  sampleRatioLogE(batches.reduce<readonly number[]>(updateSampleRatio, []));
const deficit = (...batches: readonly ArmCounts[]) => deficitLogE(batches.reduce<readonly number[]>(updateDeficit, []));

function expectation(logE: (x: number) => number, n: number, p: number) {
  let sum = 0;
  for (let x = 0; x <= n; x += 1) {
    const ways = logGamma(n + 1) - logGamma(x + 1) - logGamma(n - x + 1);
    sum += Math.exp(ways + logE(x)) * p ** x * (1 - p) ** (n - x);
  }
  return sum;
}

const share = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const users = fc.integer({ min: 0, max: 40 });

describe('the sample ratio test', () => {
  it('has an expected e-value of 1 when users fall as designed', () => {
    fc.assert(
      fc.property(users, share, (n, p) => {
        const at = (x: number) => ({ treatment: x, control: n - x, treatmentShare: p });
        expect(expectation((x) => srm(at(x)), n, p)).toBeCloseTo(1, 10);
        expect(expectation((x) => deficit(at(x)), n, p)).toBeCloseTo(1, 10);
        expect(expectation((x) => dirichletMultinomialLogE([x, n - x], [p, 1 - p], 50), n, p)).toBeCloseTo(1, 8);
      }),
    );
  });

  it('has an expected deficit e-value of at most 1 when treatment has more users than designed', () => {
    fc.assert(
      fc.property(users, share, share, (n, p, f) => {
        const more = p + (1 - p) * f;
        const at = (x: number) => ({ treatment: x, control: n - x, treatmentShare: p });
        expect(expectation((x) => deficit(at(x)), n, more)).toBeLessThanOrEqual(1 + 1e-10);
      }),
    );
  });

  it('follows a share that changes from batch to batch, in any order', () => {
    const ramp = [
      { treatment: 50, control: 9950, treatmentShare: 0.005 },
      { treatment: 500, control: 9500, treatmentShare: 0.05 },
      { treatment: 2500, control: 7500, treatmentShare: 0.25 },
    ];
    expect(srm(...ramp)).toBeLessThan(0);
    expect(srm(...ramp.toReversed())).toBeCloseTo(srm(...ramp), 10);
  });

  it('finds users missing from treatment, and only the two-sided test minds too many', () => {
    const missing = { treatment: 200, control: 9800, treatmentShare: 0.05 };
    const surplus = { treatment: 800, control: 9200, treatmentShare: 0.05 };
    expect(deficit(missing)).toBeGreaterThan(Math.log(1000));
    expect(srm(missing)).toBeGreaterThan(Math.log(1000));
    expect(srm(surplus)).toBeGreaterThan(Math.log(1000));
    expect(deficit(surplus)).toBeLessThan(0);
  });

  it('ignores batches in which only one arm was open', () => {
    expect(srm({ treatment: 0, control: 500, treatmentShare: 0 })).toBeCloseTo(0, 14);
    expect(srm({ treatment: 500, control: 0, treatmentShare: 1 })).toBeCloseTo(0, 14);
    expect(srm()).toBeCloseTo(0, 14);
    expect(deficit()).toBeCloseTo(0, 14);
  });
});

describe('the Dirichlet-multinomial test', () => {
  it('takes any number of arms and defaults to a strength of 1000', () => {
    const counts = [300, 330, 370];
    const theta = [0.3, 0.3, 0.4];
    expect(dirichletMultinomialLogE(counts, theta)).toBe(dirichletMultinomialLogE(counts, theta, 1000));
    expect(dirichletMultinomialLogE([0, 0, 0], theta)).toBe(0);
  });

  it('is Laplace’s rule of succession for a flat prior', () => {
    expect(dirichletLogMarginal([2, 1], [1, 1])).toBeCloseTo(Math.log((1 / 2) * (2 / 3) * (1 / 4)), 12);
  });
});

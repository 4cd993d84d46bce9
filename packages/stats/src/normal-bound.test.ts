import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalAtMost, oneSidedMeanLogE } from './mean.ts';

describe('the bound of the one-sided normal mixture', () => {
  it('is never below the evidence, whatever effect it is tuned for', () => {
    const z = fc.double({ min: -60, max: 60, noNaN: true });
    const tau = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(z, tau, (delta, size) => {
        expect(oneSidedMeanLogE({ delta, se: 1, tau: size })).toBeLessThanOrEqual(normalAtMost(delta) + 1e-9);
      }),
    );
  });
});

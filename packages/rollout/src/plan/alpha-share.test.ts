import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Check } from '../plan.ts';
import { alphaShare } from './alpha-share.ts';

const checkOf = (tier: Check['tier'], metric: string, value: number, weight = 1): Check => ({
  id: `${tier}:${metric}:${value}`,
  tier,
  metric,
  limit: { kind: 'absolute', value },
  text: String(value),
  optional: false,
  attribution: 'any',
  weight,
});

describe('the share of α of a check', () => {
  it('is split over what the abort criteria and gates claim, alerts and trips apart', () => {
    const all = [
      checkOf('abort', 'a', 1),
      checkOf('gate', 'b', 1, 2),
      checkOf('alert', 'a', 1),
      checkOf('kill', 'a', 5),
    ];
    expect(all.map((check) => alphaShare(check, all))).toEqual([1 / 3, 2 / 3, 1, 1]);
  });

  it('is not halved by gates that repeat an abort criterion', () => {
    const all = [checkOf('abort', 'a', 1), checkOf('gate', 'a', 1), checkOf('abort', 'b', 1)];
    expect(all.map((check) => alphaShare(check, all))).toEqual([0.5, 0.5, 0.5]);
    expect(alphaShare(all[0]!, [...all, checkOf('gate', 'a', 2)])).toBeCloseTo(1 / 3);
  });

  it('adds up to 1 over the claims of a family', () => {
    const check = fc
      .tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }))
      .map(([metric, value, weight]) => checkOf('abort', metric, value, weight));
    fc.assert(
      fc.property(fc.array(check, { minLength: 1, maxLength: 8 }), (all) => {
        const claims = new Map(all.map((one) => [one.id, alphaShare(one, all)]));
        expect([...claims.values()].reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
      }),
    );
  });
});

import { FULL_WEIGHT } from '@rampart/flags';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SAMPLE_PLAN, verdict } from './arbitraries.contract.ts';
import { excessOf, expectedTreated, reachOf } from './blast-radius.ts';

const count = fc.integer({ min: 0, max: 1_000_000 });
const rate = fc.double({ min: 0, max: 1, noNaN: true });
const METRIC = SAMPLE_PLAN.metrics.errorRate;

describe('reachOf', () => {
  it('never says more from below than from above, and nobody where nobody was', () => {
    fc.assert(
      fc.property(count, count, count, (treatment, targeted, control) => {
        const { atLeast, atMost } = reachOf({ treatment, targeted, control });
        expect(atLeast).toBeLessThanOrEqual(atMost);
        expect(atMost).toBe(treatment + targeted);
        expect(atLeast === 0).toBe(atMost === 0);
      }),
    );
  });

  it('takes the bounds that were counted', () => {
    const people = { treatment: 10, control: 5, targeted: 0, exposed: { atLeast: 4, atMost: 17 } };
    expect(reachOf(people)).toEqual({ atLeast: 4, atMost: 17 });
  });
});

describe('expectedTreated', () => {
  it('gives back the share it was told: treated of all is the weight', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 1, max: FULL_WEIGHT - 1 }),
        (control, weight) => {
          const treated = expectedTreated(control, weight) ?? Number.NaN;
          expect(treated / (treated + control)).toBeCloseTo(weight / FULL_WEIGHT, 9);
        },
      ),
    );
  });

  it('says nothing without a control', () => {
    expect([expectedTreated(0, 500), expectedTreated(9, 0), expectedTreated(9, FULL_WEIGHT)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('excessOf', () => {
  it('lies within its range, is never negative and never more than was observed', () => {
    fc.assert(
      fc.property(count, rate, rate, rate, rate, (n, value, reference, one, other) => {
        const interval = [Math.min(one, other), Math.max(one, other)] as const;
        const judged = verdict({
          treatmentCount: n,
          value,
          interval,
          reference: { kind: 'control', value: reference },
        });
        const excess = excessOf(judged, METRIC, undefined);
        const { value: most = Number.NaN, low = Number.NaN, high = Number.NaN } = excess ?? {};
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(most);
        expect(most).toBeLessThanOrEqual(high);
        expect(most).toBeLessThanOrEqual(n);
        if (value <= reference) expect(most).toBe(0);
      }),
    );
  });

  it('falls with the reference', () => {
    fc.assert(
      fc.property(count, rate, rate, rate, (n, value, one, other) => {
        const of = (reference: number) =>
          excessOf(
            verdict({ treatmentCount: n, value, reference: { kind: 'control', value: reference } }),
            METRIC,
            undefined,
          );
        expect(of(Math.max(one, other))?.value).toBeLessThanOrEqual(of(Math.min(one, other))?.value ?? Number.NaN);
      }),
    );
  });

  it('counts what is missing where less is worse, and takes the reference of the snapshot where the check has none', () => {
    const { reference, interval, ...bare } = verdict({ treatmentCount: 1000, value: 0.2 });
    const snapshot = { metric: 'conversion', baseline: 0.25, count: 1000, status: 'fail' as const };
    const lower = METRIC && { ...METRIC, harm: 'lower' as const };
    expect(excessOf(bare, lower, snapshot)).toEqual({ value: 50, per: 'request' });
    expect(excessOf(bare, lower, { ...snapshot, control: 0.3 })?.value).toBe(100);
  });

  it('says nothing where there is nothing to compare with, or where events are neither good nor bad', () => {
    const { reference, ...bare } = verdict();
    const { value, ...silent } = verdict();
    expect([
      excessOf(bare, METRIC, undefined),
      excessOf(silent, METRIC, undefined),
      excessOf(verdict(), SAMPLE_PLAN.metrics.p99Latency, undefined),
      excessOf(verdict(), undefined, undefined),
    ]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

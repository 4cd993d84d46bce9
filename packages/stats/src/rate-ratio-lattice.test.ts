import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateRatioInterval } from './rate-ratio-interval.ts';
import { emptyLattice, latticeInterval, updateLattice } from './rate-ratio-lattice.ts';

const events = fc.integer({ min: 0, max: 400 });
const batch = fc.record({ xT: events, nT: fc.constant(5000), xC: events, nC: fc.constantFrom(5000, 95_000) });

describe('the lattice', () => {
  it('agrees with the exact interval within one step of 9 % and one grid ratio of 4 %', () => {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 4 }), (batches) => {
        const exact = rateRatioInterval(batches, 0.05);
        const lattice = latticeInterval(batches.reduce(updateLattice, emptyLattice()), 0.05);
        fc.pre(exact.low > 1 / 100 && exact.high < 100);
        expect(lattice.low / exact.low).toBeGreaterThan(0.85);
        expect(lattice.low / exact.low).toBeLessThan(1.05);
        expect(lattice.high / exact.high).toBeGreaterThan(0.95);
        expect(lattice.high / exact.high).toBeLessThan(1.18);
        expect(lattice.ratio! / exact.ratio!).toBeGreaterThan(0.99);
        expect(lattice.ratio! / exact.ratio!).toBeLessThan(1.01);
      }),
    );
  });

  it('is open without events and on the side they do not bound', () => {
    const after = (xT: number, xC: number) =>
      latticeInterval(updateLattice(emptyLattice(), { xT, nT: 1000, xC, nC: 1000 }), 0.05);
    expect(after(0, 0)).toEqual({ ratio: undefined, low: 0, high: Number.POSITIVE_INFINITY });
    expect(after(0, 50)).toMatchObject({ ratio: 0, low: 0 });
    expect(after(50, 0)).toMatchObject({ ratio: Number.POSITIVE_INFINITY, high: Number.POSITIVE_INFINITY });
  });

  it('keeps its size however many batches come, and ignores one with an empty arm', () => {
    const state = updateLattice(emptyLattice(), { xT: 1, nT: 10, xC: 1, nC: 10 });
    expect(state).toHaveLength(emptyLattice().length);
    expect(updateLattice(state, { xT: 1, nT: 10, xC: 0, nC: 0 })).toBe(state);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chance, expectation } from './enumeration.contract.ts';
import {
  emptyScoreBet,
  type ScoreNull,
  type ScoreUnit,
  scoreBetLogE,
  updateScoreBet,
  updateScoreBetCounts,
} from './score-betting.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const inside = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const past = fc.record({ wealth: fc.constant([]), n: fc.integer({ min: 0, max: 1000 }), part: unit });
const direction = fc.constantFrom('above' as const, 'below' as const);

/** A healthy or harmed rollout in equal parts: every fourth unit treated, outcomes as even as they can be. */
const units = (ofT: number, ofC: number, n: number): readonly ScoreUnit[] =>
  Array.from({ length: n }, (_, k) => {
    const treated = k % 4 === 0;
    const p = treated ? ofT : ofC;
    const turn = Math.floor(k / 4) + (treated ? 0 : (k % 4) * n);
    return { treated, treatmentShare: 0.25, value: Math.floor((turn + 1) * p) > Math.floor(turn * p) ? 1 : 0 };
  });
const after = (row: readonly ScoreUnit[], hypothesis: ScoreNull) =>
  scoreBetLogE(row.reduce((state, one) => updateScoreBet(state, one, hypothesis), emptyScoreBet()));

describe('score bets on a difference of means', () => {
  it('have an expected e-value of at most 1 for any difference within the null, share, guess and two values', () => {
    fc.assert(
      fc.property(past, inside, direction, unit, unit, unit, unit, unit, (p, share, side, a, b, qT, qC, slack) => {
        const state = { wealth: [], n: p.n, sum: p.n * p.part };
        const mean = (q: number) => q * a + (1 - q) * b;
        const delta = mean(qT) - mean(qC);
        // From the difference itself to the far end of what the null allows.
        const nullDelta = side === 'above' ? delta + slack * (0.99 - delta) : delta - slack * (0.99 + delta);
        const arm = (treated: boolean, q: number, chance: number): readonly Chance<ScoreUnit>[] => [
          [chance * q, { treated, treatmentShare: share, value: a }],
          [chance * (1 - q), { treated, treatmentShare: share, value: b }],
        ];
        const outcomes = [...arm(true, qT, share), ...arm(false, qC, 1 - share)];
        const hypothesis = { direction: side, nullDelta: Math.min(Math.max(nullDelta, -0.99), 0.99) };
        fc.pre(side === 'above' ? delta <= hypothesis.nullDelta : delta >= hypothesis.nullDelta);
        const e = (one: ScoreUnit) => Math.exp(scoreBetLogE(updateScoreBet(state, one, hypothesis)));
        expect(outcomes.every(([, one]) => Number.isFinite(e(one)))).toBe(true);
        expect(expectation(outcomes, e)).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { numRuns: 500 },
    );
  });

  it('fail a drop, pass the same rate within a margin, and keep still about it without a margin', () => {
    const margin = { direction: 'below', nullDelta: -0.02 } as const;
    const pass = { direction: 'above', nullDelta: -0.1 } as const;
    expect(after(units(0.2, 0.4, 4000), margin)).toBeGreaterThan(Math.log(20));
    expect(after(units(0.4, 0.4, 4000), margin)).toBeLessThan(0);
    expect(after(units(0.4, 0.4, 4000), pass)).toBeGreaterThan(Math.log(20));
    expect(after(units(0.4, 0.4, 4000), { direction: 'above' })).toBeLessThan(1);
  });

  it('give a batch of one what they give its unit', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), inside, direction, (treated, event, treatmentShare, side) => {
        const state = { wealth: [], sum: 3, n: 9 };
        const value = event ? 1 : 0;
        const counts = treated ? { xT: value, nT: 1, xC: 0, nC: 0 } : { xT: 0, nT: 0, xC: value, nC: 1 };
        const hypothesis = { direction: side, nullDelta: 0.03 };
        const one = updateScoreBet(state, { treated, treatmentShare, value }, hypothesis);
        const batch = updateScoreBetCounts(state, { ...counts, treatmentShare }, hypothesis);
        expect(batch.n).toBe(one.n);
        expect(batch.sum).toBe(one.sum);
        expect(scoreBetLogE(batch)).toBeCloseTo(scoreBetLogE(one), 12);
      }),
    );
  });

  it('take a sum of values in [0, 1] for less evidence than the values themselves', () => {
    const state = { wealth: [], sum: 30, n: 60 };
    const hypothesis = { direction: 'above' } as const;
    const values = [0.7, 0.8, 0.9];
    const each = values.reduce(
      (sum, value) =>
        sum +
        updateScoreBet(state, { treated: true, treatmentShare: 0.5, value }, hypothesis).wealth.reduce((a, b) => a + b),
      0,
    );
    const batch = { xT: 2.4, nT: 3, xC: 0, nC: 0, treatmentShare: 0.5 };
    const summed = updateScoreBetCounts(state, batch, hypothesis).wealth.reduce((a, b) => a + b);
    expect(summed).toBeLessThan(each);
  });

  it('compare nothing where every unit is in one arm', () => {
    const state = emptyScoreBet();
    const counts = { xT: 4, nT: 9, xC: 0, nC: 0, treatmentShare: 1 };
    expect(updateScoreBetCounts(state, counts, { direction: 'above' })).toBe(state);
    const one = { treated: false, treatmentShare: 0, value: 1 };
    expect(updateScoreBet(state, one, { direction: 'above' })).toBe(state);
  });

  it('stay finite for no units, no events, all events, values out of range and huge counts', () => {
    expect(scoreBetLogE(emptyScoreBet())).toBeCloseTo(0, 14);
    for (const side of ['above', 'below'] as const) {
      for (const nullDelta of [-0.99, 0, 0.99]) {
        for (const x of [0, 1e12]) {
          const batch = { xT: x, nT: 1e12, xC: x, nC: 1e12, treatmentShare: 0.5 };
          const hypothesis = { direction: side, nullDelta };
          const once = updateScoreBetCounts(emptyScoreBet(), batch, hypothesis);
          expect(Number.isFinite(scoreBetLogE(updateScoreBetCounts(once, batch, hypothesis)))).toBe(true);
        }
        const wild = { treated: true, treatmentShare: 0.01, value: 40 };
        const bet = updateScoreBet(emptyScoreBet(), wild, { direction: side, nullDelta });
        expect(Number.isFinite(scoreBetLogE(bet))).toBe(true);
      }
    }
  });
});

import { describe, it } from 'vitest';
import { binomial, both, poisson } from './enumeration.contract.ts';
import { expectValid } from './expect-valid.contract.ts';
import { lateOnsetLogE } from './late-onset.ts';
import type { Direction } from './mean.ts';
import { EQUAL_WEIGHTS, mixtureLogE, passGrid, RATIO_GRID, updateRateRatio } from './rate-ratio.ts';
import { emptySafe2x2, safe2x2LogE, updateSafe2x2 } from './safe-2x2.ts';

type Rates = { readonly nT: number; readonly nC: number; readonly pT: number; readonly pC: number };
const arms = ({ nT, nC, pT, pC }: Rates) => both(binomial(nT, pT), binomial(nC, pC));
/** A ramp over a rate that drifts: the split and the common rate change from look to look. */
const ramp = (ratio: number): readonly Rates[] =>
  (
    [
      [1, 3, 0.3],
      [2, 2, 0.05],
      [2, 2, 0.4],
      [3, 1, 0.2],
    ] as const
  ).map(([nT, nC, pC]) => ({ nT, nC, pC, pT: ratio * pC }));

function rateGame(rows: readonly Rates[], nullRatio: number, ratios: readonly number[], weights: readonly number[]) {
  return {
    start: [] as readonly number[],
    looks: rows.length,
    outcomes: (look: number) => arms(rows[look]!),
    update: (llr: readonly number[], [xT, xC]: readonly [number, number], look: number) =>
      updateRateRatio(llr, { ...rows[look]!, xT, xC }, nullRatio, ratios),
    logE: (llr: readonly number[]) => mixtureLogE(llr, weights),
  };
}

describe('under the null, no stopping rule gains and the chance of ever refuting is at most alpha:', () => {
  it.each([0.8, 1, 1.2, 2])('rates against control, fail side, with a null ratio of %d', (r0) => {
    expectValid(rateGame(ramp(r0), r0, RATIO_GRID, EQUAL_WEIGHTS));
    expectValid(rateGame(ramp(0.9 * r0), r0, RATIO_GRID, EQUAL_WEIGHTS));
  });

  it.each([1.2, 1.5, 2])('rates against control, pass side, at a margin of %d and beyond', (margin) => {
    const { ratios, weights } = passGrid(margin);
    expectValid(rateGame(ramp(margin), margin, ratios, weights));
    expectValid(rateGame(ramp(1.1 * margin), margin, ratios, weights));
  });

  it('rates against control, a drop as harm', () => {
    const drops = RATIO_GRID.map((ratio) => 1 / ratio);
    expectValid(rateGame(ramp(1), 1, drops, EQUAL_WEIGHTS));
    expectValid(rateGame(ramp(0.9), 0.9, drops, EQUAL_WEIGHTS));
  });

  it('rates against control that are Poisson counts per user', () => {
    expectValid({
      ...rateGame([], 1, RATIO_GRID, EQUAL_WEIGHTS),
      looks: 2,
      outcomes: () => both(poisson(0.4, 14), poisson(1.2, 18)),
      update: (llr, [xT, xC]) => updateRateRatio(llr, { xT, nT: 10, xC, nC: 30 }, 1, RATIO_GRID),
    });
  });

  it('harm that starts late', () => {
    type State = readonly (readonly number[])[];
    const rows = ramp(1);
    expectValid({
      start: [[], []] as State,
      looks: rows.length,
      outcomes: (look) => arms(rows[look]!),
      update: (state, [xT, xC], look) => {
        // The second process starts with the third batch.
        const from = look < 2 ? 1 : 2;
        const one = (llr: readonly number[]) => updateRateRatio(llr, { ...rows[look]!, xT, xC }, 1, RATIO_GRID);
        return [...state.slice(0, from).map(one), ...state.slice(from)];
      },
      logE: (state) => lateOnsetLogE(state.map((llr) => mixtureLogE(llr, EQUAL_WEIGHTS))),
    });
  });

  it.each<[Direction, number]>([
    ['above', 1],
    ['above', 0.8],
    ['below', 1],
    ['below', 1.3],
  ])('safe 2x2, %s, at a true ratio of %d', (direction, ratio) => {
    const rows = ramp(ratio).map((row) => ({ ...row, pC: row.pC + 0.2, pT: (row.pC + 0.2) * ratio }));
    expectValid({
      start: emptySafe2x2(),
      looks: rows.length,
      outcomes: (look) => arms(rows[look]!),
      update: (state, [xT, xC], look) => updateSafe2x2(state, { ...rows[look]!, xT, xC }, direction),
      logE: safe2x2LogE,
    });
  });
});

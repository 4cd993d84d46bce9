import { describe, expect, it } from 'vitest';
import { binomial, both, play } from './enumeration.contract.ts';
import { ALPHA, expectValid } from './expect-valid.contract.ts';
import { EQUAL_WEIGHTS, mixtureLogE, RATIO_GRID, updateRateRatio } from './rate-ratio.ts';
import { emptyReplay, frozenBaseline, type ReplayPlan, updateReplay } from './replay.ts';

describe('under the null, no stopping rule gains and the chance of ever refuting is at most alpha:', () => {
  it.each([1, 1.2])('a frozen baseline played as a control, at a null ratio of %d', (nullRatio) => {
    const period = 3;
    const pC = [0.1, 0.3, 0.4];
    const n = [3, 2, 3];
    const outcomes = (look: number) => both(binomial(2, pC[look]! * nullRatio), binomial(n[look]!, pC[look]!));
    type State = { readonly replay: ReturnType<typeof emptyReplay>; readonly xC: readonly number[] };
    const planOf = (xC: readonly number[]): ReplayPlan => ({
      baseline: frozenBaseline(
        xC.map((x, minute) => ({ minute, x, n: n[minute]! })),
        period,
      ),
      startMinute: 0,
      nullRatio,
      ratios: RATIO_GRID,
    });
    // Looks beyond the period find no fresh minute, and must not gain from the old ones.
    expectValid({
      start: { replay: emptyReplay(planOf([])), xC: [] } as State,
      looks: 5,
      outcomes: (look) =>
        look < period ? outcomes(look) : both(binomial(2, pC[look % period]! * nullRatio), [[1, 0]]),
      update: ({ replay, xC }, [xT, slot], look) => {
        const known = look < period ? [...xC, slot] : xC;
        return { replay: updateReplay(replay, { x: xT, n: 2, toMinute: look + 1 }, planOf(known)), xC: known };
      },
      logE: ({ replay }) => mixtureLogE(replay.llr, EQUAL_WEIGHTS),
    });
  });

  it('is a statement that can fail: a minute of baseline played twice gives a stopping rule that gains', () => {
    type State = { readonly llr: readonly number[]; readonly xC: number };
    const { bestStop } = play<State, readonly [number, number]>(
      {
        start: { llr: [], xC: 0 },
        looks: 2,
        outcomes: (look) => both(binomial(4, 0.4), look === 0 ? binomial(4, 0.4) : [[1, 0]]),
        update: ({ llr, xC }, [xT, slot], look) => {
          const known = look === 0 ? slot : xC;
          return { llr: updateRateRatio(llr, { xT, nT: 4, xC: known, nC: 4 }, 1, RATIO_GRID), xC: known };
        },
        logE: ({ llr }) => mixtureLogE(llr, EQUAL_WEIGHTS),
      },
      ALPHA,
    );
    expect(bestStop).toBeGreaterThan(1.02);
  });
});

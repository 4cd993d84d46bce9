import { describe, expect, it } from 'vitest';
import { binomial, both, type Chance, play } from './enumeration.contract.ts';
import { expectValid, SLACK } from './expect-valid.contract.ts';
import type { Direction } from './mean.ts';
import { quantileLogE } from './quantile.ts';
import type { TwoArmCounts } from './rate-ratio.ts';
import { emptyScoreBet, type ScoreUnit, scoreBetLogE, updateScoreBet, updateScoreBetCounts } from './score-betting.ts';

describe('under the null, no stopping rule gains and the chance of ever refuting is at most alpha:', () => {
  it.each<[Direction, number]>([
    ['above', 0],
    ['above', 0.15],
    ['above', -0.15],
    ['below', 0],
    ['below', 0.15],
    ['below', -0.15],
  ])('score bets, %s, at a difference of exactly %d, while share and mean drift', (direction, nullDelta) => {
    const shares = [0.5, 0.2, 0.1, 0.3, 0.6];
    const controls = [0.3, 0.6, 0.4, 0.7, 0.2];
    const hypothesis = { direction, nullDelta };
    const outcomes = (look: number): readonly Chance<ScoreUnit>[] =>
      both(binomial(1, shares[look]!), [[1, 0]] as Chance<number>[]).flatMap(([chance, [a]]) =>
        binomial(1, controls[look]! + a * nullDelta).map(
          ([p, x]): Chance<ScoreUnit> => [chance * p, { treated: a === 1, treatmentShare: shares[look]!, value: x }],
        ),
      );
    const update = (state: ReturnType<typeof emptyScoreBet>, unit: ScoreUnit) =>
      updateScoreBet(state, unit, hypothesis);
    expectValid({ start: emptyScoreBet(), looks: 5, outcomes, update, logE: scoreBetLogE });
  });

  it.each<Direction>(['above', 'below'])('score bets on batches of counts, %s', (direction) => {
    const shares = [0.5, 0.2, 0.4];
    const outcomes = (look: number): readonly Chance<TwoArmCounts>[] =>
      binomial(4, shares[look]!).flatMap(([chance, nT]) =>
        both(binomial(nT, 0.35), binomial(4 - nT, 0.35)).map(
          ([p, [xT, xC]]): Chance<TwoArmCounts> => [chance * p, { xT, nT, xC, nC: 4 - nT }],
        ),
      );
    expectValid({
      start: emptyScoreBet(),
      looks: 3,
      outcomes,
      update: (state, batch, look) =>
        updateScoreBetCounts(state, { ...batch, treatmentShare: shares[look]! }, { direction }),
      logE: scoreBetLogE,
    });
  });

  it('quantiles of two arms with the same distribution, atoms at the quantile included', () => {
    const values: readonly Chance<number>[] = [
      [0.5, 0],
      [0.1, 1],
      [0.4, 2],
    ];
    // Values at or below 0, and at or below 1, of each arm; then how many there were.
    type State = readonly [readonly number[], readonly number[], number];
    const start: State = [[0, 0], [0, 0], 0];
    const add = (counts: readonly number[], value: number) => counts.map((c, edge) => c + (value <= edge ? 1 : 0));
    const arm = (atMost: readonly number[], n: number) => ({ atMost, n, planned: 100 });
    const least = 0.9;
    for (const p of [0.5, 0.6]) {
      const { bestStop, crossed } = play(
        {
          start,
          looks: 8,
          outcomes: () => both(values, values),
          update: ([t, c, n], [ofT, ofC]): State => [add(t, ofT), add(c, ofC), n + 1],
          logE: ([t, c, n]) => quantileLogE(arm(t, n), arm(c, n), p),
          key: ([t, c]) => `${t} ${c}`,
        },
        least,
      );
      expect(bestStop).toBeLessThanOrEqual(1 + SLACK);
      expect(crossed).toBeLessThanOrEqual(least);
      expect(crossed).toBeGreaterThan(0);
    }
  });
});

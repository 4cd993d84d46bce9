import { describe, it } from 'vitest';
import { binomial, type Chance, hypergeometric } from './enumeration.contract.ts';
import { expectValid } from './expect-valid.contract.ts';
import { emptyFirstEvents, type FirstEventBatch, firstEventEvidence, updateFirstEvents } from './first-events.ts';
import {
  deficitLogE,
  dirichletMultinomialLogE,
  sampleRatioLogE,
  updateDeficit,
  updateSampleRatio,
} from './sample-ratio.ts';

describe('under the null, no stopping rule gains and the chance of ever refuting is at most alpha:', () => {
  it('users falling into two arms, either way and as a deficit, while the share changes', () => {
    const shares = [0.5, 0.1, 0.3, 0.5];
    const game = (update: typeof updateSampleRatio, logE: (llr: readonly number[]) => number, factor = 1) => ({
      start: [] as readonly number[],
      looks: shares.length,
      outcomes: (look: number) => binomial(8, shares[look]! * factor),
      update: (llr: readonly number[], treatment: number, look: number) =>
        update(llr, { treatment, control: 8 - treatment, treatmentShare: shares[look]! }),
      logE,
    });
    expectValid(game(updateSampleRatio, sampleRatioLogE));
    expectValid(game(updateDeficit, deficitLogE));
    expectValid(game(updateDeficit, deficitLogE, 1.1));
  });

  it('users falling into three arms', () => {
    const theta = [0.5, 0.3, 0.2];
    expectValid({
      start: [0, 0, 0] as readonly number[],
      looks: 9,
      outcomes: () => theta.map((share, arm): Chance<number> => [share, arm]),
      update: (counts, arm) => counts.map((count, other) => count + (other === arm ? 1 : 0)),
      logE: (counts) => dirichletMultinomialLogE(counts, theta, 3),
    });
  });

  it('first events, for any users, where the feature changes nobody', () => {
    // Users with an event per batch, whatever makes them frail; who of them is in treatment is left to chance.
    const events = [3, 2, 3, 1, 2];
    type State = { readonly test: ReturnType<typeof emptyFirstEvents>; readonly T: number; readonly C: number };
    expectValid({
      start: { test: emptyFirstEvents(), T: 6, C: 10 } as State,
      looks: events.length,
      outcomes: (look, { T, C }) => hypergeometric(events[look]!, T, C),
      update: ({ test, T, C }, xT, look) => {
        const xC = events[look]! - xT;
        const batch: FirstEventBatch = { firstT: xT, atRiskT: T, firstC: xC, atRiskC: C };
        return { test: updateFirstEvents(test, batch), T: T - xT, C: C - xC };
      },
      logE: ({ test }) => firstEventEvidence(test).logE,
    });
  });
});

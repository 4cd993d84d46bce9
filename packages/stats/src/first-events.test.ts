import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyFirstEvents,
  type FirstEventBatch,
  type FirstEvents,
  firstEventEvidence,
  joinFirstEvents,
  updateFirstEvents,
} from './first-events.ts';
import { lateOnsetLogE } from './late-onset.ts';
import { EQUAL_WEIGHTS, mixtureLogE } from './rate-ratio.ts';
import { drawBinomial, seeded } from './seeded-chance.contract.ts';

const REFUTED = Math.log(20);

/** Chances per hour of a user's first event, by kind of user. */
const HAZARD = { frail: 0.1, sound: 0.0001 };
const FRAIL_USERS = 150;
const SOUND_USERS = 1850;

/** A rollout of frail and sound users in two equal arms; treatment multiplies everybody's hazard. What each hour left behind. */
function rollout(seed: number, effect: number, hours: number): readonly FirstEvents[] {
  const random = seeded(seed);
  const left = { frailT: FRAIL_USERS, soundT: SOUND_USERS, frailC: FRAIL_USERS, soundC: SOUND_USERS };
  let state = emptyFirstEvents();
  return Array.from({ length: hours }, () => {
    const [frailT, soundT] = [
      drawBinomial(random, left.frailT, effect * HAZARD.frail),
      drawBinomial(random, left.soundT, effect * HAZARD.sound),
    ];
    const [frailC, soundC] = [
      drawBinomial(random, left.frailC, HAZARD.frail),
      drawBinomial(random, left.soundC, HAZARD.sound),
    ];
    const batch = { atRiskT: left.frailT + left.soundT, atRiskC: left.frailC + left.soundC };
    state = updateFirstEvents(state, { firstT: frailT + soundT, firstC: frailC + soundC, ...batch });
    left.frailT -= frailT;
    left.soundT -= soundT;
    left.frailC -= frailC;
    left.soundC -= soundC;
    return state;
  });
}

const RUNS = 200;
const shareOf = (effect: number, hours: number, isHit: (states: readonly FirstEvents[]) => boolean) =>
  Array.from({ length: RUNS }, (_, seed) => rollout(seed + 1, effect, hours)).filter(isHit).length / RUNS;
const refutes = (states: readonly FirstEvents[]) => states.some((state) => firstEventEvidence(state).logE >= REFUTED);

describe('first events of frail and sound users', () => {
  it('find a feature that doubles the hazard, while few users are counted', () => {
    const found = (states: readonly FirstEvents[]) =>
      states.some((state) => firstEventEvidence(state).logE >= REFUTED && firstEventEvidence(state).sufficient);
    expect(shareOf(2, 24, found)).toBeGreaterThan(0.7);
  });

  it('abort a feature that changes nothing in at most 5 % of rollouts', () => {
    expect(shareOf(1, 72, refutes)).toBeLessThanOrEqual(0.05);
  });

  it('do not abort a beneficial feature, whose frail users stay at risk for longer than those of control', () => {
    expect(shareOf(0.3, 72, refutes)).toBe(0);
  });

  it('would abort it if restarted late, which is why they must not be', () => {
    const restartedAt = 30;
    const late = (states: readonly FirstEvents[]) => {
      const before = states[restartedAt]!.llr;
      return states.slice(restartedAt).some(({ llr }) => {
        const since = llr.map((value, g) => value - before[g]!);
        return lateOnsetLogE([mixtureLogE(llr, EQUAL_WEIGHTS), mixtureLogE(since, EQUAL_WEIGHTS)]) >= REFUTED;
      });
    };
    expect(shareOf(0.3, 72, late)).toBeGreaterThan(0.5);
  });
});

describe('the test of first events', () => {
  it('never gains evidence when an event of treatment comes later', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(counts, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 50 }), (control, a, b, users) => {
        const [early, late] = [Math.min(a, b) % control.length, Math.max(a, b) % control.length].sort((x, y) => x - y);
        const run = (eventAt: number) => {
          let [atRiskT, atRiskC] = [users, 100];
          let state = emptyFirstEvents();
          return control.map((firstC, k) => {
            const firstT = k === eventAt ? 1 : 0;
            state = updateFirstEvents(state, { firstT, atRiskT, firstC, atRiskC });
            atRiskT -= firstT;
            atRiskC -= firstC;
            return firstEventEvidence(state).logE;
          });
        };
        const [before, after] = [run(early!), run(late!)];
        for (const [k, logE] of after.entries()) expect(logE).toBeLessThanOrEqual(before[k]! + 1e-9);
      }),
    );
  });

  it('says what share of the users is counted already, and that beyond 10 % it cannot tell', () => {
    const batch = { firstT: 1, atRiskT: 100, firstC: 8, atRiskC: 100 };
    const once = updateFirstEvents(emptyFirstEvents(), batch);
    expect(firstEventEvidence(once)).toMatchObject({ depletion: 0.08, sufficient: true });
    const twice = updateFirstEvents(once, { firstT: 0, atRiskT: 99, firstC: 4, atRiskC: 92 });
    expect(firstEventEvidence(twice)).toMatchObject({ depletion: 0.12, sufficient: false });
    const grown = updateFirstEvents(twice, { firstT: 0, atRiskT: 99, firstC: 0, atRiskC: 188 });
    expect(firstEventEvidence(grown)).toMatchObject({ depletion: 12 / 200, sufficient: true });
  });

  it('adds up groups of users who entered together', () => {
    const one: FirstEventBatch = { firstT: 3, atRiskT: 50, firstC: 1, atRiskC: 60 };
    const two: FirstEventBatch = { firstT: 2, atRiskT: 10, firstC: 3, atRiskC: 90 };
    const groups = [one, two].map((batch) => updateFirstEvents(emptyFirstEvents(), batch));
    const joined = joinFirstEvents([...groups, emptyFirstEvents()]);
    expect(joined).toMatchObject({ firstT: 5, exposedT: 60, firstC: 4, exposedC: 150 });
    const inTurn = updateFirstEvents(groups[0]!, two);
    expect(firstEventEvidence(joined).logE).toBeCloseTo(firstEventEvidence(inTurn).logE, 12);
  });

  it('tests against a tolerated ratio of hazards', () => {
    const batch = { firstT: 30, atRiskT: 10_000, firstC: 10, atRiskC: 10_000 };
    const strict = firstEventEvidence(updateFirstEvents(emptyFirstEvents(), batch)).logE;
    expect(strict).toBeGreaterThan(REFUTED);
    expect(firstEventEvidence(updateFirstEvents(emptyFirstEvents(), batch, 3)).logE).toBeLessThan(0);
  });

  it('knows nothing before it begins or with one arm only, and stays finite with a million million users', () => {
    expect(firstEventEvidence(emptyFirstEvents())).toEqual({
      logE: expect.closeTo(0, 14),
      depletion: 0,
      sufficient: true,
    });
    const alone = { firstT: 5, atRiskT: 1000, firstC: 0, atRiskC: 0 };
    expect(firstEventEvidence(updateFirstEvents(emptyFirstEvents(), alone)).logE).toBeCloseTo(0, 14);
    const huge = { firstT: 1e12, atRiskT: 1e12, firstC: 0, atRiskC: 1e12 };
    expect(Number.isFinite(firstEventEvidence(updateFirstEvents(emptyFirstEvents(), huge)).logE)).toBe(true);
  });
});

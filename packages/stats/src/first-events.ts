import { EQUAL_WEIGHTS, mixtureLogE, RATIO_GRID, updateRateRatio } from './rate-ratio.ts';

/** Largest depletion at which first events still speak for the users at risk; beyond it the answer is "insufficient". */
export const DEPLETION_LIMIT = 0.1;

/**
 * One batch: users at risk (exposed, no event before the batch) at its start, and those of them who had their first event
 * in it, of treatment (T) and control (C).
 */
export type FirstEventBatch = {
  readonly firstT: number;
  readonly atRiskT: number;
  readonly firstC: number;
  readonly atRiskC: number;
};

/** What is kept: a log likelihood ratio per bet; users counted, and users ever exposed, per arm. */
export type FirstEvents = {
  readonly llr: readonly number[];
  readonly firstT: number;
  readonly exposedT: number;
  readonly firstC: number;
  readonly exposedC: number;
};

/**
 * What first events say: log e-value, share of the exposed users that is counted already (of the arm where it is larger),
 * in [0, 1], and whether that is within `DEPLETION_LIMIT`.
 */
export type FirstEventEvidence = { readonly logE: number; readonly depletion: number; readonly sufficient: boolean };

/** The test before the first batch. */
export function emptyFirstEvents(): FirstEvents {
  return { llr: [], firstT: 0, exposedT: 0, firstC: 0, exposedC: 0 };
}

/**
 * First bad events of users after one more batch: a sequential log-rank test (Grünwald, Ly, Pérez-Ortiz & ter Schure 2021)
 * on the engine of `updateRateRatio`. It serves the fail side of rare bad events, and nothing else.
 *
 * Exact for H0 "the feature changes nobody's events", however heavy, frail or alike the users: given who has an event and
 * who is at risk, the number in treatment is hypergeometric, which bets on it find no easier to beat than a binomial. This
 * needs arms whose users entered together: on a ramp keep one state per group of entrants and join them. For
 * `nullRatio` > 1 it takes proportional hazards.
 *
 * A beneficial feature keeps its frail users at risk for longer than control does, so that later its rate may lie above
 * control's. Counted from the start this cannot abort it (events that only come later, while treatment's part of the risk
 * set does not shrink, never add evidence); restarted late (`lateOnsetLogE`) it can: never restart it. For the same reason
 * harm must not be passed on first events: frail users leave the risk set sooner.
 *
 * @param batch with an empty arm adds no evidence. @param nullRatio ratio of hazards under H0; 1 by default.
 */
export function updateFirstEvents(state: FirstEvents, batch: FirstEventBatch, nullRatio = 1): FirstEvents {
  const { firstT, atRiskT, firstC, atRiskC } = batch;
  return {
    llr: updateRateRatio(state.llr, { xT: firstT, nT: atRiskT, xC: firstC, nC: atRiskC }, nullRatio, RATIO_GRID),
    firstT: state.firstT + firstT,
    exposedT: Math.max(state.exposedT, state.firstT + atRiskT),
    firstC: state.firstC + firstC,
    exposedC: Math.max(state.exposedC, state.firstC + atRiskC),
  };
}

/** Evidence of groups of entrants taken together, each user in one of them. */
export function joinFirstEvents(groups: readonly FirstEvents[]): FirstEvents {
  return groups.reduce(
    (sum, group) => ({
      llr: RATIO_GRID.map((_, g) => (sum.llr[g] ?? 0) + (group.llr[g] ?? 0)),
      firstT: sum.firstT + group.firstT,
      exposedT: sum.exposedT + group.exposedT,
      firstC: sum.firstC + group.firstC,
      exposedC: sum.exposedC + group.exposedC,
    }),
    emptyFirstEvents(),
  );
}

/** What the first events say so far against H0 "treatment's hazard is at most `nullRatio` times control's". */
export function firstEventEvidence(state: FirstEvents): FirstEventEvidence {
  const depletion = Math.max(share(state.firstT, state.exposedT), share(state.firstC, state.exposedC));
  return { logE: mixtureLogE(state.llr, EQUAL_WEIGHTS), depletion, sufficient: depletion <= DEPLETION_LIMIT };
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

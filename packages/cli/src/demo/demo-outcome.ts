import type { RolloutView } from '@rampart/api';
import { currentStageName, type EventRecord, type RolloutState } from '@rampart/rollout';

/** How one rollout of the demo ended. */
export type RolloutOutcome = {
  readonly flag: string;
  readonly rollout: string;
  readonly phase: RolloutState['phase'];
  /** Whether it ended as a right decision would have it. */
  readonly asExpected: boolean;
  readonly stage: string;
  /** Why it was aborted, or what it waits for. */
  readonly why: string;
  /** From its start to its end, or to now. */
  readonly tookSeconds: number;
  /** Time to the abort from when the stage began in which it happened. */
  readonly detectedAfterSeconds?: number;
  /** People who saw the new variant. */
  readonly peopleExposed: number;
};

/** Phases that nothing follows without a person. */
export function isOver(state: RolloutState): boolean {
  return state.phase === 'complete' || state.phase === 'aborted' || state.phase === 'cancelled';
}

/** Whether the demo need not wait any longer: over, and an abort confirmed by the SDKs. */
export function isSettled(state: RolloutState): boolean {
  return isOver(state) && (state.phase !== 'aborted' || state.incidents.at(-1)?.tookEffectAt !== undefined);
}

/** Sums up a rollout. `expected` is the phase a right decision leads to. */
export function outcomeOf(
  view: RolloutView,
  events: readonly EventRecord[],
  expected: RolloutState['phase'],
): RolloutOutcome {
  const { state, now, judgement, waitingFor } = view;
  const startedAt = state.createdAt;
  const end = events.findLast(({ event }) =>
    ['RolloutCompleted', 'RolloutAborted', 'RolloutCancelled'].includes(event.type),
  );
  const incident = state.incidents.at(-1);
  const people = incident?.people ?? judgement?.people ?? { treatment: 0, targeted: 0 };
  const entered = events.findLast(({ event }) => event.type === 'StageEntered');
  return {
    flag: state.plan.flag,
    rollout: state.id,
    phase: state.phase,
    asExpected: state.phase === expected,
    stage: incident?.stage ?? currentStageName(state) ?? state.phase,
    why: incident?.reason ?? waitingFor.join('; '),
    tookSeconds: secondsOf((end?.at ?? now) - startedAt),
    ...(incident && entered && { detectedAfterSeconds: secondsOf(incident.openedAt - entered.at) }),
    peopleExposed: people.treatment + people.targeted,
  };
}

function secondsOf(ms: number): number {
  return Math.round(ms / 100) / 10;
}

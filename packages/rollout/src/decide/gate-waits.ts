import { gatesNow, isStaleAnswer } from '../external-gates.ts';
import { formatElapsed } from '../plan/duration.ts';
import type { ExternalGate } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import { servedMs } from './served.ts';

/** Whether a gate is asked now: one of `advance` only once the time of its stage is served. */
export function isGateAsked(state: RolloutState, { when }: ExternalGate, now: number): boolean {
  return when !== 'advance' || servedMs(state, now) >= (state.stage?.durationMs ?? 0);
}

/** Gates that can hold; one of `rollback` only ends. */
function holdingGates(state: RolloutState): readonly ExternalGate[] {
  return gatesNow(state).filter(({ when }) => when !== 'rollback');
}

/** Gates that say no, or nothing yet, in words. */
export function closedGates(state: RolloutState, now: number): readonly string[] {
  return holdingGates(state).flatMap((gate) => {
    const answer = state.gates?.[gate.name];
    if (answer?.open) return [];
    if (answer !== undefined) return [`gate ${gate.name}, which is closed: ${answer.why}`];
    const isAsked = isGateAsked(state, gate, now);
    return [
      `gate ${gate.name}, which ${isAsked ? 'has not answered yet' : "is asked once the stage's time is served"}`,
    ];
  });
}

/** Gates whose last word is too old to count, in words. Nobody needs it anew before nothing else is waited for. */
export function staleGates(state: RolloutState, now: number): readonly string[] {
  return holdingGates(state).flatMap((gate) => {
    const answer = state.gates?.[gate.name];
    if (answer?.open !== true || !isStaleAnswer(gate, answer, now)) return [];
    return [`gate ${gate.name}, which is asked anew: its answer is ${formatElapsed(now - answer.at)} old`];
  });
}

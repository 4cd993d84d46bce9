import type { RolloutEvent } from '../event.ts';
import { evolve } from '../evolve.ts';
import type { Principal } from '../principal.ts';
import type { RolloutState } from '../state.ts';
import { coversLayers } from './exposure.ts';

/** A defect of Rampart itself: an accepted decision would have broken an invariant of design §5. Nothing is appended. */
export class InvariantError extends Error {
  readonly invariant: string;
  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'InvariantError';
    this.invariant = invariant;
  }
}

function must(holds: boolean, invariant: string, message: string): void {
  if (!holds) throw new InvariantError(invariant, message);
}

function checkRaise(before: RolloutState, events: readonly RolloutEvent[]): void {
  const entered = events.filter((event) => event.type === 'StageEntered');
  must(entered.length <= 1, 'I5', `one decision enters ${entered.length} stages`);
  const wasRunning =
    before.phase === 'exposing' ||
    before.phase === 'baseline' ||
    before.phase === 'preflight' ||
    before.phase === 'aborted';
  for (const event of entered) {
    const from = before.phase === 'exposing' ? (before.stage?.index ?? -1) : -1;
    must(
      wasRunning && event.index === from + 1,
      'I1',
      `stage ${event.index} entered from ${before.phase} stage ${from}`,
    );
    must(!before.killed, 'I6', 'a stage is entered while the kill switch is latched');
  }
}

/**
 * Throws where a decision breaks an invariant: exposure rises only by entering the next stage (I1), by one stage at
 * most (I5); an abort leaves nothing exposed in the same decision (I4); a latch is lifted only by a person (I6);
 * nothing that changes exposure follows the end (I8).
 */
export function assertInvariants(
  before: RolloutState,
  events: readonly RolloutEvent[],
  by: Principal,
  now: number,
): void {
  checkRaise(before, events);
  let state = before;
  for (const event of events) {
    const after = evolve(state, { version: state.version + 1, at: now, by: by.id, event });
    const rose = !coversLayers(state.layers, after.layers);
    must(!rose || event.type === 'StageEntered', 'I1', `${event.type} raised exposure`);
    must(event.type !== 'RolloutAborted' || after.layers.length === 0, 'I4', 'an abort left someone exposed');
    must(!(state.killed && !after.killed) || by.kind === 'person', 'I6', `${by.id} lifted the kill latch`);
    const ended = state.phase === 'complete' || state.phase === 'cancelled';
    must(!ended || (after.phase === state.phase && after.epoch === state.epoch), 'I8', `${event.type} after the end`);
    state = after;
  }
  must(!state.killed || state.layers.length === 0, 'I4', 'killed and still exposed');
}

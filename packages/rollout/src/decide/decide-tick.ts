import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { evolve } from '../evolve.ts';
import { RAMPART } from '../principal.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement } from '../verdict.ts';
import { accept, type Handler, lacksRole } from './decision.ts';
import { beginExposure } from './exposure.ts';
import { advance } from './tick-advance.ts';
import { lowerExposure } from './tick-lower.ts';
import { keepSight } from './tick-sight.ts';
import { tellStuck } from './tick-stuck.ts';
import { recordVerdicts } from './tick-verdicts.ts';

/** One part of a tick: the events that follow from what is seen, on the state that the parts before it left. */
export type TickStep = (state: RolloutState, judgement: Judgement | undefined, now: number) => readonly RolloutEvent[];

/**
 * Order matters: lowering wins over everything (I4); sight is kept before verdicts are trusted to advance; an advance
 * is the last thing a tick may do to exposure, and at most one (I5).
 */
const STEPS: readonly TickStep[] = [lowerExposure, keepSight, recordVerdicts, advance, tellStuck];

function runSteps(state: RolloutState, judgement: Judgement | undefined, now: number): readonly RolloutEvent[] {
  const events: RolloutEvent[] = [];
  let current = state;
  for (const step of STEPS) {
    for (const event of step(current, judgement, now)) {
      events.push(event);
      current = evolve(current, { version: current.version + 1, at: now, by: RAMPART.id, event });
    }
    if (current.phase === 'aborted' || current.phase === 'complete') break;
  }
  return events;
}

/** The first stage as soon as it may begin; until then, whether anything comes that a baseline can be made of. */
const lookBeforeExposure: TickStep = (state, judgement, now) => {
  const isCaptured = state.baseline !== undefined;
  const begun = isCaptured ? beginExposure(state, now) : [];
  if (begun.length > 0) return begun;
  return [...(isCaptured ? [] : keepSight(state, judgement, now)), ...tellStuck(state, undefined, now)];
};

/** The reconciler's command: level-triggered and idempotent, so that two replicas doing the same tick is harmless. */
export const tick: Handler<Extract<RolloutCommand, { type: 'Tick' }>> = (state, command, by, now) => {
  const no = lacksRole(by, ['system'], 'tick');
  if (no) return no;
  const current = command.judgement?.at === undefined || command.judgement.at <= now ? command.judgement : undefined;
  if (state.phase === 'baseline') return accept(...lookBeforeExposure(state, current, now));
  if (state.phase !== 'exposing' && state.phase !== 'monitoring') return accept(...tellStuck(state, undefined, now));
  return accept(...runSteps(state, current, now));
};

/** What Rampart could not see while it was down says nothing about the sources: they get time to be seen before people are told. */
export const resumeWatch: Handler<Extract<RolloutCommand, { type: 'ResumeWatch' }>> = (state, _command, by) => {
  const no = lacksRole(by, ['system'], 'resume the watch');
  if (no) return no;
  const isWaiting = state.blindSince !== undefined && state.blindAlertedAt === undefined;
  return accept(...(isWaiting ? [{ type: 'WatchResumed' } as const] : []));
};

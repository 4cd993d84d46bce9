import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { gatesNow, isStaleAnswer } from '../external-gates.ts';
import type { ExternalGate } from '../plan.ts';
import type { Principal } from '../principal.ts';
import type { RolloutState } from '../state.ts';
import { abortEvent } from './decide-abort.ts';
import { accept, type Decision, type Handler, LOWERING, lacksReason, lacksRole, RAISING, refuse } from './decision.ts';

type Answer = Extract<RolloutCommand, { type: 'AnswerGate' }>;

/** Why a principal may not open or close a gate; `undefined` where they may. Opening is a step towards more exposure. */
export function gateRefusal(by: Principal, { open, why }: Pick<Answer, 'open' | 'why'>): Decision | undefined {
  const what = open ? 'open a gate' : 'close a gate';
  const no = lacksRole(by, open ? [...RAISING, 'system'] : LOWERING, what) ?? lacksReason(why, what);
  if (no !== undefined || !open || by.kind !== 'agent') return no;
  return refuse('FORBIDDEN', `${by.id} is an agent; it may close a gate, and a person opens it.`);
}

/** Every external gate of the plan. */
function allGates({ plan }: RolloutState): readonly ExternalGate[] {
  return [...(plan.gates ?? []), ...plan.stages.flatMap(({ external = [] }) => external)];
}

/** A gate that has no say now changes nothing. */
function ofAnotherTime(state: RolloutState, name: string): Decision {
  const known = [...new Set(allGates(state).map((gate) => gate.name))];
  if (known.includes(name)) return accept();
  return refuse('ITEM_UNKNOWN', `The plan has no external gate "${name}"; it has: ${known.join(', ') || 'none'}.`);
}

/** What a person opens although a system closed it stands among the overrides. */
function overrideOf(state: RolloutState, { gate, open, why }: Answer, by: Principal): readonly RolloutEvent[] {
  const before = state.gates?.[gate];
  if (by.kind !== 'person' || !open || before?.open !== false) return [];
  return [{ type: 'OverrideRecorded', what: `gate ${gate}, which was closed: ${before.why}`, reason: why }];
}

/**
 * What a gate says leads to an event only where it is news: another word than before, or the same one where the last is too
 * old to count. A gate of `rollback` that closes ends the attempt.
 */
export const answerGate: Handler<Answer> = (state, command, by, now) => {
  const { gate: name, open, why, people } = command;
  const no = gateRefusal(by, command);
  if (no) return no;
  const gate = gatesNow(state).find((one) => one.name === name);
  if (gate === undefined) return ofAnotherTime(state, name);
  const before = state.gates?.[name];
  const answered: RolloutEvent = { type: 'GateAnswered', gate: name, open, why };
  if (gate.when === 'rollback') {
    if (open) return accept();
    const cause = { kind: 'external-gate', reason: `gate ${name} asks to roll back: ${why}` } as const;
    return accept(answered, abortEvent(state, { ...cause, ...(people && { people }) }));
  }
  const isKnown = before?.open === open && before.why === why && !(open && isStaleAnswer(gate, before, now));
  return accept(...overrideOf(state, command, by), ...(isKnown ? [] : [answered]));
};

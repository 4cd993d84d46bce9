import type { RefusalCode } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import type { Principal, Role } from '../principal.ts';
import type { Phase, RolloutState } from '../state.ts';

/** What a command leads to: events (possibly none), or a refusal that says what was received and what to do. */
export type Decision =
  | { readonly ok: true; readonly events: readonly RolloutEvent[] }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

/** Handler of one command on an existing rollout. */
export type Handler<C> = (state: RolloutState, command: C, by: Principal, now: number) => Decision;

export function accept(...events: readonly RolloutEvent[]): Decision {
  return { ok: true, events };
}

export function refuse(code: RefusalCode, message: string): Decision {
  return { ok: false, code, message };
}

/** Roles that may run the rollout forward. */
export const RAISING: readonly Role[] = ['admin', 'operator'];
/** Everyone but viewers may lower exposure: an unnecessary abort costs time, a missed one costs people. */
export const LOWERING: readonly Role[] = ['admin', 'operator', 'observer', 'analyst', 'approver', 'system'];
/** Roles that may attest and approve. */
export const APPROVING: readonly Role[] = ['admin', 'operator', 'approver', 'observer'];
/** Roles that work on incidents. */
export const TRIAGING: readonly Role[] = ['admin', 'operator', 'analyst'];

/** Refusal where the principal lacks every one of the roles, else nothing. */
export function lacksRole(by: Principal, roles: readonly Role[], what: string): Decision | undefined {
  if (by.roles.some((role) => roles.includes(role))) return undefined;
  return refuse(
    'FORBIDDEN',
    `${by.id} (${by.roles.join(', ') || 'no role'}) may not ${what}; it needs one of: ${roles.filter((role) => role !== 'system').join(', ')}.`,
  );
}

/** Refusal where the rollout is in none of the phases, else nothing. */
export function notIn(state: RolloutState, phases: readonly Phase[], what: string): Decision | undefined {
  if (phases.includes(state.phase)) return undefined;
  return refuse(
    'WRONG_PHASE',
    `Cannot ${what}: rollout ${state.id} is in phase "${state.phase}"; it must be in ${phases.map((one) => `"${one}"`).join(' or ')}.`,
  );
}

/** Refusal where a reason is blank, else nothing. */
export function lacksReason(reason: string | undefined, what: string): Decision | undefined {
  if (reason?.trim()) return undefined;
  return refuse('REASON_REQUIRED', `To ${what}, give a reason: it stands in the report.`);
}

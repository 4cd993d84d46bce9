import type { PreflightFinding, RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { formatElapsed } from '../plan/duration.ts';
import { ACCEPT_RANDOM_INTERNAL } from '../plan/internal-segment.ts';
import { FLAG_CONFIGURED, PLAN_APPROVED } from '../plan/read-preflight.ts';
import type { Principal } from '../principal.ts';
import type { RolloutState } from '../state.ts';
import { accept, type Decision, type Handler, lacksReason, lacksRole, RAISING, refuse } from './decision.ts';
import { beginExposure } from './exposure.ts';
import {
  agedItems,
  describeMissing,
  type EvidenceNeed,
  evidenceNeedOf,
  isLink,
  isReference,
  missingPreflight,
  preflightCheckOf,
} from './preflight-items.ts';

type Of<T extends RolloutCommand['type']> = Extract<RolloutCommand, { type: T }>;

/** Id of the principal that gives what is delivered to a hook. */
export function hookPrincipalId(hook: string): string {
  return `hook:${hook}`;
}

const WANTED: Readonly<Record<Exclude<EvidenceNeed, 'none' | 'not-by-hand'>, string>> = {
  reference: 'give evidence that others can look up: a link (http or https) or a reference such as a ticket',
  link: 'give evidence that is a link (http or https)',
  account: 'give evidence (a link or a reference), or a note that says how it was done',
};

function isEnough(need: EvidenceNeed, { evidence, note }: Of<'Approve'>): boolean {
  if (need === 'link') return isLink(evidence);
  if (need === 'reference') return isReference(evidence);
  return need === 'none' || (need === 'account' && (isReference(evidence) || isReference(note)));
}

function wrongHand(state: RolloutState, command: Of<'Approve'>, by: Principal): Decision | undefined {
  const { by: way } = preflightCheckOf(state, command.item);
  if (way?.kind === 'hook' && by.id === hookPrincipalId(way.hook)) return undefined;
  const { remedy, why } = missingPreflight(state).find(({ item }) => item === command.item) ?? {};
  const because = why === undefined ? '' : ` It is open: ${why}.`;
  return refuse('ITEM_NOT_BY_HAND', `"${command.item}" is not given by hand.${because} ${remedy}.`);
}

/** A waiver stands for evidence, not for the flag itself: nobody can be shown what is not there. */
function lacksWaiver(state: RolloutState, command: Of<'Approve'>, by: Principal): Decision | undefined {
  const no = lacksRole(by, RAISING, 'waive a pre-flight item') ?? lacksReason(command.note, 'waive an item (note)');
  if (no) return no;
  if (by.kind !== 'person') return refuse('FORBIDDEN', `${by.id} is not a person; only a person may waive an item.`);
  const isOfFlag = command.item === FLAG_CONFIGURED && evidenceNeedOf(state, command.item) === 'not-by-hand';
  return isOfFlag ? wrongHand(state, command, by) : undefined;
}

function lacksEvidence(state: RolloutState, command: Of<'Approve'>, by: Principal): Decision | undefined {
  const need = evidenceNeedOf(state, command.item);
  if (command.waive) return lacksWaiver(state, command, by);
  if (need === 'not-by-hand') return wrongHand(state, command, by);
  if (need === 'none' || isEnough(need, command)) return undefined;
  const got = command.evidence?.trim() ? JSON.stringify(command.evidence.slice(0, 60)) : 'no evidence';
  return refuse('EVIDENCE_REQUIRED', `"${command.item}": received ${got}; ${WANTED[need]}.`);
}

/** Events that follow once every item is given; none before. What has grown too old meanwhile is open again. `given`: items that the same decision gives. */
export function leavePreflight(state: RolloutState, given: readonly string[], now: number): readonly RolloutEvent[] {
  const isComplete = Object.entries(state.preflight).every(([item, one]) => one !== null || given.includes(item));
  if (!isComplete || state.phase !== 'preflight') return [];
  const old = aged(state, now).filter(({ item }) => !given.includes(item));
  const failed = old.flatMap((finding) => findingEvents(state, finding, now));
  if (failed.length > 0) return failed;
  return beginExposure({ ...state, phase: 'baseline' }, now);
}

/** Why this principal may not give an item, whatever the evidence; nothing where it may. */
function wrongPrincipal(state: RolloutState, item: string, isWaiver: boolean, by: Principal): Decision | undefined {
  const isOwnStart = by.id === state.startedBy;
  if (item === PLAN_APPROVED && isOwnStart) {
    const why = `${by.id} asked for this start; another principal must approve the plan.`;
    return refuse('ANOTHER_PRINCIPAL_REQUIRED', why);
  }
  if (item === PLAN_APPROVED && state.plan.fourEyes && by.kind !== 'person') {
    return refuse('FORBIDDEN', `${by.id} is not a person; the plan asks for four eyes, and means those of people.`);
  }
  if (item === ACCEPT_RANDOM_INTERNAL && by.kind !== 'person') {
    const who = 'whether strangers may be the first to see it is for a person to accept';
    return refuse('FORBIDDEN', `${by.id} is not a person; ${who} (or make a segment "internal").`);
  }
  if (!isWaiver || !state.plan.fourEyes || !isOwnStart) return undefined;
  const why = `${by.id} asked for this start; the plan asks for four eyes, so another person must waive "${item}".`;
  return refuse('ANOTHER_PRINCIPAL_REQUIRED', why);
}

/** Gives an open pre-flight item by hand. */
export function approvePreflight(state: RolloutState, command: Of<'Approve'>, by: Principal, now: number): Decision {
  const { item, evidence, note, waive } = command;
  const isWaiver = waive === true && evidenceNeedOf(state, item) !== 'none';
  const no =
    wrongPrincipal(state, item, isWaiver, by) ?? (by.kind === 'system' ? undefined : lacksEvidence(state, command, by));
  if (no) return no;
  const given: RolloutEvent = {
    type: 'ItemAttested',
    list: 'preflight',
    item,
    ...(evidence !== undefined && { evidence }),
    ...(note !== undefined && { note }),
    ...(isWaiver && { waived: true }),
  };
  const what = `pre-flight item "${item}" without evidence`;
  const override: readonly RolloutEvent[] = isWaiver ? [{ type: 'OverrideRecorded', what, reason: note ?? '' }] : [];
  return accept(...override, given, ...leavePreflight(state, [item], now));
}

/** What a finding changes: an item is given, or is found not to hold, once for the same reason. */
export function findingEvents(
  state: RolloutState,
  { item, evidence, why }: PreflightFinding,
  now: number,
): readonly RolloutEvent[] {
  // A plan is approved by a principal, whatever answers.
  if (!Object.hasOwn(state.preflight, item) || item === PLAN_APPROVED) return [];
  const given = state.preflight[item];
  if (why === undefined) {
    const isNew = given === null || agedItems(state, now).includes(item);
    return isNew && evidence !== undefined ? [{ type: 'ItemAttested', list: 'preflight', item, evidence }] : [];
  }
  // What a person took upon themselves is not taken back by a look.
  if (given?.waived || (given === null && state.preflightFailures?.[item]?.why === why)) return [];
  return [{ type: 'PreflightItemFailed', item, why }];
}

function aged(state: RolloutState, now: number): readonly PreflightFinding[] {
  return agedItems(state, now).map((item) => {
    const given = state.preflight[item];
    const { maxAgeMs = 0 } = preflightCheckOf(state, item);
    const age = given ? formatElapsed(now - given.at) : '';
    return {
      item,
      why: `given ${age} ago by ${given?.by}, and the plan wants it no older than ${formatElapsed(maxAgeMs)}`,
    };
  });
}

export const checkPreflight: Handler<Of<'CheckPreflight'>> = (state, { findings }, by, now) => {
  const no = lacksRole(by, ['system'], 'tell what Rampart found in pre-flight');
  if (no) return no;
  if (state.phase !== 'preflight') return accept();
  const looked = findings.map(({ item }) => item);
  const old = aged(state, now).filter(({ item }) => !looked.includes(item));
  const events = [...findings, ...old].flatMap((finding) => findingEvents(state, finding, now));
  if (events.some(({ type }) => type === 'PreflightItemFailed')) return accept(...events);
  const given = events.flatMap((event) => (event.type === 'ItemAttested' ? [event.item] : []));
  return accept(...events, ...(given.length > 0 ? leavePreflight(state, given, now) : []));
};

/** Refusal where pre-flight is not complete, with all that is missing; else nothing. */
export function preflightIncomplete(state: RolloutState, what: string): Decision | undefined {
  const missing = state.phase === 'preflight' ? missingPreflight(state) : [];
  if (missing.length === 0) return undefined;
  return refuse(
    'PREFLIGHT_INCOMPLETE',
    `Cannot ${what}: rollout ${state.id} is in pre-flight, and is missing ${missing.map(describeMissing).join('; ')}.`,
  );
}

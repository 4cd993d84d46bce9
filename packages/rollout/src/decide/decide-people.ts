import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { calendarOpen, closedWords } from '../plan/calendar.ts';
import { type Principal, RAMPART } from '../principal.ts';
import type { Proposal, RolloutState } from '../state.ts';
import { killNow, proposeOnce, retryNow } from './decide-abort.ts';
import { preflightIncomplete } from './decide-preflight.ts';
import {
  APPROVING,
  accept,
  type Decision,
  type Handler,
  LOWERING,
  lacksReason,
  lacksRole,
  notIn,
  RAISING,
  refuse,
} from './decision.ts';
import { enterStage, stageOf } from './exposure.ts';
import { closedGates, staleGates } from './gate-waits.ts';
import { isSharedIncident } from './tick-lower.ts';

type Of<T extends RolloutCommand['type']> = Extract<RolloutCommand, { type: T }>;

export const hold: Handler<Of<'Hold'>> = (state, command, by) => {
  const no =
    lacksRole(by, LOWERING, 'hold a rollout') ??
    notIn(state, ['preflight', 'baseline', 'exposing', 'monitoring'], 'hold') ??
    lacksReason(command.reason, 'hold');
  if (no) return no;
  // A person takes over the hold of an agent or of Rampart, so that no agent lifts it.
  const isTakenOver = by.kind === 'person' && state.hold?.byPerson !== true;
  if (state.hold && !isTakenOver)
    return refuse('ALREADY_HELD', `Held already by ${state.hold.by}: ${state.hold.reason}`);
  return accept({ type: 'RolloutHeld', reason: command.reason, ...(by.kind === 'person' && { byPerson: true }) });
};

export const resume: Handler<Of<'Resume'>> = (state, command, by) => {
  const no = lacksRole(by, RAISING, 'resume a rollout');
  if (no) return no;
  if (!state.hold) return refuse('NOT_HELD', `Rollout ${state.id} is not held.`);
  if (by.kind !== 'person' && (state.hold.byPerson || state.hold.by === RAMPART.id)) {
    return refuse(
      'FORBIDDEN',
      `${state.hold.by} holds it (${state.hold.reason}); what a person or Rampart holds, a person resumes.`,
    );
  }
  return accept({ type: 'RolloutResumed', ...(command.reason !== undefined && { reason: command.reason }) });
};

export const extend: Handler<Of<'Extend'>> = (state, command, by) => {
  const no =
    lacksRole(by, LOWERING, 'extend a stage') ??
    notIn(state, ['exposing', 'monitoring'], 'extend') ??
    lacksReason(command.reason, 'extend a stage');
  if (no) return no;
  const whole = state.phase === 'monitoring' ? state.plan.monitorMs : (stageOf(state)?.durationMs ?? 0);
  // Only a longer stage is an extension: anything else would cut the minimum duration short.
  const byMs = command.byMs !== undefined && command.byMs > 0 ? command.byMs : whole;
  return accept({ type: 'StageExtended', byMs, reason: command.reason });
};

function proceedNow(state: RolloutState, reason: string, now: number): Decision {
  const running = state.stage;
  const no = preflightIncomplete(state, 'proceed') ?? notIn(state, ['exposing'], 'proceed');
  if (no || running === undefined) return no ?? refuse('WRONG_PHASE', 'Cannot proceed: no stage is running.');
  const next = running.index + 1;
  if (state.killed) return refuse('KILL_SWITCH_LATCHED', 'The kill switch is latched; re-arm it first.');
  if (state.dataInvalid)
    return refuse('GATE_NOT_REACHED', `The data is invalid (${state.dataInvalid}); an advance would be blind.`);
  if (state.blindSince !== undefined) {
    const message = 'blind: there is no fresh evidence to override on; wait until it is back, hold or abort.';
    return refuse('GATE_NOT_REACHED', message);
  }
  const failing = state.verdicts.find(
    (one) => one.status === 'fail' && one.tier !== 'alert' && !isSharedIncident(state, one),
  );
  if (failing)
    return refuse(
      'GATE_NOT_REACHED',
      `${failing.check} fails (${failing.wouldChange}); an override cannot pass a failed check.`,
    );
  const calendar = calendarOpen(state.plan.calendar, now);
  if (!calendar.open)
    return refuse('CALENDAR_CLOSED', `Advances are closed: ${closedWords(state.plan.calendar, calendar)}.`);
  const name = stageOf(state)?.name ?? '';
  const passed = [...closedGates(state, now), ...staleGates(state, now)];
  const events: RolloutEvent[] = [
    { type: 'OverrideRecorded', what: [`proceed from ${name}`, ...passed].join('; past '), reason },
    ...(state.hold ? ([{ type: 'RolloutResumed', reason }] as const) : []),
    {
      type: 'StagePassed',
      index: running.index,
      name,
      metrics: state.history.at(-1)?.metrics ?? [],
      verdicts: state.verdicts,
      overridden: true,
    },
    ...enterStage(state, next, now, `override: ${reason}`),
  ];
  return accept(...events);
}

export const proceed: Handler<Of<'Proceed'>> = (state, command, by, now) => {
  const no = lacksRole(by, RAISING, 'proceed') ?? lacksReason(command.reason, 'proceed past a gate');
  if (no) return no;
  const outcome = proceedNow(state, command.reason, now);
  if (!outcome.ok || (by.kind === 'person' && !state.plan.fourEyes)) return outcome;
  return proposeOnce(state, { action: 'proceed', reason: command.reason }, by);
};

/**
 * Whether a proposal lowers exposure, or is the way the plan itself goes on: a retry once a fix is recorded, with the people
 * that the plan says. A plan that asks for four eyes means those of people.
 */
function isInsidePlan({ incidents, plan }: RolloutState, { action, people = plan.retry.people }: Proposal): boolean {
  const isFixed = incidents.at(-1)?.fix !== undefined;
  return action === 'kill' || (action === 'retry' && !plan.fourEyes && isFixed && people === plan.retry.people);
}

/** Approves or declines a proposal; the proposer may not approve it, and past the plan only a person may. A kill is declined by people only. */
export function decideProposal(
  state: RolloutState,
  number: number,
  approved: boolean,
  by: Principal,
  now: number,
  reason?: string,
): Decision {
  const no = lacksRole(by, APPROVING, 'decide a proposal');
  if (no) return no;
  const proposal = state.proposals.find((one) => one.number === number);
  if (!proposal) return refuse('PROPOSAL_UNKNOWN', `There is no proposal ${number}.`);
  if (proposal.decided) {
    const how = proposal.decided.approved ? 'approved' : 'declined, or lapsed';
    return refuse('PROPOSAL_UNKNOWN', `Proposal ${number} is no longer open: ${how} by ${proposal.decided.by}.`);
  }
  if (approved && proposal.by === by.id) {
    return refuse('ANOTHER_PRINCIPAL_REQUIRED', `${by.id} made proposal ${number}; another principal must approve it.`);
  }
  if (approved && by.kind !== 'person' && !isInsidePlan(state, proposal)) {
    return refuse(
      'FORBIDDEN',
      `${by.id} is not a person; what raises exposure past the plan needs a person's approval.`,
    );
  }
  if (!approved && proposal.action === 'kill' && by.kind !== 'person') {
    return refuse('FORBIDDEN', `${by.id} is not a person; it may approve a kill, and only a person declines one.`);
  }
  const decided: RolloutEvent = { type: 'ProposalDecided', number, approved, ...(reason !== undefined && { reason }) };
  if (!approved) return accept(decided);
  const carriedOut = carryOut(state, proposal, now);
  return carriedOut.ok ? accept(decided, ...carriedOut.events) : carriedOut;
}

function carryOut(state: RolloutState, { action, reason, version, people }: Proposal, now: number): Decision {
  if (action === 'proceed') return proceedNow(state, reason, now);
  if (action === 'kill') return killNow(state, reason, {});
  const asked = { reason, ...(version !== undefined && { version }), ...(people !== undefined && { people }) };
  return retryNow(state, asked, now);
}

export const decline: Handler<Of<'Decline'>> = (state, command, by, now) =>
  lacksReason(command.reason, 'decline a proposal') ??
  decideProposal(state, command.proposal, false, by, now, command.reason);

export const cancel: Handler<Of<'Cancel'>> = (_state, command, by) => {
  const no = lacksRole(by, RAISING, 'cancel a rollout') ?? lacksReason(command.reason, 'cancel');
  if (no) return no;
  return accept({ type: 'RolloutCancelled', reason: command.reason });
};

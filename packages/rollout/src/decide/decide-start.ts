import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { PLAN_APPROVED } from '../plan/read-preflight.ts';
import type { Principal } from '../principal.ts';
import type { Issue, RolloutState } from '../state.ts';
import { cleanupFromEvidence } from './decide-cleanup.ts';
import { decideProposal } from './decide-people.ts';
import { approvePreflight, preflightIncomplete } from './decide-preflight.ts';
import {
  APPROVING,
  accept,
  type Decision,
  type Handler,
  lacksReason,
  lacksRole,
  notIn,
  RAISING,
  refuse,
} from './decision.ts';
import { openExitItems, unmeasuredMetrics } from './exit-gate.ts';
import { CLEANUP_SCHEDULED, DOCS_UPDATED, withoutItem } from './exit-items.ts';
import { stageOf } from './exposure.ts';

type Of<T extends RolloutCommand['type']> = Extract<RolloutCommand, { type: T }>;

/** Key of a confirmation in `RolloutState.confirmations`. */
export function confirmationKey(stage: string, text: string): string {
  return `${stage}: ${text}`;
}

export const start: Handler<Of<'Start'>> = (state, { recorded }, by) => {
  const no =
    lacksRole(by, RAISING, 'start a rollout') ??
    preflightIncomplete(state, 'start exposing people') ??
    notIn(state, ['draft'], 'start');
  if (no) return no;
  const needsApproval = by.kind === 'agent' || state.plan.fourEyes;
  const items = [...state.plan.preflight, ...(needsApproval ? [PLAN_APPROVED] : [])];
  const started: RolloutEvent[] = [
    { type: 'AttemptStarted', attempt: 1, version: state.plan.version, statistics: 1 },
    { type: 'PreflightStarted', items, ...(recorded && { recorded }) },
  ];
  return accept(...started, ...(items.length === 0 ? ([{ type: 'BaselineStarted' }] as const) : []));
};

/** An issue that fails the confirmation "No critical bugs" (semantics §5). */
export function openCriticalIssue(state: RolloutState): Issue | undefined {
  return state.issues.find((issue) => issue.severity === 'critical' && issue.status === 'open');
}

/** Whether a confirmation says that there is no critical bug. */
export function deniesCriticalBugs(confirmation: string): boolean {
  return /no critical bugs/i.test(confirmation);
}

function approveConfirmation(state: RolloutState, command: Of<'Approve'>, stage: string): Decision {
  const critical = openCriticalIssue(state);
  if (critical && deniesCriticalBugs(command.item)) {
    return refuse(
      'CRITICAL_ISSUE_OPEN',
      `Issue ${critical.number} "${critical.title}" is critical and open: fix or close it before confirming "${command.item}".`,
    );
  }
  return accept(attested('confirmation', confirmationKey(stage, command.item), command));
}

function attested(list: 'exit' | 'confirmation', item: string, command: Of<'Approve'>): RolloutEvent {
  return {
    type: 'ItemAttested',
    list,
    item,
    ...(command.evidence !== undefined && { evidence: command.evidence }),
    ...(command.note !== undefined && { note: command.note }),
  };
}

/** Items a principal can give now: open pre-flight items, confirmations of the stage, exit items. */
export function openItems(state: RolloutState): readonly string[] {
  const open = (items: Readonly<Record<string, unknown>>) => Object.keys(items).filter((item) => items[item] === null);
  const stage = stageOf(state);
  const confirmations =
    stage?.confirmations.filter((text) => !(confirmationKey(stage.name, text) in state.confirmations)) ?? [];
  const exit = openExitItems(state);
  if (state.phase === 'preflight') return open(state.preflight);
  if (state.phase === 'monitoring') return [...confirmations, ...exit];
  return state.phase === 'exposing' ? [...confirmations, ...exit] : [];
}

function approveExit(state: RolloutState, command: Of<'Approve'>, now: number): Decision {
  const given = attested('exit', command.item, command);
  if (command.item !== CLEANUP_SCHEDULED) return accept(given);
  return accept(cleanupFromEvidence(state, command.evidence, now), given);
}

/** The quiet time ends without a metric that nothing measures: a person says why, and it stands in the report as an override. */
function endWithout(state: RolloutState, metric: string, command: Of<'Approve'>, by: Principal): Decision {
  const reason = command.note ?? command.evidence;
  const what = `end the quiet time without ${metric}`;
  const no = lacksRole(by, RAISING, what) ?? lacksReason(reason, what);
  if (no) return no;
  if (by.kind !== 'person') return refuse('FORBIDDEN', `${by.id} is not a person; only a person may ${what}.`);
  if (state.plan.fourEyes && by.id === state.startedBy) {
    const why = `${by.id} asked for the start; the plan asks for four eyes, so another person must ${what}.`;
    return refuse('ANOTHER_PRINCIPAL_REQUIRED', why);
  }
  return accept(attested('exit', command.item, command), { type: 'OverrideRecorded', what, reason: reason ?? '' });
}

export const approve: Handler<Of<'Approve'>> = (state, command, by, now) => {
  const no = lacksRole(by, [...APPROVING, 'system'], 'approve');
  if (no) return no;
  const proposal = /^proposal (\d+)$/.exec(command.item);
  if (proposal) return decideProposal(state, Number(proposal[1]), true, by, now, command.note);
  if (openItems(state).includes(command.item)) {
    if (state.phase === 'preflight') return approvePreflight(state, command, by, now);
    const stage = stageOf(state);
    if (stage?.confirmations.includes(command.item)) return approveConfirmation(state, command, stage.name);
    return approveExit(state, command, now);
  }
  const metric = unmeasuredMetrics(state, state.verdicts).find((name) => withoutItem(name) === command.item);
  if (metric !== undefined) return endWithout(state, metric, command, by);
  const given =
    state.preflight[command.item] ??
    state.exit[command.item] ??
    state.confirmations[confirmationKey(stageOf(state)?.name ?? '', command.item)];
  // A link may still be added.
  const isLink = command.item === DOCS_UPDATED && state.phase === 'monitoring' && command.evidence !== undefined;
  if (isLink && given && given.evidence === undefined) return accept(attested('exit', command.item, command));
  if (given) return refuse('ITEM_ALREADY_GIVEN', `"${command.item}" was given by ${given.by}.`);
  const open = openItems(state);
  const choices =
    open.length === 0
      ? 'Nothing is waiting for approval now.'
      : `Waiting now: ${open.map((item) => `"${item}"`).join(', ')}.`;
  return refuse('ITEM_UNKNOWN', `"${command.item}" is not something to approve in phase "${state.phase}". ${choices}`);
};

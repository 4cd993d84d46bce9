import type { EventRecord, RolloutEvent } from '../event.ts';
import type { Plan } from '../plan.ts';
import { RAMPART, type Role } from '../principal.ts';
import { nameOf } from './describe-event.ts';
import type { DocumentOptions } from './format.ts';
import { type Block, instant, joined, type Line, line, said, tableOf, words } from './page.ts';

type Step = { readonly role: Role; readonly step: string };

const STEPS: Readonly<Partial<Record<RolloutEvent['type'], Step>>> = {
  RolloutCreated: { role: 'operator', step: 'Created the rollout' },
  PreflightStarted: { role: 'operator', step: 'Started pre-flight' },
  BaselineStarted: { role: 'observer', step: 'Started the baseline' },
  BaselineCaptured: { role: 'observer', step: 'Captured the baseline' },
  RolloutHeld: { role: 'operator', step: 'Held' },
  RolloutResumed: { role: 'operator', step: 'Resumed' },
  StageExtended: { role: 'operator', step: 'Extended the stage' },
  PrincipalAsked: { role: 'operator', step: 'Asked for a decision' },
  KillSwitchTripped: { role: 'operator', step: 'Tripped the kill switch' },
  KillSwitchRearmed: { role: 'operator', step: 'Re-armed the kill switch' },
  MonitoringStarted: { role: 'operator', step: 'Started monitoring' },
  RolloutCompleted: { role: 'operator', step: 'Completed the rollout' },
  RolloutCancelled: { role: 'operator', step: 'Cancelled the rollout' },
  FlagCleanupScheduled: { role: 'operator', step: 'Scheduled the removal of the flag' },
  FlagRemoved: { role: 'operator', step: 'Removed the flag' },
};

function stepOf(event: RolloutEvent): Step | undefined {
  switch (event.type) {
    case 'ItemAttested':
      return { role: 'approver', step: `${event.waived ? 'Waived the evidence of' : 'Gave'} "${event.item}"` };
    case 'DrillStarted':
      return { role: 'operator', step: `Ran rollback drill ${event.number}` };
    case 'StageEntered':
      return { role: 'operator', step: `Entered ${event.name}` };
    case 'StagePassed':
      return { role: 'operator', step: `${event.overridden ? 'Moved past' : 'Passed'} ${event.name}` };
    case 'ProposalMade':
      return { role: 'operator', step: `Proposed to ${event.action}` };
    case 'ProposalDecided':
      return { role: 'approver', step: `${event.approved ? 'Approved' : 'Declined'} proposal ${event.number}` };
    case 'OverrideRecorded':
      return { role: 'operator', step: `Overrode ${event.what}` };
    case 'RolloutAborted':
      return { role: 'operator', step: `Rolled back from ${event.stage}` };
    case 'AttemptStarted':
      return { role: 'operator', step: `Started attempt ${event.attempt}` };
    case 'IncidentAssigned':
      return { role: 'analyst', step: `Assigned incident ${event.incident} to ${event.assignee}` };
    case 'IncidentAcknowledged':
      return { role: 'analyst', step: `Began the triage of incident ${event.incident}` };
    case 'IncidentRated':
      return { role: 'analyst', step: `Rated incident ${event.incident} ${event.severity}` };
    case 'ActionAdded':
      return { role: 'analyst', step: `Added action item ${event.action} of incident ${event.incident}` };
    case 'ActionDone':
      return { role: 'analyst', step: `Completed action item ${event.action} of incident ${event.incident}` };
    case 'RootCauseRecorded':
      return { role: 'analyst', step: `Recorded the root cause of incident ${event.incident}` };
    case 'FixRecorded':
      return { role: 'analyst', step: `Recorded the fix of incident ${event.incident}` };
    case 'IncidentResolved':
      return { role: 'analyst', step: `Resolved incident ${event.incident}` };
    case 'IssueAdded':
      return { role: 'operator', step: `Added issue ${event.number}` };
    case 'IssueChanged':
      return { role: 'operator', step: `Set issue ${event.number} to ${event.status}` };
    default:
      return STEPS[event.type];
  }
}

/** Who the plan names, in one line. */
export function ownersLine({ owners }: Plan, from: readonly number[]): Line {
  const named = [
    ...(['operator', 'observer', 'analyst'] as const).map((role) => [role, owners[role] ?? ''] as const),
    ['stakeholders', owners.stakeholders.join(', ')] as const,
  ].filter(([, who]) => who !== '');
  const list = joined(
    named.map(([role, who]) => line(`${role} `, said(who, from))),
    '; ',
  );
  return line('Owners: ', list.length === 0 ? 'none named' : list);
}

/**
 * Every step of the workflow as a table: when, the role whose step it is (semantics §6; `system` when Rampart took it itself),
 * the principal who acted, and the step. Observations, such as judged checks, are nobody's step.
 */
export function peopleTable(records: readonly EventRecord[], options: DocumentOptions): Block | undefined {
  const rows = records.flatMap(({ event, at, by, version }) => {
    const taken = stepOf(event);
    if (taken === undefined) return [];
    const role = by === RAMPART.id ? 'system' : taken.role;
    const from = [version];
    return [
      {
        when: [instant(at, from, options)],
        role: [words(role)],
        principal: [said(nameOf(by), from)],
        step: [said(taken.step, from)],
      },
    ];
  });
  return tableOf({ when: 'When', role: 'Role', principal: 'Principal', step: 'Step' }, rows);
}

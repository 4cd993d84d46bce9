import type { RolloutCommand } from '../command.ts';
import type { Principal } from '../principal.ts';
import type { Incident, RolloutState } from '../state.ts';
import { accept, type Decision, type Handler, lacksReason, lacksRole, refuse, TRIAGING } from './decision.ts';

type Of<T extends RolloutCommand['type']> = Extract<RolloutCommand, { type: T }>;

function onIncident(
  state: RolloutState,
  number: number,
  by: Principal,
  then: (incident: Incident) => Decision,
): Decision {
  const no = lacksRole(by, TRIAGING, 'work on an incident');
  if (no) return no;
  const incident = state.incidents.find((one) => one.number === number);
  if (incident) return then(incident);
  const known = state.incidents.map((one) => one.number).join(', ') || 'none';
  return refuse('INCIDENT_UNKNOWN', `There is no incident ${number}; known: ${known}.`);
}

export const assignIncident: Handler<Of<'AssignIncident'>> = (state, command, by) =>
  lacksReason(command.assignee, 'assign an incident') ??
  onIncident(state, command.incident, by, () =>
    accept({ type: 'IncidentAssigned', incident: command.incident, assignee: command.assignee }),
  );

export const recordRootCause: Handler<Of<'RecordRootCause'>> = (state, command, by) =>
  lacksReason(command.text, 'record a root cause') ??
  onIncident(state, command.incident, by, () =>
    accept({ type: 'RootCauseRecorded', incident: command.incident, text: command.text }),
  );

export const recordFix: Handler<Of<'RecordFix'>> = (state, command, by) =>
  lacksReason(command.text, 'record a fix') ??
  onIncident(state, command.incident, by, () =>
    accept({
      type: 'FixRecorded',
      incident: command.incident,
      text: command.text,
      ...(command.reference !== undefined && { reference: command.reference }),
    }),
  );

export const resolveIncident: Handler<Of<'ResolveIncident'>> = (state, command, by) =>
  onIncident(state, command.incident, by, (incident) =>
    incident.resolvedAt === undefined ? accept({ type: 'IncidentResolved', incident: command.incident }) : accept(),
  );

export const addIssue: Handler<Of<'AddIssue'>> = (state, command, by) =>
  lacksRole(by, [...TRIAGING, 'observer', 'approver'], 'add an issue') ??
  lacksReason(command.title, 'add an issue') ??
  accept({
    type: 'IssueAdded',
    number: state.issues.length + 1,
    title: command.title,
    severity: command.severity,
    ...(command.link !== undefined && { link: command.link }),
  });

export const changeIssue: Handler<Of<'ChangeIssue'>> = (state, command, by) => {
  const no = lacksRole(by, [...TRIAGING, 'observer', 'approver'], 'change an issue');
  if (no) return no;
  const issue = state.issues.find((one) => one.number === command.number);
  if (!issue) return refuse('ISSUE_UNKNOWN', `There is no issue ${command.number}.`);
  return issue.status === command.status
    ? accept()
    : accept({ type: 'IssueChanged', number: command.number, status: command.status });
};

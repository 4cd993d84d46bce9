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

export const acknowledgeIncident: Handler<Of<'AcknowledgeIncident'>> = (state, { incident }, by) =>
  onIncident(state, incident, by, ({ acknowledged }) =>
    acknowledged === undefined ? accept({ type: 'IncidentAcknowledged', incident }) : accept(),
  );

export const rateIncident: Handler<Of<'RateIncident'>> = (state, { incident, severity, reason }, by) =>
  lacksReason(reason, 'rate an incident') ??
  onIncident(state, incident, by, (one) =>
    one.severity === severity ? accept() : accept({ type: 'IncidentRated', incident, severity, reason }),
  );

export const noteIncident: Handler<Of<'NoteIncident'>> = (state, { incident, text }, by) =>
  lacksReason(text, 'note something on an incident') ??
  onIncident(state, incident, by, () => accept({ type: 'IncidentNoted', incident, text }));

export const linkIncident: Handler<Of<'LinkIncident'>> = (state, { incident, title, url }, by) =>
  lacksReason(title, 'link something to an incident') ??
  lacksReason(url, 'link something to an incident') ??
  onIncident(state, incident, by, ({ links = [] }) =>
    links.some((link) => link.url === url && link.title === title)
      ? accept()
      : accept({ type: 'IncidentLinked', incident, title, url }),
  );

export const addAction: Handler<Of<'AddAction'>> = (state, { type: _type, ...item }, by) =>
  lacksReason(item.text, 'add an action item') ??
  onIncident(state, item.incident, by, ({ actions = [] }) =>
    accept({ type: 'ActionAdded', action: actions.length + 1, ...item }),
  );

export const completeAction: Handler<Of<'CompleteAction'>> = (state, { incident, action }, by) =>
  onIncident(state, incident, by, ({ actions = [] }) => {
    const item = actions.find((one) => one.number === action);
    if (item) return item.done === undefined ? accept({ type: 'ActionDone', incident, action }) : accept();
    const known = actions.map((one) => one.number).join(', ') || 'none';
    return refuse('ACTION_UNKNOWN', `Incident ${incident} has no action item ${action}; known: ${known}.`);
  });

/** An incident is resolved once it is understood and fixed; anything less needs a reason, which stands in its document. */
export const resolveIncident: Handler<Of<'ResolveIncident'>> = (state, { incident, reason }, by) =>
  onIncident(state, incident, by, (one) => {
    if (one.resolvedAt !== undefined) return accept();
    const lacks = [
      ...(one.rootCause === undefined ? ['root cause'] : []),
      ...(one.fix === undefined ? ['fix'] : []),
    ].join(' and no ');
    if (lacks === '') return accept({ type: 'IncidentResolved', incident });
    if (reason?.trim()) return accept({ type: 'IncidentResolved', incident, reason });
    return refuse(
      'REASON_REQUIRED',
      `Incident ${incident} has no ${lacks}: record it first (rampart incident root-cause, fix), or say with a reason why it is resolved all the same.`,
    );
  });

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

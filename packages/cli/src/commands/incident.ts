import type { DocumentFormat } from '@rampart/api';
import { formatElapsed, type Incident, severityOf } from '@rampart/rollout';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { findRollout } from '../find-rollout.ts';
import { formatDate } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { ordinal } from './arguments.ts';
import { type DocumentOptions, documentOutcome, formatOption } from './document-output.ts';
import { act } from './rollout-action.ts';

type Of = { readonly rollout?: string };
type FixOptions = Of & { readonly reference?: string };
type ShowOptions = Of & DocumentOptions;
type ResolveOptions = Of & { readonly reason?: string };
type RateOptions = Of & { readonly reason?: string };
type ActionOptions = Of & { readonly owner?: string; readonly link?: string; readonly done?: number };

const SEVERITIES = ['critical', 'major', 'minor'] as const;

const ROLLOUT = '--rollout <rollout>';
const WHICH = 'id, or key of the flag. Default: the only active one';
const NUMBER = 'number of the incident';

/** Commands for the triage of an abort. */
export function addIncidentCommands(program: Command, shell: Shell): void {
  const incident = program
    .command('incident')
    .helpGroup('Follow up:')
    .description('records of aborts: triage, root cause, fix');
  addReading(incident, shell);
  addTriage(incident, shell);
  addRecords(incident, shell);
}

function addReading(incident: Command, { perform }: Shell): void {
  incident
    .command('list')
    .description('list the incidents of a rollout')
    .option(ROLLOUT, WHICH)
    .action(({ rollout }: Of, command: Command) => perform(command, (session) => listIncidents(session, rollout)));
  const show = incident.command('show').description('print the incident document');
  show
    .argument('[number]', `${NUMBER}. Default: the newest`, ordinal)
    .addOption(formatOption(show))
    .option('--out <file>', 'write it to a file')
    .option(ROLLOUT, WHICH)
    .action((number: number | undefined, options: ShowOptions, command: Command) =>
      perform(command, (session) => showIncident(session, number, options)),
    );
}

function addTriage(incident: Command, { perform }: Shell): void {
  incident
    .command('acknowledge')
    .description('say that you have begun the triage')
    .argument('<number>', NUMBER, ordinal)
    .option(ROLLOUT, WHICH)
    .action((number: number, { rollout }: Of, command: Command) =>
      perform(command, (session) => act(session, rollout, { type: 'AcknowledgeIncident', incident: number })),
    );
  incident
    .command('assign')
    .description('give an incident to somebody')
    .argument('<number>', NUMBER, ordinal)
    .argument('<assignee>', 'a person or an agent')
    .option(ROLLOUT, WHICH)
    .action((number: number, assignee: string, { rollout }: Of, command: Command) =>
      perform(command, (session) => act(session, rollout, { type: 'AssignIncident', incident: number, assignee })),
    );
  incident
    .command('root-cause')
    .description('record the root cause')
    .argument('<number>', NUMBER, ordinal)
    .argument('<text>', 'what went wrong, and why')
    .option(ROLLOUT, WHICH)
    .action((number: number, text: string, { rollout }: Of, command: Command) =>
      perform(command, (session) => act(session, rollout, { type: 'RecordRootCause', incident: number, text })),
    );
  incident
    .command('fix')
    .description('record the fix: with a new version it allows a retry on fresh statistics')
    .argument('<number>', NUMBER, ordinal)
    .argument('<text>', 'what was changed')
    .option('--reference <url>', 'commit, pull request or ticket')
    .option(ROLLOUT, WHICH)
    .action((number: number, text: string, { rollout, ...more }: FixOptions, command: Command) =>
      perform(command, (session) => act(session, rollout, { type: 'RecordFix', incident: number, text, ...more })),
    );
  incident
    .command('resolve')
    .description('close an incident that has a root cause and a fix')
    .argument('<number>', NUMBER, ordinal)
    .option('--reason <text>', 'why it is closed without a root cause or a fix')
    .option(ROLLOUT, WHICH)
    .action((number: number, { rollout, ...more }: ResolveOptions, command: Command) =>
      perform(command, (session) => act(session, rollout, { type: 'ResolveIncident', incident: number, ...more })),
    );
}

function addRecords(incident: Command, { perform }: Shell): void {
  incident
    .command('note')
    .description('note something on an incident')
    .argument('<number>', NUMBER, ordinal)
    .argument('<text>', 'what was seen or done')
    .option(ROLLOUT, WHICH)
    .action((number: number, text: string, { rollout }: Of, command: Command) =>
      perform(command, (session) => act(session, rollout, { type: 'NoteIncident', incident: number, text })),
    );
  incident
    .command('link')
    .description('link a dashboard, log or ticket to an incident')
    .argument('<number>', NUMBER, ordinal)
    .argument('<title>', 'what it shows')
    .argument('<url>', 'where it is')
    .option(ROLLOUT, WHICH)
    .action((number: number, title: string, url: string, { rollout }: Of, command: Command) =>
      perform(command, (session) => act(session, rollout, { type: 'LinkIncident', incident: number, title, url })),
    );
  const severity = incident.command('severity').description('rate how bad an incident was');
  severity
    .argument('<number>', NUMBER, ordinal)
    .addArgument(severity.createArgument('<severity>', 'how bad').choices(SEVERITIES))
    .option('--reason <text>', 'why; it stands in the report')
    .option(ROLLOUT, WHICH)
    .action((number: number, given: string, options: RateOptions, command: Command) =>
      perform(command, (session) => rate(session, number, given, options)),
    );
  incident
    .command('action')
    .description('add an action item to an incident, or say that one is done')
    .argument('<number>', NUMBER, ordinal)
    .argument('[text]', 'what is to be done')
    .option('--owner <name>', 'a person or an agent')
    .option('--link <url>', 'where it is tracked')
    .option('--done <item>', 'number of the item that is done', ordinal)
    .option(ROLLOUT, WHICH)
    .action((number: number, text: string | undefined, options: ActionOptions, command: Command) =>
      perform(command, (session) => actionItem(session, number, text, options)),
    );
}

function rate(session: Session, incident: number, given: string, { rollout, reason = '' }: RateOptions) {
  const severity = SEVERITIES.find((one) => one === given) ?? 'major';
  return act(session, rollout, { type: 'RateIncident', incident, severity, reason });
}

function actionItem(session: Session, incident: number, text: string | undefined, options: ActionOptions) {
  const { rollout, done, ...more } = options;
  if (done !== undefined && text === undefined)
    return act(session, rollout, { type: 'CompleteAction', incident, action: done });
  if (done === undefined && text !== undefined)
    return act(session, rollout, { type: 'AddAction', incident, text, ...more });
  throw new CliError('USAGE', 'Give either the text of a new action item, or --done with the number of one.');
}

function standing({ resolvedAt, fix, rootCause, acknowledged }: Incident): string {
  if (resolvedAt !== undefined) return 'resolved';
  if (fix !== undefined) return 'fixed';
  if (rootCause !== undefined) return 'understood';
  return acknowledged === undefined ? 'open' : 'in triage';
}

async function listIncidents(session: Session, rollout: string | undefined): Promise<Outcome> {
  const { state, now } = await findRollout(session.client(), rollout);
  const columns = [
    { title: 'INCIDENT', cell: ({ number }: Incident) => String(number) },
    { title: 'KIND', cell: ({ kind }: Incident) => kind },
    { title: 'SEVERITY', cell: severityOf },
    { title: 'STAGE', cell: ({ stage }: Incident) => oneLine(stage) },
    { title: 'STATUS', cell: standing },
    { title: 'ASSIGNED TO', keep: 2, cell: ({ assignee }: Incident) => oneLine(assignee ?? '') },
    {
      title: 'OPENED',
      keep: 1,
      cell: ({ openedAt }: Incident) => `${formatDate(openedAt)} (${formatElapsed(now - openedAt)} ago)`,
    },
  ];
  const rows = state.incidents;
  return {
    data: { rollout: state.id, incidents: rows },
    text:
      rows.length === 0
        ? `${state.id} has no incidents.`
        : renderTable<Incident>(
            { columns, rows, below: ({ reason }) => oneLine(reason) },
            session.width(),
            session.paint,
          ),
  };
}

async function showIncident(
  session: Session,
  number: number | undefined,
  { rollout, ...options }: ShowOptions,
): Promise<Outcome> {
  const client = session.client();
  const { state } = await findRollout(client, rollout);
  const newest = state.incidents.at(-1)?.number;
  if (number === undefined && newest === undefined) {
    return { data: { rollout: state.id, incident: null }, text: `${state.id} has no incidents.` };
  }
  const shown = number ?? newest ?? 1;
  const read = <F extends DocumentFormat>(format: F) => client.getIncident(state.id, shown, format);
  return documentOutcome(session, { rollout: state.id, number: shown }, read, options);
}

import { formatElapsed, type Incident } from '@rampart/rollout';
import type { Command } from 'commander';
import { findRollout } from '../find-rollout.ts';
import { formatDate } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { ordinal } from './arguments.ts';
import { act } from './rollout-action.ts';

type Of = { readonly rollout?: string };
type FixOptions = Of & { readonly reference?: string };

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
}

function addReading(incident: Command, { perform }: Shell): void {
  incident
    .command('list')
    .description('list the incidents of a rollout')
    .option(ROLLOUT, WHICH)
    .action(({ rollout }: Of, command: Command) => perform(command, (session) => listIncidents(session, rollout)));
  incident
    .command('show')
    .description('print the incident document, in Markdown')
    .argument('[number]', `${NUMBER}. Default: the newest`, ordinal)
    .option(ROLLOUT, WHICH)
    .action((number: number | undefined, { rollout }: Of, command: Command) =>
      perform(command, (session) => showIncident(session, number, rollout)),
    );
}

function addTriage(incident: Command, { perform }: Shell): void {
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
    .description('close an incident')
    .argument('<number>', NUMBER, ordinal)
    .option(ROLLOUT, WHICH)
    .action((number: number, { rollout }: Of, command: Command) =>
      perform(command, (session) => act(session, rollout, { type: 'ResolveIncident', incident: number })),
    );
}

function standing({ resolvedAt, fix, rootCause }: Incident): string {
  if (resolvedAt !== undefined) return 'resolved';
  if (fix !== undefined) return 'fixed';
  return rootCause === undefined ? 'open' : 'understood';
}

async function listIncidents(session: Session, rollout: string | undefined): Promise<Outcome> {
  const { state, now } = await findRollout(session.client(), rollout);
  const columns = [
    { title: 'INCIDENT', cell: ({ number }: Incident) => String(number) },
    { title: 'KIND', cell: ({ kind }: Incident) => kind },
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
  rollout: string | undefined,
): Promise<Outcome> {
  const client = session.client();
  const { state } = await findRollout(client, rollout);
  const newest = state.incidents.at(-1)?.number;
  if (number === undefined && newest === undefined) {
    return { data: { rollout: state.id, incident: null }, text: `${state.id} has no incidents.` };
  }
  const markdown = await client.getIncident(state.id, number ?? newest ?? 1);
  return { data: { rollout: state.id, number: number ?? newest, markdown }, text: markdown };
}

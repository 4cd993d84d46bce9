import type { Issue } from '@rampart/rollout';
import type { Command } from 'commander';
import { findRollout } from '../find-rollout.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { ordinal } from './arguments.ts';
import { act } from './rollout-action.ts';

type Of = { readonly rollout?: string };
type AddOptions = Of & { readonly severity: string; readonly link?: string };

const ROLLOUT = '--rollout <rollout>';
const WHICH = 'id, or key of the flag. Default: the only active one';
const SEVERITIES = ['critical', 'major', 'minor'] as const;
const CHANGES = [
  ['fix', 'fixed', 'say that an issue is fixed in this stage'],
  ['monitor', 'monitoring', 'say that an issue is watched'],
  ['close', 'closed', 'say that an issue needs nothing more'],
] as const;

/** Commands for what is found on the way. */
export function addIssueCommands(program: Command, { perform }: Shell): void {
  const issue = program
    .command('issue')
    .helpGroup('Follow up:')
    .description('issues found on the way; they stand in the report');
  const add = issue.command('add').description('record an issue');
  add
    .argument('<title>', 'what is wrong')
    .addOption(
      add
        .createOption('--severity <severity>', 'an open critical one blocks "No critical bugs"')
        .choices(SEVERITIES)
        .default('major'),
    )
    .option('--link <url>', 'where it is tracked')
    .option(ROLLOUT, WHICH)
    .action((title: string, options: AddOptions, command: Command) =>
      perform(command, (session) => addIssue(session, title, options)),
    );
  for (const [name, status, description] of CHANGES) {
    issue
      .command(name)
      .description(description)
      .argument('<number>', 'number of the issue', ordinal)
      .option(ROLLOUT, WHICH)
      .action((number: number, { rollout }: Of, command: Command) =>
        perform(command, (session) => act(session, rollout, { type: 'ChangeIssue', number, status })),
      );
  }
  issue
    .command('list')
    .description('list the issues of a rollout')
    .option(ROLLOUT, WHICH)
    .action(({ rollout }: Of, command: Command) => perform(command, (session) => listIssues(session, rollout)));
}

function addIssue(session: Session, title: string, { severity: given, link, rollout }: AddOptions): Promise<Outcome> {
  const severity = SEVERITIES.find((one) => one === given) ?? 'major';
  return act(session, rollout, { type: 'AddIssue', title, severity, ...(link === undefined ? {} : { link }) });
}

async function listIssues(session: Session, rollout: string | undefined): Promise<Outcome> {
  const { state } = await findRollout(session.client(), rollout);
  const columns = [
    { title: 'ISSUE', cell: ({ number }: Issue) => String(number) },
    { title: 'SEVERITY', cell: ({ severity }: Issue) => severity },
    { title: 'STATUS', cell: ({ status }: Issue) => status },
    { title: 'FOUND IN', keep: 2, cell: ({ stageFound }: Issue) => oneLine(stageFound) },
    { title: 'FIXED IN', keep: 1, cell: ({ stageFixed }: Issue) => oneLine(stageFixed ?? '') },
    { title: 'TITLE', keep: 3, cell: ({ title }: Issue) => oneLine(title) },
  ];
  const rows = state.issues;
  return {
    data: { rollout: state.id, issues: rows },
    text:
      rows.length === 0
        ? `${state.id} has no issues.`
        : renderTable<Issue>(
            { columns, rows, below: ({ link }) => oneLine(link ?? '') },
            session.width(),
            session.paint,
          ),
  };
}

import type { TrackerStatus } from '@rampart/api';
import type { Command } from 'commander';
import { formatMoment } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';

type Row = TrackerStatus['rollouts'][number];

/** Commands for the trackers of a server. */
export function addTrackerCommands(program: Command, { perform }: Shell): void {
  const tracker = program
    .command('tracker')
    .helpGroup('See what happens:')
    .description('issues that are kept of rollouts');
  tracker
    .command('status')
    .description('show the issue of each rollout, and how far its tracker has followed')
    .action((_: unknown, command: Command) =>
      perform(command, async (session) => shown(session, await session.client().getTrackers())),
    );
}

function shown(session: Session, status: TrackerStatus): Outcome {
  const { trackers, rollouts } = status;
  if (trackers.length === 0 && rollouts.length === 0)
    return {
      data: status,
      text: 'No tracker is set up. See trackers in the settings of `rampart serve --settings FILE`.',
    };
  const columns = [
    { title: 'FLAG', cell: ({ flag }: Row) => oneLine(flag) },
    { title: 'TRACKER', keep: 1, cell: ({ tracker }: Row) => oneLine(tracker) },
    { title: 'ISSUE', cell: ({ issue }: Row) => oneLine(issue?.key ?? 'none yet') },
    { title: 'PENDING', keep: 1, cell: ({ pending }: Row) => String(pending) },
    { title: 'URL', keep: 2, cell: ({ issue }: Row) => oneLine(issue?.url ?? '') },
  ];
  const names = `Trackers: ${trackers.map(({ name, kind }) => `${name} (${kind})`).join(', ') || 'none'}`;
  if (rollouts.length === 0) return { data: status, text: `${names}\nNo rollout names one in its plan.` };
  const table = renderTable<Row>({ columns, rows: rollouts }, session.width(), session.paint);
  return { data: status, text: [names, table, ...rollouts.flatMap(problemsOf)].join('\n') };
}

function problemsOf({ flag, error, refused }: Row): readonly string[] {
  const failed =
    error === undefined
      ? []
      : [`${flag}: ${error.why} (since ${formatMoment(error.at)}, again at ${formatMoment(error.nextAt)})`];
  return [
    ...failed,
    ...refused.map(({ what, version, why }) => `${flag}: ${what} of event ${version} was left out: ${why}`),
  ].map(oneLine);
}

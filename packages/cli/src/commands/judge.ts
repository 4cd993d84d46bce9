import { checkBody, clientCommandSchema } from '@rampart/api';
import { formatMeasured, type RolloutState, unitOf } from '@rampart/rollout';
import type { Command } from 'commander';
import { findRollout } from '../find-rollout.ts';
import { formatMoment } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import { readMapping } from '../read-mapping.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { act } from './rollout-action.ts';

type Of = { readonly rollout?: string };

const ROLLOUT = '--rollout <rollout>';
const WHICH = 'id, or key of the flag. Default: the only active one';

/** Commands for the judges of metrics. */
export function addJudgeCommands(program: Command, { perform }: Shell): void {
  const judge = program
    .command('judge')
    .helpGroup('Follow up:')
    .description('judges that score answers: whether their scores can be trusted');
  judge
    .command('calibrate')
    .summary('submit how a judge scored its golden set')
    .description(
      'Submits how the judge of a metric scored the golden set that the plan names. The file is a mapping in JSON or YAML: scores (a list of { item, score, label }; score null where the judge failed), and goldenSet, judge, cost where they are to be recorded.',
    )
    .argument('<metric>', 'metric whose judge it is')
    .argument('<file>', 'the scores; - for standard input')
    .option(ROLLOUT, WHICH)
    .action((metric: string, file: string, { rollout }: Of, command: Command) =>
      perform(command, (session) => calibrate(session, metric, file, rollout)),
    );
  judge
    .command('list')
    .description('list the judges of a plan, with their last calibration')
    .option(ROLLOUT, WHICH)
    .action(({ rollout }: Of, command: Command) => perform(command, (session) => listJudges(session, rollout)));
}

async function calibrate(
  session: Session,
  metric: string,
  file: string,
  rollout: string | undefined,
): Promise<Outcome> {
  const given = await readMapping(file, session.io);
  return act(session, rollout, ({ state }) => {
    const goldenSet = state.plan.judges?.[metric]?.goldenSet ?? 'none';
    return checkBody(clientCommandSchema, { goldenSet, ...given, type: 'CalibrateJudge', metric });
  });
}

type Row = { readonly metric: string; readonly goldenSet: string; readonly last: string; readonly state: string };

function rowsOf({ plan, judges = {} }: RolloutState): readonly Row[] {
  return Object.entries(plan.judges ?? {}).map(([metric, { goldenSet }]) => {
    const last = judges[metric]?.last;
    if (last === undefined) return { metric, goldenSet, last: 'never', state: 'not calibrated' };
    const unit = unitOf(metric, plan.metrics);
    const off = `off by ${formatMeasured(last.deviation, unit)} of ${formatMeasured(last.tolerance, unit)}`;
    return { metric, goldenSet, last: formatMoment(last.at), state: last.drifted ? `drifted, ${off}` : off };
  });
}

async function listJudges(session: Session, rollout: string | undefined): Promise<Outcome> {
  const { state } = await findRollout(session.client(), rollout);
  const columns = [
    { title: 'METRIC', cell: ({ metric }: Row) => metric },
    { title: 'GOLDEN SET', keep: 2, cell: ({ goldenSet }: Row) => oneLine(goldenSet) },
    { title: 'CALIBRATED', keep: 1, cell: ({ last }: Row) => last },
    { title: 'RESULT', keep: 3, cell: (row: Row) => row.state },
  ];
  const rows = rowsOf(state);
  return {
    data: { rollout: state.id, plan: state.plan.judges ?? {}, judges: state.judges ?? {} },
    text:
      rows.length === 0
        ? `The plan of ${state.id} has no judges.`
        : renderTable<Row>({ columns, rows }, session.width(), session.paint),
  };
}

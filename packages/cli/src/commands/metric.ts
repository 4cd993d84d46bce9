import type { MetricTestResult } from '@rampart/api';
import { formatElapsed, type Verdict } from '@rampart/rollout';
import type { Command } from 'commander';
import { findRollout } from '../find-rollout.ts';
import { loadPlan } from '../load-plan.ts';
import { formatCount, formatMoment, NOTHING } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { duration } from './arguments.ts';
import { refusedPlan } from './plan.ts';

type TestOptions = {
  readonly plan?: string;
  readonly rollout?: string;
  readonly stage?: string;
  readonly over?: number;
};

/** Commands about where metrics come from. */
export function addMetricCommands(program: Command, { perform }: Shell): void {
  const metric = program.command('metric').helpGroup('See what happens:').description('where metrics come from');
  metric
    .command('test')
    .summary('ask the source of a metric once, and see what it would mean')
    .description(
      'Asks the source of a metric once, through the server: the questions, the raw answers without secrets, what was counted in each arm, and what each check would say on it alone. Changes nothing. Exit code 1 when there is no value.',
    )
    .argument('<metric>', 'name of the metric in the plan')
    .option('--plan <file>', 'take a plan that is no rollout yet')
    .option('--rollout <rollout>', 'id, or key of the flag. Default: the only active rollout')
    .option('--stage <name>', 'judge for this stage. Default: the one it stands in, else the first')
    .option('--over <duration>', 'length of the interval, up to the newest data. Default: 10m', duration)
    .action((name: string, options: TestOptions, command: Command) =>
      perform(command, (session) => test(session, name, options)),
    );
}

async function test(session: Session, metric: string, { plan, rollout, stage, over }: TestOptions): Promise<Outcome> {
  const more = { ...(stage !== undefined && { stage }), ...(over !== undefined && { overMs: over }) };
  const client = session.client();
  if (plan === undefined) {
    const { state } = await findRollout(client, rollout);
    return outcomeOf(session, await client.testMetric({ metric, rollout: state.id, ...more }));
  }
  const loaded = await loadPlan(plan, session.io);
  if (!loaded.result.ok) return refusedPlan(session, loaded, loaded.result.issues);
  return outcomeOf(session, await client.testMetric({ metric, text: loaded.text, file: plan, ...more }));
}

function outcomeOf(session: Session, result: MetricTestResult): Outcome {
  const { paint } = session;
  const { metric, source, stage, fromAt, toAt, exchanges, outcome, message, newestAt, warnings } = result;
  const isValue = outcome === 'value';
  const newest = newestAt === undefined ? '' : `, newest data of ${formatMoment(newestAt)}`;
  const said = isValue ? paint.green('value') : paint.red(outcome);
  const questions = exchanges.map(({ asked, answered }) => `${paint.dim(asked)}\n${answered}`);
  const text = [
    `${paint.bold(metric)} from ${source}, ${formatMoment(fromAt)} to ${formatMoment(toAt)} (${formatElapsed(toAt - fromAt)}), for stage ${oneLine(stage)}`,
    ...section(paint.bold('Asked and answered'), questions.join('\n\n')),
    `${paint.bold('Outcome')}: ${said}${newest}${message === undefined ? '' : `: ${message}`}`,
    ...warnings.map((warning) => paint.yellow(`warning: ${warning}`)),
    ...section(paint.bold('Counted'), countedTable(result, session)),
    ...section(paint.bold('Checks on this alone'), verdictsTable(result, session)),
  ].join('\n\n');
  return { data: result, text, exitCode: isValue ? 0 : 1 };
}

type Arm = MetricTestResult['arms'][number];

function section(title: string, body: string): readonly string[] {
  return body === '' ? [] : [`${title}\n${body}`];
}

function countedTable({ arms, occurrences }: MetricTestResult, { width, paint }: Session): string {
  const columns = [
    { title: 'arm', cell: (one: Arm) => one.arm },
    { title: 'count', cell: (one: Arm) => formatCount(one.count) },
    { title: 'sum', cell: (one: Arm) => String(one.sum) },
    {
      title: 'average',
      cell: ({ average }: Arm) => (average === undefined ? NOTHING : String(Number(average.toPrecision(6)))),
    },
    { title: 'users', cell: (one: Arm) => (one.userBuckets === 0 ? 'unknown' : `${one.userBuckets} buckets`) },
  ];
  const table = arms.length === 0 ? '' : renderTable({ columns, rows: arms }, width(), paint);
  return [table, ...(occurrences > 0 ? [`${occurrences} occurrences of everyone`] : [])].filter(Boolean).join('\n');
}

function verdictsTable({ verdicts }: MetricTestResult, { width, paint }: Session): string {
  const columns = [
    { title: 'check', cell: (one: Verdict) => one.tier },
    { title: 'limit', cell: (one: Verdict) => one.limit },
    { title: 'verdict', cell: (one: Verdict) => one.status },
  ];
  const below = ({ note, wouldChange }: Verdict) => oneLine(note ?? wouldChange);
  return verdicts.length === 0 ? '' : renderTable({ columns, rows: verdicts, below }, width(), paint);
}

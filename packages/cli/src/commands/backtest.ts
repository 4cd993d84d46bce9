import { prometheusHistory } from '@rampart/connectors';
import type { KnownIncident } from '@rampart/rollout';
import type { Command } from 'commander';
import { backtestHistory, type HistoryQuestion } from '../backtest/history-backtest.ts';
import { renderHistoryBacktest } from '../backtest/history-page.ts';
import {
  instantOf,
  lengthOrNone,
  type Moment,
  type MomentRange,
  moment,
  momentRanges,
  step,
} from '../backtest/history-range.ts';
import { openProgress } from '../backtest/progress.ts';
import { prometheusAccess } from '../backtest/prometheus-access.ts';
import { backtestRollout } from '../backtest/read-evidence.ts';
import { decidesOtherwise, renderRolloutBacktest } from '../backtest/rollout-page.ts';
import { CliError } from '../cli-error.ts';
import { findRollout } from '../find-rollout.ts';
import { loadPlan } from '../load-plan.ts';
import { formatDate } from '../output/format.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { numberBetween, several } from './arguments.ts';
import { refusedPlan } from './plan.ts';

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;
/** Share exposed where a history tells variants apart and nothing is said, percent. */
const EVEN_SPLIT = 50;

/** Why a plan that would be refused for going too fast may be tried here. */
const NOBODY = 'a backtest exposes nobody';

type Options = {
  readonly plan?: string;
  readonly failOnDifference?: boolean;
  readonly prometheus?: string;
  readonly from?: Moment;
  readonly to?: Moment;
  readonly step?: number;
  readonly baseline?: number;
  readonly split?: number;
  readonly incident?: readonly MomentRange[];
  readonly header?: readonly string[];
};

/** The command that holds a plan against what has happened already. */
export function addBacktestCommand(program: Command, { perform }: Shell): void {
  program
    .command('backtest')
    .helpGroup('Plans:')
    .summary('run a plan over recorded evidence: when would it have aborted?')
    .description(
      'Runs a rollout again over its own evidence and shows that every decision comes out the same; with --plan, what an edited plan would have decided. With --prometheus, holds a plan against recorded history.',
    )
    .argument('[rollout]', 'id, or key of the flag (its newest rollout). Default: the only active one')
    .option('--plan <file>', 'edited plan, or with --prometheus the plan, as for validate')
    .option(
      '--fail-on-difference',
      'exit code 1 when a decision comes out otherwise, or aborts do under the edited plan; over a history on a false alarm, an incident not found, or when nothing was judged',
    )
    .option('--prometheus <url>', 'read the metrics with source: prometheus from there')
    .option('--from <moment>', 'beginning of the history: a date (UTC), or how long ago, such as 30d', moment)
    .option('--to <moment>', 'its end. Default: now', moment)
    .option('--step <duration>', 'length of one batch, 15s to 5m. Default: 1m', step)
    .option(
      '--baseline <duration>',
      'first part of the history, frozen as baseline; 0: none. Default: 7d',
      lengthOrNone,
    )
    .option(
      '--split <percent>',
      'share that saw the new variant, where metrics have arm. Default: 50',
      numberBetween(0.001, 99.999),
    )
    .option('--incident <from..to>', 'time in which something was really wrong; may be repeated', momentRanges)
    .option('--header <line>', 'header for Prometheus, "Name: value"; may be repeated', several)
    .action((name: string | undefined, options: Options, command: Command) =>
      perform(command, (session) =>
        options.prometheus === undefined
          ? ofRollout(session, name, options)
          : ofHistory(session, name, { ...options, prometheus: options.prometheus }),
      ),
    );
}

async function ofRollout(session: Session, name: string | undefined, options: Options): Promise<Outcome> {
  if (options.from !== undefined)
    throw new CliError('USAGE', '--from belongs to --prometheus: a rollout is run again as a whole.');
  const client = session.client();
  const { state } = await findRollout(client, name);
  const { timeScale } = state.plan;
  const loaded =
    options.plan === undefined ? undefined : await loadPlan(options.plan, session.io, { timeScale, override: NOBODY });
  if (loaded?.result.ok === false) return refusedPlan(session, loaded, loaded.result.issues);
  const edited = loaded?.result.ok ? loaded.result.plan : undefined;
  const result = await backtestRollout(client, state.id, edited, openProgress(session, `evidence of ${state.id}`));
  const differs = result.replay.differences.length > 0 || decidesOtherwise(result);
  const file = options.plan === undefined ? {} : { file: options.plan };
  const { state: _state, ...replay } = result.replay;
  const otherFlag = edited !== undefined && edited.flag !== state.plan.flag ? { otherFlag: edited.flag } : {};
  return {
    data: { rollout: state.id, ...file, ...otherFlag, differs, ...result, replay },
    text: renderRolloutBacktest(
      { id: state.id, result, ...file, ...(edited && { edited }) },
      session.width(),
      session.paint,
    ),
    exitCode: options.failOnDifference && differs ? 1 : 0,
  };
}

type HistoryOptions = Options & { readonly prometheus: string };

async function ofHistory(session: Session, name: string | undefined, options: HistoryOptions): Promise<Outcome> {
  if (name !== undefined) throw new CliError('USAGE', 'Name a rollout or --prometheus, not both.');
  if (options.plan === undefined) throw new CliError('USAGE', '--prometheus needs a plan: --plan FILE.');
  if (options.from === undefined) throw new CliError('USAGE', '--prometheus needs a beginning: --from 30d, or a date.');
  const source = prometheusHistory(prometheusAccess(options.prometheus, options.header ?? [], session.io));
  const loaded = await loadPlan(options.plan, session.io, { override: NOBODY });
  if (!loaded.result.ok) return refusedPlan(session, loaded, loaded.result.issues);
  const now = session.io.now();
  const question: HistoryQuestion = {
    plan: loaded.result.plan,
    fromAt: instantOf(options.from, now),
    toAt: options.to === undefined ? now : instantOf(options.to, now),
    stepMs: options.step ?? MINUTE_MS,
    baselineMs: options.baseline ?? WEEK_MS,
    split: Math.round((options.split ?? EVEN_SPLIT) * 1000),
    incidents: (options.incident ?? []).map((range) => incidentOf(range, now)),
  };
  const finding = await backtestHistory(source, question, openProgress(session, 'history'));
  const { plan: _plan, ...asked } = question;
  const found =
    finding.result.aborts.some(({ isFalse }) => isFalse) ||
    finding.result.incidents.some((one) => one.abortedAt === undefined);
  return {
    data: {
      flag: question.plan.flag,
      file: options.plan,
      ...asked,
      ...finding,
      elsewhere: finding.elsewhere.map((one) => one.name),
    },
    text: renderHistoryBacktest({ question, finding }, session.width(), session.paint),
    exitCode: options.failOnDifference && (found || !finding.isJudged) ? 1 : 0,
  };
}

function incidentOf({ from, to }: MomentRange, now: number): KnownIncident {
  const [fromAt, toAt] = [instantOf(from, now), instantOf(to, now)];
  if (toAt > fromAt) return { fromAt, toAt };
  const [begin, end] = [fromAt, toAt].map(formatDate);
  throw new CliError('USAGE', `--incident: received ${begin} to ${end}; its end must be after its begin.`);
}

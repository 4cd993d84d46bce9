import { HistoryError, type HistorySource, historySteps } from '@rampart/connectors';
import { type HistoryResult, type KnownIncident, type Metric, openHistoryTrial, type Plan } from '@rampart/rollout';
import { CliError } from '../cli-error.ts';
import { formatLength } from '../output/format.ts';
import type { Progress } from './progress.ts';

/** A range of history to hold a plan against. Instants are epoch milliseconds. */
export type HistoryQuestion = {
  readonly plan: Plan;
  readonly fromAt: number;
  readonly toAt: number;
  readonly stepMs: number;
  readonly baselineMs: number;
  /** Thousandths of a percent. */
  readonly split: number;
  readonly incidents: readonly KnownIncident[];
};

/** What came of it. */
export type HistoryFinding = {
  readonly result: HistoryResult;
  /** Metrics of the plan that the source was asked for, and those of them without any observation. */
  readonly asked: readonly string[];
  readonly unseen: readonly string[];
  /** Metrics that checks of the plan need and that come from elsewhere. */
  readonly elsewhere: readonly Metric[];
  /** Whether the history tells variants apart. */
  readonly hasArms: boolean;
  readonly warnings: readonly string[];
  /** Whether any check had the evidence to say anything at all. */
  readonly isJudged: boolean;
};

/** Steps read at once: some MB of answer for a hundred series. */
const PART_STEPS = 1_000;

/** Metrics that checks of a plan look at. */
function watched(plan: Plan): readonly Metric[] {
  const checks = [...plan.abortCriteria, ...plan.stages.flatMap(({ gate }) => gate), ...(plan.killSwitch?.trips ?? [])];
  const names = new Set(checks.map(({ metric }) => metric));
  return Object.values(plan.metrics).filter(({ name }) => names.has(name));
}

/** Statuses that rest on evidence. */
const SAYS_SOMETHING: ReadonlySet<string> = new Set(['pass', 'fail', 'inconclusive']);

/**
 * Reads the history part by part and holds the plan against it. Throws `USAGE` for a range without anything to judge,
 * `NOTHING_TO_BACKTEST`, `HISTORY_UNREACHABLE`, `HISTORY_UNREADABLE`.
 */
export async function backtestHistory(
  source: HistorySource,
  question: HistoryQuestion,
  progress: Progress,
): Promise<HistoryFinding> {
  const { plan, stepMs } = question;
  const metrics = Object.values(plan.metrics).filter((metric) => metric.source === source.name);
  if (metrics.length === 0) {
    throw new CliError('NOTHING_TO_BACKTEST', `No metric of the plan for ${plan.flag} has source: ${source.name}.`);
  }
  const hasLabel = metrics.some(({ binding }) => binding.arm !== undefined);
  const { baselineMs, incidents, split } = question;
  const trial = openHistoryTrial(plan, { baselineMs, incidents, ...(hasLabel && { split }) });
  const { fromAt, toAt } = onGrid(question);
  const { treatment, control } = plan;
  const seen = { metrics: new Set<string>(), warnings: new Set<string>(), hasArms: false };
  const range = { metrics, treatment, control, fromAt, toAt, stepMs, partSteps: PART_STEPS };
  try {
    for await (const part of historySteps(source, range)) {
      for (const step of part.steps) trial.feed(step);
      for (const name of part.metrics) seen.metrics.add(name);
      for (const warning of part.warnings) seen.warnings.add(warning);
      seen.hasArms ||= part.steps.some(({ series }) => series.some(({ arm }) => arm !== undefined));
      progress.show((part.toAt - fromAt) / (toAt - fromAt));
    }
  } catch (cause) {
    if (!(cause instanceof HistoryError)) throw cause;
    const code = cause.isUnreachable ? 'HISTORY_UNREACHABLE' : 'HISTORY_UNREADABLE';
    throw new CliError(code, `${cause.message}.`, { cause });
  }
  progress.end();
  const asked = metrics.map(({ name }) => name);
  const result = trial.finish();
  return {
    result,
    asked,
    unseen: asked.filter((name) => !seen.metrics.has(name)),
    isJudged: result.checks.some((check) => seen.metrics.has(check.metric) && SAYS_SOMETHING.has(check.furthest)),
    elsewhere: watched(plan).filter((metric) => metric.source !== source.name),
    hasArms: seen.hasArms,
    warnings: [...seen.warnings],
  };
}

/** The range on whole steps, so that the same history is read the same way whenever it is asked for. */
function onGrid({ fromAt, toAt, stepMs, baselineMs }: HistoryQuestion): {
  readonly fromAt: number;
  readonly toAt: number;
} {
  const [from, to] = [Math.floor(fromAt / stepMs) * stepMs, Math.floor(toAt / stepMs) * stepMs];
  if (to <= from) throw new CliError('USAGE', '--from must be at least one step before --to.');
  if (to - from > baselineMs) return { fromAt: from, toAt: to };
  const [range, baseline] = [to - from, baselineMs].map(formatLength);
  throw new CliError(
    'USAGE',
    `The range is ${range}, and the first ${baseline} of it are the baseline, in which nothing is judged. Give an earlier --from, or a shorter --baseline (0: none).`,
  );
}

import type { Metric, MetricJudge, MetricUnit, Plan } from '../plan.ts';
import { ALERTS } from './alert-criterion.ts';
import { parseAmount, parsePercent, parsePlain } from './amount.ts';
import { type Decimal, decimalToNumber } from './decimal.ts';
import { HOUR_MS } from './duration.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';
import { suggest } from './nearest.ts';
import type { RawJudge, RawPlan } from './plan-schema.ts';
import type { KnownMetrics } from './read-metrics.ts';
import { readDuration, readName } from './read-values.ts';

const DEFAULT_ITEMS = 30;
/** Kinds of metrics that are scores of single answers, which is what a judge gives. */
const SCORED: readonly Metric['kind'][] = ['proportion', 'mean', 'ratio'];

/** A score is written as a plain number or a percentage; a dollar amount only as dollars or a plain number. */
function amountOf(written: number | string, unit: MetricUnit): Decimal | undefined {
  const text = String(written).trim();
  const plain = parsePlain(text);
  if (plain !== undefined) return plain;
  return unit === 'USD' ? parseAmount(text, 'USD') : parsePercent(text);
}

function readAmount(
  written: number | string,
  unit: MetricUnit,
  path: PlanPath,
  example: string,
  log: IssueLog,
): number {
  const amount = amountOf(written, unit);
  if (amount === undefined) {
    log.error('invalid-judge', path, `received ${JSON.stringify(written)}; write ${example}`);
    return 0;
  }
  return decimalToNumber(amount);
}

/** Scores of these units lie between 0 and 1: a mean beyond, or a tolerance as wide as all of it, would find no drift. */
const SCORE_UNITS: readonly MetricUnit[] = ['ratio', 'score'];

function refuseBeyondScores(amount: number, written: number | string, unit: MetricUnit, path: PlanPath, log: IssueLog) {
  if (!SCORE_UNITS.includes(unit) || (amount >= 0 && amount <= 1)) return;
  const message = `received ${JSON.stringify(written)}; scores lie between 0 and 1: write a number such as 0.03, or 3%`;
  log.error('invalid-judge', path, message);
}

function readTolerance(raw: RawJudge, unit: MetricUnit, path: PlanPath, log: IssueLog): number {
  const tolerance = readAmount(raw.tolerance, unit, path, 'a number such as 0.03, or 3%', log);
  refuseBeyondScores(tolerance, raw.tolerance, unit, path, log);
  if (tolerance < 0 && !SCORE_UNITS.includes(unit)) {
    log.error('invalid-judge', path, `received ${JSON.stringify(raw.tolerance)}; a tolerance is 0 or above`);
  }
  return tolerance;
}

function readExpected(raw: RawJudge, unit: MetricUnit, path: PlanPath, log: IssueLog): MetricJudge['expected'] {
  if (raw.expected === 'labels') return 'labels';
  const expected = readAmount(raw.expected, unit, path, 'a mean score such as 0.92 or 40%, or labels', log);
  refuseBeyondScores(expected, raw.expected, unit, path, log);
  return expected;
}

function readBudget(raw: RawJudge, path: PlanPath, log: IssueLog): Pick<MetricJudge, 'budget'> {
  if (raw.budget === undefined) return {};
  const budget = readAmount(raw.budget, 'USD', path, 'dollars such as $20', log);
  if (budget < 0) log.error('invalid-judge', path, `received ${JSON.stringify(raw.budget)}; a budget is $0 or above`);
  return { budget };
}

function readJudge(metric: Metric, raw: RawJudge, path: PlanPath, log: IssueLog): MetricJudge {
  const { unit } = metric;
  const expected = readExpected(raw, unit, [...path, 'expected'], log);
  return {
    goldenSet: readName(raw.goldenSet, [...path, 'goldenSet'], log),
    items: raw.items ?? DEFAULT_ITEMS,
    expected,
    tolerance: readTolerance(raw, unit, [...path, 'tolerance'], log),
    maxAgeMs: readDuration(raw.maxAge, 24 * HOUR_MS, [...path, 'maxAge'], log),
    ...readBudget(raw, [...path, 'budget'], log),
  };
}

/** The judges of a plan, by the metric they score: only metrics that the plan uses, and that are scores of single answers. */
export function readJudges(
  raw: RawPlan['judges'],
  used: readonly Metric[],
  known: KnownMetrics,
  log: IssueLog,
): Pick<Plan, 'judges'> {
  if (raw === undefined) return {};
  const judges: Record<string, MetricJudge> = {};
  const names = [...known.values()].filter(({ source }) => source !== ALERTS).map((metric) => metric.name);
  for (const [name, entry] of Object.entries(raw)) {
    const path = ['judges', name];
    const metric = known.get(name);
    if (metric === undefined) {
      log.error('unknown-metric', path, `no metric is named ${JSON.stringify(name)}; ${suggest(name, names)}`, 'key');
    } else if (!used.includes(metric)) {
      log.error(
        'invalid-judge',
        path,
        `no check of the plan uses ${name}, so there is nothing to judge; remove it`,
        'key',
      );
    } else if (!SCORED.includes(metric.kind)) {
      log.error('invalid-judge', path, `${name} is a ${metric.kind}, not a score of single answers; remove it`, 'key');
    } else judges[name] = readJudge(metric, entry, path, log);
  }
  return { judges };
}

import type { Metric } from '@rampart/rollout';
import { ConnectorError } from './connector-error.ts';
import { type CounterMemory, type Increment, incrementsOf, presence } from './counter-increments.ts';
import { logBinsOf } from './histogram-bins.ts';
import type { HistoryAnswer, HistoryPoint, HistoryQuery, HistorySource } from './ports.ts';
import {
  type PrometheusConnection,
  type PrometheusRange,
  type PrometheusSeries,
  queryRange,
} from './prometheus-api.ts';
import { type PrometheusBinding, readPrometheusBinding } from './prometheus-binding.ts';

/** Name of the source in a plan. */
export const PROMETHEUS = 'prometheus';
/** Instants that one query may ask for: below the 11 000 that Prometheus allows. */
const MOST_STEPS = 10_000;

type Arm = HistoryPoint['arm'];

/** Growth of some counters, summed by step, arm and, for a histogram, upper edge. */
type Sums = Map<number, Map<Arm, Map<number, number>>>;

/** Edge of counters that are no histogram. */
const NO_EDGE = 0;
/** Answer where nothing is asked. */
const NOTHING: PrometheusRange = { ok: true, series: [], warnings: [] };

/** Recorded history of a Prometheus, or of what speaks its API: growth of counters, step by step. */
export function prometheusHistory(connection: PrometheusConnection): HistorySource {
  return {
    name: PROMETHEUS,
    async *read(query) {
      const bound = bindingOf(query.metric);
      if ('message' in bound) return yield { kind: 'error', ...bound };
      const found = await findsArms(connection, query, bound);
      if (typeof found === 'object') return yield { kind: 'error', ...found };
      const { arm, ...selectors } = bound;
      const binding = found ? bound : selectors;
      const memories: Memories = { total: new Map(), sum: new Map(), sumSquares: new Map() };
      const partMs = Math.min(query.partSteps, MOST_STEPS) * query.stepMs;
      for (let fromAt = query.fromAt; fromAt < query.toAt; fromAt += partMs) {
        const toAt = Math.min(query.toAt, fromAt + partMs);
        const answer = await readPart(connection, { ...query, fromAt, toAt }, binding, memories);
        yield answer;
        if (answer.kind === 'error') return;
      }
    },
  };
}

/** Where the counters of each selector stood at the end of the part before. */
type Memories = Readonly<Record<'total' | 'sum' | 'sumSquares', CounterMemory>>;

function bindingOf(metric: Metric): PrometheusBinding | { readonly message: string } {
  try {
    return readPrometheusBinding(metric);
  } catch (error) {
    if (error instanceof ConnectorError) return { message: error.message };
    throw error;
  }
}

/** A part is asked for from the end of the one before it, so that no growth falls between two. */
async function readPart(
  connection: PrometheusConnection,
  { metric, treatment, control, fromAt, toAt, stepMs, signal }: HistoryQuery,
  binding: PrometheusBinding,
  memories: Memories,
): Promise<HistoryAnswer> {
  const ask = (query: string | undefined) =>
    query === undefined
      ? NOTHING
      : queryRange(connection, { query, fromAt, toAt, stepMs }, { ...(signal && { signal }) });
  const answers = await Promise.all([ask(binding.total), ask(binding.sum), ask(binding.sumSquares)]);
  const failed = answers.find((answer) => !answer.ok);
  if (failed?.ok === false) return { kind: 'error', ...failureOf(metric, failed) };
  const [total = [], sum = [], sumSquares = []] = answers.map((answer) => (answer.ok ? answer.series : []));
  const warnings = answers.flatMap((answer) => (answer.ok ? answer.warnings : []));
  const wasThere = presence(total, stepMs);
  const armFor = (one: PrometheusSeries) => armOf(one, binding.arm, { treatment, control });
  const sums = (series: readonly PrometheusSeries[], memory: CounterMemory) =>
    sumUp(series, (one) => incrementsOf(one, memory, wasThere), armFor, metric.kind === 'quantile');
  const parts = {
    total: sums(total, memories.total),
    sum: sums(sum, memories.sum),
    sumSquares: sums(sumSquares, memories.sumSquares),
  };
  const points = pointsOf(metric, parts, warnings);
  return points.length === 0 ? { kind: 'no-data' } : { kind: 'value', points, warnings };
}

type Failure = { readonly message: string; readonly isUnreachable?: boolean };

/** Where nothing answers at all, the metric is not to blame. */
function failureOf(metric: Metric, { message, isUnreachable }: Failure): Failure {
  return isUnreachable ? { message, isUnreachable } : { message: `metrics.${metric.name}: ${message}` };
}

/** Instants at which the whole range is asked whether it tells variants apart. */
const ARM_LOOKS = 1_000;

/**
 * Whether the new variant is in the history at all, by its label: without it there are no arms, and all that is counted
 * is taken as exposed. Asked of the whole range, so that every part of it is read the same way.
 */
async function findsArms(
  connection: PrometheusConnection,
  { metric, treatment, fromAt, toAt, stepMs, signal }: HistoryQuery,
  { total, arm }: PrometheusBinding,
): Promise<boolean | Failure> {
  if (arm === undefined) return false;
  const looks = Math.max(1, Math.ceil((toAt - fromAt) / stepMs / ARM_LOOKS));
  const query = `group by (${arm}) (${total})`;
  const range = { query, fromAt, toAt, stepMs: looks * stepMs };
  const answer = await queryRange(connection, range, { ...(signal && { signal }) });
  if (!answer.ok) return failureOf(metric, answer);
  return answer.series.some(({ labels }) => labels[arm] === treatment);
}

/** Arm of a series; `null` for one of neither variant, or without the label where others have it: it is no part of the split. */
function armOf(
  { labels }: PrometheusSeries,
  label: string | undefined,
  { treatment, control }: Pick<HistoryQuery, 'treatment' | 'control'>,
): Arm | null {
  if (label === undefined) return undefined;
  const variant = labels[label];
  if (variant === treatment) return 'treatment';
  return variant === control ? 'control' : null;
}

function sumUp(
  series: readonly PrometheusSeries[],
  growthOf: (series: PrometheusSeries) => readonly Increment[],
  armFor: (series: PrometheusSeries) => Arm | null,
  hasEdges: boolean,
): Sums {
  const sums: Sums = new Map();
  for (const one of series) {
    const arm = armFor(one);
    if (arm === null) continue;
    const edge = hasEdges ? Number(one.labels.le?.replace('+Inf', 'Infinity')) : NO_EDGE;
    for (const { at, by } of growthOf(one)) {
      const arms = sums.get(at) ?? new Map<Arm, Map<number, number>>();
      const edges = arms.get(arm) ?? new Map<number, number>();
      edges.set(edge, (edges.get(edge) ?? 0) + by);
      sums.set(at, arms.set(arm, edges));
    }
  }
  return sums;
}

type Parts = Readonly<Record<keyof Memories, Sums>>;

function pointsOf(metric: Metric, parts: Parts, warnings: string[]): readonly HistoryPoint[] {
  const instants = [...parts.total.keys()].sort((one, other) => one - other);
  return instants.flatMap((at) =>
    [...(parts.total.get(at) ?? [])].flatMap(([arm, edges]) => {
      const of = (sums: Sums) => sums.get(at)?.get(arm)?.get(NO_EDGE) ?? 0;
      const place = { metric: metric.name, at, ...(arm !== undefined && { arm }) };
      if (metric.kind === 'quantile') return quantilePoint(place, edges);
      const count = edges.get(NO_EDGE) ?? 0;
      if (metric.kind !== 'proportion')
        return [{ ...place, count, sum: of(parts.sum), sumSquares: of(parts.sumSquares) }];
      const bad = of(parts.sum);
      if (bad > count)
        note(warnings, `metrics.${metric.name}: bad grew faster than total in some steps; taken as all bad`);
      return [{ ...place, count, sum: Math.min(bad, count), sumSquares: Math.min(bad, count) }];
    }),
  );
}

function note(warnings: string[], warning: string): void {
  if (!warnings.includes(warning)) warnings.push(warning);
}

/** All observations are those up to the highest edge. Their sum is not asked for: a quantile does not need it. */
function quantilePoint(
  place: Pick<HistoryPoint, 'metric' | 'at' | 'arm'>,
  edges: ReadonlyMap<number, number>,
): readonly HistoryPoint[] {
  const bins = logBinsOf(edges);
  const count = bins.reduce((sum, [, n]) => sum + n, 0);
  return count === 0 ? [] : [{ ...place, count, sum: 0, sumSquares: 0, bins }];
}

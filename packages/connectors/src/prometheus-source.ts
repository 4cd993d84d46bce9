import type { EvidenceSeries, Metric, Occurrence } from '@rampart/rollout';
import { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import type { Increment } from './counter-increments.ts';
import { httpAccessSchema, openHttpAccess } from './http-access.ts';
import type { MetricQuery, MetricSource, SourceAnswer } from './ports.ts';
import {
  type PrometheusConnection,
  type PrometheusFailure,
  type PrometheusSeries,
  queryInstant,
} from './prometheus-api.ts';
import { type PrometheusBinding, readPrometheusBinding } from './prometheus-binding.ts';
import { type Cells, newCells, seriesOfCells } from './prometheus-cells.ts';
import { prometheusHistory } from './prometheus-history.ts';
import { endedAt, growthIn, newestOf, samplesOf } from './prometheus-samples.ts';
import type { SourceDeps } from './source-deps.ts';

/** Settings of a source of kind `prometheus`. `params` go with every query. */
export const prometheusSettingsSchema = httpAccessSchema.extend({
  params: z.record(z.string(), z.string()).optional(),
});

/** A source of its settings. @throws ConnectorError `URL_REFUSED`, `SECRET_INVALID`, `SOURCE_INVALID` */
export function openPrometheusSource(
  { params, ...settings }: z.output<typeof prometheusSettingsSchema>,
  deps: SourceDeps,
): MetricSource {
  const connection = { ...openHttpAccess(settings, deps), ...(params && { params }), now: Date.now };
  return { ...prometheusSource(connection, deps.name), history: prometheusHistory(connection) };
}

/** Share of the split at which everyone is treatment, in thousandths of a percent. */
const EVERYONE = 100_000;

/**
 * A live Prometheus, or what speaks its API (Mimir, Thanos, VictoriaMetrics): growth of counters between two instants, from
 * the samples themselves, so that an interval and the next add up to both of them.
 */
export function prometheusSource(connection: PrometheusConnection, name: string): MetricSource {
  return {
    name,
    async probe(query, signal) {
      const answer = await queryInstant(connection, { query, at: Date.now() }, { ...(signal && { signal }) });
      if (!answer.ok) return { kind: 'error', message: answer.message };
      return answer.series.length === 0 ? { kind: 'no-data' } : { kind: 'value', series: answer.series.length };
    },
    async read(query) {
      try {
        return await answerOf(connection, query, readPrometheusBinding(query.metric));
      } catch (error) {
        if (error instanceof ConnectorError) return { kind: 'error', message: error.message };
        const kind = error instanceof Error ? error.name : typeof error;
        return { kind: 'error', message: `metrics.${query.metric.name}: reading it failed unexpectedly (${kind})` };
      }
    },
  };
}

type Arm = EvidenceSeries['arm'];
/** Selectors of a binding, by what they count. */
const PARTS = ['total', 'sum', 'sumSquares'] as const;
type Growth = Readonly<Record<(typeof PARTS)[number], ReadonlyMap<PrometheusSeries, readonly Increment[]>>>;

async function answerOf(
  connection: PrometheusConnection,
  query: MetricQuery,
  binding: PrometheusBinding,
): Promise<SourceAnswer> {
  const { metric, stratum, isUniform = stratum === 0 || stratum === EVERYONE } = query;
  if (binding.arm === undefined && !isUniform && metric.kind !== 'count') {
    const message = `metrics.${metric.name}: some see the new variant and some the old, and without arm (the label of the variant) these are the numbers of both; add it`;
    return { kind: 'error', message };
  }
  const asking = { ...query, takesHistograms: metric.kind === 'quantile' };
  const sampled = await Promise.all(PARTS.map((part) => samplesOf(connection, binding[part], query, asking)));
  const failed = sampled.find((one) => !one.ok);
  if (failed?.ok === false) return errorOf(metric, failed);
  const [total = [], sum = [], sumSquares = []] = sampled.map((one) => (one.ok ? one.series : []));
  const newestAt = newestOf(total);
  if (newestAt === undefined) return silence(connection, query, binding.total);
  if (newestAt <= query.fromAt) return { kind: 'stale', newestAt };
  const wasThere = total.some(({ samples }) => (samples[0]?.[0] ?? query.toAt) <= query.fromAt);
  const grown = await growthOf(connection, query, binding, { total, sum, sumSquares }, wasThere);
  return 'ok' in grown ? errorOf(metric, grown) : countedBy(query, binding, grown, newestAt);
}

function errorOf(metric: Metric, { message, isUnreachable, reason, retryAfterMs }: PrometheusFailure): SourceAnswer {
  // Of the server as a whole: the metric is not to blame.
  if (isUnreachable) return { kind: 'error', message, reason: 'unreachable' };
  if (reason === 'throttled')
    return { kind: 'error', message, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  return { kind: 'error', message: `metrics.${metric.name}: ${message}`, ...(reason && { reason }) };
}

async function silence(connection: PrometheusConnection, query: MetricQuery, total: string): Promise<SourceAnswer> {
  const ended = await endedAt(connection, total, query.fromAt, query);
  if (!ended.ok) return errorOf(query.metric, ended);
  return ended.at === undefined ? { kind: 'no-data' } : { kind: 'stale', newestAt: ended.at };
}

async function growthOf(
  connection: PrometheusConnection,
  query: MetricQuery,
  binding: PrometheusBinding,
  series: Readonly<Record<(typeof PARTS)[number], readonly PrometheusSeries[]>>,
  wasThere: boolean,
): Promise<Growth | PrometheusFailure> {
  const of = (part: (typeof PARTS)[number]) =>
    growthIn(connection, binding[part], series[part], { ...query, wasThere }, query);
  const [total, sum, sumSquares] = await Promise.all([of('total'), of('sum'), of('sumSquares')]);
  if (!total.ok) return total;
  if (!sum.ok) return sum;
  return sumSquares.ok ? { total: total.growth, sum: sum.growth, sumSquares: sumSquares.growth } : sumSquares;
}

/** Label value of units that an audience placed, not the split; a variant's name otherwise. */
const TARGETED = 'targeted';

/** Arm of a series; `null` for one that is no part of the rollout. While nobody is exposed, all are control but the treated. */
function armOf({ labels }: PrometheusSeries, label: string | undefined, query: MetricQuery): Arm | null {
  const variant = label === undefined ? undefined : labels[label];
  if (query.stratum === 0) return variant === query.treatment || variant === TARGETED ? null : 'control';
  if (label === undefined || variant === query.treatment) return 'treatment';
  if (variant === TARGETED) return 'targeted';
  return variant === query.control ? 'control' : null;
}

function countedBy(query: MetricQuery, binding: PrometheusBinding, growth: Growth, newestAt: number): SourceAnswer {
  const { metric } = query;
  const { cells, strays } = addedUp(query, binding, growth);
  const problem = contradictionIn(metric, cells);
  if (problem !== undefined)
    return { kind: 'error', reason: 'contradictory', message: `metrics.${metric.name}: ${problem}` };
  const isEveryones = metric.kind === 'count' && binding.arm === undefined;
  const warnings =
    strays > 0 ? [`metrics.${metric.name}: variant ${query.treatment} is counted while nobody is exposed`] : [];
  return {
    kind: 'value',
    series: seriesOfCells(query, isEveryones ? newCells() : cells),
    ...(isEveryones && { occurrences: occurrencesOf(metric.name, growth.total) }),
    newestAt,
    ...(warnings.length > 0 && { warnings }),
  };
}

/** Growth by arm and user bucket; `strays`: observations of the treatment while nobody is exposed. */
function addedUp(query: MetricQuery, { arm: label, bucket }: PrometheusBinding, growth: Growth) {
  const cells = newCells();
  let strays = 0;
  for (const part of PARTS) {
    for (const [series, increments] of growth[part]) {
      const by = increments.reduce((sum, one) => sum + one.by, 0);
      const arm = armOf(series, label, query);
      if (arm !== null) cells.add(arm, part, series, by, bucket);
      else if (query.stratum === 0 && part === 'total') strays += by;
    }
  }
  return { cells, strays };
}

/** Why the counters cannot be true together. */
function contradictionIn({ kind }: Metric, cells: Cells): string | undefined {
  for (const [arm, { count, sum, sumSquares }] of cells.totals()) {
    if (kind === 'proportion' && sum > count) {
      return `${arm}: bad grew by ${sum} while total grew by ${count}; the selectors do not count the same things`;
    }
    const isMean = kind === 'mean' || kind === 'ratio';
    if (isMean && sum * sum > count * sumSquares * (1 + 1e-9)) {
      return `${arm}: no ${count} values have the sum ${sum} and the sum of squares ${sumSquares}; check the selectors`;
    }
  }
  return undefined;
}

function occurrencesOf(metric: string, growth: Growth['total']): readonly Occurrence[] {
  const counts = new Map<number, number>();
  for (const increments of growth.values()) {
    for (const { at, by } of increments) counts.set(at, (counts.get(at) ?? 0) + by);
  }
  return [...counts].sort(([one], [other]) => one - other).map(([at, count]) => ({ metric, at, count }));
}

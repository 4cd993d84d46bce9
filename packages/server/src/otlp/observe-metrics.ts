import { type Metric, silenceMs } from '@rampart/rollout';
import { FLAG_ATTRIBUTES, type Interval, type Place, placeOf, type ReadingRollout } from './arm-of.ts';
import { type Attributes, attributesOf, identityOf, textOf } from './attributes.ts';
import {
  factorOf,
  INSTRUMENTS_BY_NAME,
  type Instrument,
  isFailure,
  isFed,
  isFromSpans,
  ownReadingOf,
  type Reading,
  readingOf,
} from './conventions.ts';
import type { StreamDraft } from './cumulative.ts';
import type { Observations } from './observations.ts';
import { explicitValueOf, exponentialValueOf, numberValueOf, type PointValue } from './point-value.ts';
import type { Sums } from './sums-of-point.ts';
import type { Decoded, KeyValue, METRICS_REQUEST, OtlpMetric } from './wire-table.ts';

/** What observations are read against. */
export type ReadingContext = {
  readonly rollouts: readonly ReadingRollout[];
  /** Epoch ms. */
  readonly now: number;
  readonly into: Observations;
};

type MetricContext = ReadingContext & {
  /** Draft of the cumulative streams of a resource. */
  readonly draftOf: (resource: string) => StreamDraft;
};

/** A clock may be this far ahead of the server's, ms. */
export const MOST_AHEAD_MS = 5 * 60_000;
/**
 * Longest interval of one report that rates are read from, ms: as often as the SDK of Rampart reports. What the first and
 * the last report of an exposure cut off is then small against an evidence batch of a minute.
 */
const LONGEST_RATE_MS = 5_000;
const MS_PER_NANO = 1e-6;
const DELTA = 1;
const CUMULATIVE = 2;

type MetricsRequest = Decoded<typeof METRICS_REQUEST>;
type ResourceMetrics = NonNullable<MetricsRequest['resourceMetrics']>[number];

/** Resources of a request that hold cumulative streams a rollout reads. */
export function cumulativeResources(request: MetricsRequest, rollouts: readonly ReadingRollout[]): readonly string[] {
  const holds = (resource: ResourceMetrics) =>
    metricsOf(resource).some(
      ({ metric }) =>
        temporalityOf(metric) === CUMULATIVE && rollouts.some((rollout) => usesOf(metric, rollout).length > 0),
    );
  return (request.resourceMetrics ?? []).filter(holds).map(({ resource }) => identityOf(resource?.attributes));
}

/** Reads the metrics of a request. */
export function observeMetrics(request: MetricsRequest, context: MetricContext): void {
  for (const resource of request.resourceMetrics ?? []) {
    const id = identityOf(resource.resource?.attributes);
    const metrics = metricsOf(resource);
    const newest = newestDialects(metrics.map(({ metric }) => metric));
    for (const { scope, metric } of metrics) observeMetric({ scope, metric, resource: id, newest }, context);
  }
}

type Scoped = { readonly scope: string; readonly metric: OtlpMetric };

function metricsOf({ scopeMetrics }: ResourceMetrics): readonly Scoped[] {
  return (scopeMetrics ?? []).flatMap(({ scope, metrics }) =>
    (metrics ?? []).map((metric) => ({ scope: scope?.name ?? '', metric })),
  );
}

/** The newest dialect in which a resource sends each signal. */
function newestDialects(metrics: readonly OtlpMetric[]): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { name = '' } of metrics) {
    for (const { signal, dialect } of INSTRUMENTS_BY_NAME.get(name) ?? []) {
      newest.set(signal, Math.max(dialect, newest.get(signal) ?? 0));
    }
  }
  return newest;
}

/** How a metric of a plan reads an instrument. */
type Use = { readonly metric: Metric; readonly reading: Reading; readonly instrument?: Instrument };

function usesOf({ name = '' }: OtlpMetric, { plan }: ReadingRollout): readonly Use[] {
  return Object.values(plan.metrics).flatMap((metric): readonly Use[] => {
    if (!isFed(metric) || isFromSpans(metric)) return [];
    if (name === (metric.binding.metric ?? metric.name)) return [{ metric, reading: ownReadingOf(metric) }];
    if (metric.binding.metric !== undefined) return [];
    return (INSTRUMENTS_BY_NAME.get(name) ?? []).flatMap((instrument) => {
      const reading = readingOf(metric, instrument.signal);
      return reading === undefined ? [] : [{ metric, reading, instrument }];
    });
  });
}

type Point = {
  readonly pairs: readonly KeyValue[];
  readonly startAt: number;
  readonly at: number;
  readonly value: PointValue | string;
};

function temporalityOf({ sum, histogram, exponentialHistogram }: OtlpMetric): number {
  return (sum ?? histogram ?? exponentialHistogram)?.aggregationTemporality ?? 0;
}

/** The points of a metric; a text says why this sort of metric cannot be counted. */
function pointsOf({ sum, histogram, exponentialHistogram }: OtlpMetric): readonly Point[] | string {
  if (sum !== undefined) {
    if (sum.isMonotonic !== true) return 'a sum that is not monotonic counts no events';
    return (sum.dataPoints ?? []).map((point) => pointOf(point, numberValueOf(point)));
  }
  if (histogram !== undefined)
    return (histogram.dataPoints ?? []).map((point) => pointOf(point, explicitValueOf(point)));
  if (exponentialHistogram === undefined) return 'gauges and summaries hold no counts that can be added up';
  return (exponentialHistogram.dataPoints ?? []).map((point) => pointOf(point, exponentialValueOf(point)));
}

type Timed = {
  readonly attributes?: readonly KeyValue[];
  readonly startTimeUnixNano?: number;
  readonly timeUnixNano?: number;
};

function pointOf(
  { attributes = [], startTimeUnixNano = 0, timeUnixNano = 0 }: Timed,
  value: PointValue | string,
): Point {
  return { pairs: attributes, startAt: startTimeUnixNano * MS_PER_NANO, at: timeUnixNano * MS_PER_NANO, value };
}

type Instrumented = Scoped & { readonly resource: string; readonly newest: ReadonlyMap<string, number> };

function observeMetric(of: Instrumented, context: MetricContext): void {
  const { into, rollouts } = context;
  const points = pointsOf(of.metric);
  if (typeof points === 'string') {
    const isUsed = rollouts.some((rollout) => usesOf(of.metric, rollout).length > 0);
    if (isUsed) into.reject(`${of.metric.name}: ${points}`);
    else into.ignored += 1;
    return;
  }
  const uses = new Map(rollouts.map((rollout) => [rollout, usesOf(of.metric, rollout)] as const));
  for (const point of points) observePoint(of, point, uses, context);
}

function observePoint(
  of: Instrumented,
  point: Point,
  uses: ReadonlyMap<ReadingRollout, readonly Use[]>,
  context: MetricContext,
): void {
  const { into, rollouts } = context;
  const attributes = attributesOf(point.pairs);
  const flag = textOf(attributes, FLAG_ATTRIBUTES.key);
  const rollout = rollouts.find(({ plan }) => plan.flag === flag);
  const own = (rollout === undefined ? [] : (uses.get(rollout) ?? [])).filter(({ instrument }) =>
    isRead(instrument, of, attributes),
  );
  if (rollout === undefined || own.length === 0) {
    into.ignored += 1;
    return;
  }
  const added = addedBy(of, point, rollout, context);
  if (typeof added === 'string') into.reject(`${of.metric.name}: ${added}`);
  if (added === undefined || typeof added === 'string') return;
  // What is sent late says nothing of now.
  if (context.now - added.toAt <= silenceMs(rollout.plan))
    for (const { metric } of own) into.notePresent(rollout.id, metric.source);
  const place = placeOf(attributes, rollouts, added);
  if (place === undefined) into.ignored += 1;
  else if ('why' in place) into.reject(place.why);
  else addUses(own, { metric: of.metric, attributes, place, added }, into);
}

type Placed = {
  readonly metric: OtlpMetric;
  readonly attributes: Attributes;
  readonly place: Place;
  readonly added: Added;
};

/** Adds a point to every metric that it can be counted for; where it can for none, it is rejected. */
function addUses(uses: readonly Use[], of: Placed, into: Observations): void {
  const refusals = uses.flatMap((use) => addUse(use, of, into) ?? []);
  const [why] = refusals;
  if (why !== undefined && refusals.length === uses.length) into.reject(why);
  else for (const warning of refusals) into.warn(warning);
}

function isRead(instrument: Instrument | undefined, { newest }: Instrumented, attributes: Attributes): boolean {
  if (instrument === undefined) return true;
  return newest.get(instrument.signal) === instrument.dialect && (instrument.accepts?.(attributes) ?? true);
}

type Added = Interval & { readonly value: PointValue };

/** What a point adds to what was counted before, and of which interval; undefined for nothing; a text says why it cannot be counted. */
function addedBy(
  of: Instrumented,
  point: Point,
  rollout: ReadingRollout,
  context: MetricContext,
): Added | string | undefined {
  const { value, at, startAt } = point;
  if (typeof value === 'string') return value;
  if (at <= 0) return 'a point without time';
  if (at > context.now + MOST_AHEAD_MS)
    return `a time ${Math.round((at - context.now) / 1000)} s ahead of the server; set the clocks`;
  const temporality = temporalityOf(of.metric);
  if (temporality === DELTA) return { value, fromAt: startAt > 0 ? Math.min(startAt, at) : at, toAt: at };
  if (temporality !== CUMULATIVE) return 'neither delta nor cumulative temporality';
  const stream = identityOf(point.pairs, of.scope, of.metric.name ?? '', value.kind);
  const next = { stream, metric: of.metric.name ?? '', startAt, at, value };
  const advance = context.draftOf(of.resource).take(next, rollout.exposures[0]?.fromAt ?? Number.POSITIVE_INFINITY);
  if (advance.kind === 'too-many')
    return 'more series than one resource may have; take attributes of many values away by a View';
  return advance.kind === 'increase' ? { value: advance.value, fromAt: advance.fromAt, toAt: at } : undefined;
}

/** Undefined when the point is counted; else why it is not. */
function addUse({ metric, reading }: Use, of: Placed, into: Observations): string | undefined {
  const { name = '', unit = '' } = of.metric;
  if (metric.kind === 'rate') {
    if (of.place.isMixed) return undefined;
    const often = `reports at most ${LONGEST_RATE_MS} ms apart; set OTEL_METRIC_EXPORT_INTERVAL`;
    if (of.added.toAt - of.added.fromAt > LONGEST_RATE_MS) return `${name}: ${metric.name} needs ${often}`;
  }
  if (reading === 'errors' || reading === 'events') {
    const sums = eventSums(of.added.value, reading === 'events' || isFailure(of.attributes));
    if (typeof sums === 'string') return `${name}: ${sums}`;
    if (sums.count > 0) into.add(of.place, metric, sums);
    return undefined;
  }
  return addValues({ metric, reading }, unit, of, into);
}

function eventSums(value: PointValue, areCounted: boolean): Sums | string {
  const count = value.kind === 'number' ? value.value : value.count;
  if (!Number.isSafeInteger(count) || count < 0) return `${count} is no number of events`;
  const sum = areCounted ? count : 0;
  return { count, sum, sumSquares: sum };
}

/** Undefined when the values of a histogram are counted; else why they are not. */
function addValues(
  { metric, reading }: Use,
  unit: string,
  { metric: { name }, place, added }: Placed,
  into: Observations,
) {
  const { value } = added;
  if (value.kind === 'number') return `${name}: a sum has no distribution of values; use a histogram`;
  const factor = factorOf(unit, metric);
  if (factor === undefined) return `${name}: unit "${unit}" is no time`;
  if (metric.kind !== 'quantile' && value.sum === undefined) return `${name}: a histogram without its sum`;
  const use = reading === 'part' || reading === 'further-part' ? reading : metric.kind === 'quantile' ? 'bins' : 'sums';
  if (value.count > 0) into.addHistogram(place, metric, { value, factor, use });
  return undefined;
}

import type { Metric, MetricKind, MetricUnit } from '../plan.ts';

/** What a bare number means as the limit of a metric: a value in its unit, a multiple of the baseline, or occurrences per 24 h. */
export type BareNumber = 'absolute' | 'baseline' | 'per-day';

/** A metric that Rampart knows, and how plans speak of it. */
export type CatalogEntry = {
  readonly metric: Metric;
  /** Default limit of its alert, and the meaning of `stable`. */
  readonly alert: string;
  readonly bare: BareNumber;
};

type Traits = Pick<Metric, 'kind' | 'unit' | 'per'> & Partial<Pick<Metric, 'harm' | 'quantile'>>;

function entry(name: string, traits: Traits, alert: string, bare: BareNumber): readonly [string, CatalogEntry] {
  const metric: Metric = {
    name,
    harm: 'higher',
    source: 'telemetry',
    binding: {},
    lagMs: 0,
    designEffect: 1,
    ...traits,
  };
  return [name, { metric, alert, bare }];
}

/** The metrics of design §4, each with its kind, unit, direction of harm, default alert limit and bare-number meaning. */
export const METRIC_CATALOG: ReadonlyMap<string, CatalogEntry> = new Map([
  entry('errorRate', { kind: 'proportion', unit: 'ratio', per: 'request' }, 'baseline + 1%', 'absolute'),
  entry('p99Latency', { kind: 'quantile', unit: 'seconds', per: 'request', quantile: 0.99 }, '2x baseline', 'baseline'),
  entry('throughput', { kind: 'rate', unit: 'perSecond', per: 'request', harm: 'lower' }, '0.8x baseline', 'baseline'),
  entry('hallucinationRate', { kind: 'proportion', unit: 'ratio', per: 'query' }, 'baseline + 5%', 'absolute'),
  entry('faithfulness', { kind: 'mean', unit: 'score', per: 'query', harm: 'lower' }, '0.85', 'absolute'),
  entry('costPerQuery', { kind: 'ratio', unit: 'USD', per: 'query' }, '1.5x baseline', 'absolute'),
  entry('tokensPerQuery', { kind: 'ratio', unit: 'tokens', per: 'query' }, '2x baseline', 'baseline'),
  entry('timeToFirstToken', { kind: 'quantile', unit: 'seconds', per: 'query', quantile: 0.99 }, '2s', 'absolute'),
  entry('userComplaints', { kind: 'count', unit: 'events', per: 'day' }, '10 per 24h', 'per-day'),
  entry('supportTickets', { kind: 'count', unit: 'events', per: 'day' }, '2x baseline', 'per-day'),
  entry(
    'conversion',
    { kind: 'proportion', unit: 'ratio', per: 'user', harm: 'lower' },
    'not worse than baseline by 2%',
    'absolute',
  ),
  entry(
    'engagement',
    { kind: 'mean', unit: 'value', per: 'user', harm: 'lower' },
    'not worse than baseline by 5%',
    'absolute',
  ),
]);

/** Units that fit a kind; the first is the default of a team's own metric. */
export const UNITS_OF_KIND: Readonly<Record<MetricKind, readonly [MetricUnit, ...MetricUnit[]]>> = {
  proportion: ['ratio'],
  mean: ['value', 'score', 'seconds', 'USD', 'tokens'],
  ratio: ['value', 'score', 'seconds', 'USD', 'tokens'],
  quantile: ['seconds', 'value', 'score', 'USD', 'tokens'],
  rate: ['perSecond'],
  count: ['events'],
};

/** The catalog's entry for a metric, unless the plan gave that name another kind or unit. */
export function catalogEntryOf(metric: Metric): CatalogEntry | undefined {
  const known = METRIC_CATALOG.get(metric.name);
  return known && known.metric.kind === metric.kind && known.metric.unit === metric.unit ? known : undefined;
}

/** How a bare number is read for a metric: as the catalog says, else per 24 h for counts and in the metric's unit for the rest. */
export function bareNumberOf(metric: Metric): BareNumber {
  return catalogEntryOf(metric)?.bare ?? (metric.kind === 'count' ? 'per-day' : 'absolute');
}

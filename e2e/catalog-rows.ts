/** The metrics of design §4's catalog that have a row in its table of default alert limits. */
export const CATALOG_METRICS = [
  'errorRate',
  'p99Latency',
  'throughput',
  'hallucinationRate',
  'faithfulness',
  'costPerQuery',
  'tokensPerQuery',
  'timeToFirstToken',
] as const;

export type CatalogMetric = (typeof CATALOG_METRICS)[number];

/**
 * What one variant does to its users, in the units of the metrics: shares, 99th percentiles in seconds, means in US dollars,
 * tokens and points of a score. Throughput is the mean number of requests that one visit makes, at least 1.
 */
export type Behaviour = Readonly<Record<CatalogMetric, number>>;

/** The old variant, and a new one that is as good. */
export const HEALTHY: Behaviour = {
  errorRate: 0.005,
  p99Latency: 0.8,
  throughput: 4,
  hallucinationRate: 0.03,
  faithfulness: 0.92,
  costPerQuery: 0.1,
  tokensPerQuery: 800,
  timeToFirstToken: 1,
};

/** Which reference an abort limit is held against. */
export const FORMS = ['absolute', 'baseline', 'control'] as const;
export type Form = (typeof FORMS)[number];

/** One row of the table. */
export type Row = {
  readonly metric: CatalogMetric;
  /** The default alert limit, as design §4 has it. */
  readonly alert: string;
  /** Id of the default alert's check. */
  readonly alertId: string;
  /** Of the new variant: beyond the alert limit and within every abort limit. */
  readonly alerting: number;
  /** Abort limits, each the same line by another reference. */
  readonly abort: Readonly<Record<Form, string>>;
  /** Of the new variant: beyond every abort limit. */
  readonly aborting: number;
};

/** Every row. The absolute limit of throughput is in requests per second of the compressed clock (see `catalog-site.ts`). */
export const ROWS: readonly Row[] = [
  {
    metric: 'errorRate',
    alert: 'baseline + 1%',
    alertId: 'alert:errorRate:baseline+1%',
    alerting: 0.03,
    abort: { absolute: '8%', baseline: '16x baseline', control: '16x control' },
    aborting: 0.2,
  },
  {
    metric: 'p99Latency',
    alert: '2x baseline',
    alertId: 'alert:p99Latency:2xbaseline',
    alerting: 1.9,
    abort: { absolute: '4s', baseline: '5x baseline', control: '5x control' },
    aborting: 8,
  },
  {
    metric: 'throughput',
    alert: '0.8x baseline',
    alertId: 'alert:throughput:0.8xbaseline',
    alerting: 2.2,
    abort: { absolute: '530 per second', baseline: '0.4x baseline', control: '0.4x control' },
    aborting: 1,
  },
  {
    metric: 'hallucinationRate',
    alert: 'baseline + 5%',
    alertId: 'alert:hallucinationRate:baseline+5%',
    alerting: 0.14,
    abort: { absolute: '25%', baseline: '8x baseline', control: '8x control' },
    aborting: 0.5,
  },
  {
    metric: 'faithfulness',
    alert: '0.85',
    alertId: 'alert:faithfulness:0.85',
    alerting: 0.8,
    abort: { absolute: '0.6', baseline: '0.65x baseline', control: '0.65x control' },
    aborting: 0.4,
  },
  {
    metric: 'costPerQuery',
    alert: '1.5x baseline',
    alertId: 'alert:costPerQuery:1.5xbaseline',
    alerting: 0.2,
    abort: { absolute: '$0.40', baseline: '4x baseline', control: '4x control' },
    aborting: 0.8,
  },
  {
    metric: 'tokensPerQuery',
    alert: '2x baseline',
    alertId: 'alert:tokensPerQuery:2xbaseline',
    alerting: 2400,
    abort: { absolute: '4000 tokens', baseline: '5x baseline', control: '5x control' },
    aborting: 8000,
  },
  {
    metric: 'timeToFirstToken',
    alert: '2s',
    alertId: 'alert:timeToFirstToken:2s',
    alerting: 2.25,
    abort: { absolute: '5s', baseline: '5x baseline', control: '5x control' },
    aborting: 12,
  },
];

/** What differs between plans of these tests. */
export type PlanParts = {
  /** Percent of everyone who keep the old variant to the end, for comparison. Default: 0. */
  readonly holdback?: number;
  /** Default: 12h, which is enough where every hour is like the other. */
  readonly baseline?: string;
};

/**
 * A plan that watches all eight metrics by their default alerts and stops at one abort limit, which is also the gate of every
 * stage (the default).
 */
export function planOf(
  flag: string,
  { metric }: Row,
  limit: string,
  { holdback = 0, baseline = '12h' }: PlanParts = {},
): string {
  return `
flag: ${flag}
preflight: []
baseline: { window: ${baseline} }
metrics: { ${CATALOG_METRICS.map((name) => `${name}: {}`).join(', ')} }
stages:
  - { name: canary, percentage: 50, duration: 24h }
  - { name: ga, percentage: 100, duration: permanent, holdback: ${holdback}, monitor: 24h }
abortCriteria: [ { metric: ${metric}, limit: ${limit} } ]
exit: []
`;
}

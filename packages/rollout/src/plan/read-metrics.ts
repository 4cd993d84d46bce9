import type { JsonValue } from '@rampart/flags';
import type { Metric, MetricUnit } from '../plan.ts';
import { alertMetric, alertMetricName } from './alert-criterion.ts';
import { METRIC_CATALOG, UNITS_OF_KIND } from './catalog.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';
import { suggest } from './nearest.ts';
import type { RawMetric, RawPlan } from './plan-schema.ts';
import { readDuration } from './read-values.ts';

/** Metrics that a plan may use: the catalog's and its own, by name. */
export type KnownMetrics = ReadonlyMap<string, Metric>;

const OWN_KEYS = ['kind', 'unit', 'harm', 'per', 'quantile', 'source', 'lag', 'designEffect'];
const OBSERVATIONS = ['request', 'query', 'user', 'account', 'session', 'day'];
const NAME = /^[A-Za-z_][\w.-]{0,99}$/;

/** The unit and what one observation is: `unit: user` says the second. */
function readUnit(
  raw: RawMetric,
  kind: Metric['kind'],
  path: PlanPath,
  log: IssueLog,
): { unit?: MetricUnit; per?: string } {
  if (raw.unit === undefined) return {};
  const units = UNITS_OF_KIND[kind];
  const unit = units.find((known) => known === raw.unit);
  if (unit) return { unit };
  if (OBSERVATIONS.includes(raw.unit)) return { per: raw.unit };
  const message = `received ${JSON.stringify(raw.unit)}; a ${kind} is in ${units.join(', ')}, or per ${OBSERVATIONS.join(', ')}`;
  log.error('invalid-metric', [...path, 'unit'], message);
  return {};
}

/** Everything that is not ours belongs to the connector; the SDK's telemetry takes nothing, so there it is a typing error. */
function readBinding(
  raw: RawMetric,
  source: string,
  path: PlanPath,
  log: IssueLog,
): Readonly<Record<string, JsonValue>> {
  const extra = Object.entries(raw).filter(([key]) => !OWN_KEYS.includes(key));
  if (source === 'telemetry') {
    for (const [key] of extra) {
      const message = `unknown key ${JSON.stringify(key)}; ${suggest(key, OWN_KEYS)}; settings of a connector need its source`;
      log.error('unknown-key', [...path, key], message, 'key');
    }
  }
  // JSON edge: the document was copied as plain JSON before it was read.
  return Object.fromEntries(extra) as Readonly<Record<string, JsonValue>>;
}

/** Kind and direction of harm; both must be said for a metric that is not in the catalog. */
function readTraits(name: string, raw: RawMetric, log: IssueLog): Pick<Metric, 'kind' | 'harm'> | undefined {
  const base = METRIC_CATALOG.get(name)?.metric;
  const kind = raw.kind ?? base?.kind;
  const harm = raw.harm ?? base?.harm;
  const add = `${name} is not in the catalog; add`;
  if (!kind) {
    const kinds = Object.keys(UNITS_OF_KIND).join(', ');
    log.error('missing-key', ['metrics', name, 'kind'], `${add} its kind: ${kinds}`);
  }
  if (!harm) {
    log.error('missing-key', ['metrics', name, 'harm'], `${add} harm: higher or lower, the direction that hurts`);
  }
  return kind && harm ? { kind, harm } : undefined;
}

/** The quantile in (0, 1); only metrics of kind `quantile` have one, 0.99 by default. */
function readQuantile(raw: RawMetric, kind: Metric['kind'], path: PlanPath, log: IssueLog): Pick<Metric, 'quantile'> {
  if (kind === 'quantile') return { quantile: raw.quantile ?? 0.99 };
  if (raw.quantile !== undefined) {
    log.error('invalid-metric', [...path, 'quantile'], `this metric is a ${kind}; only kind: quantile has a quantile`);
  }
  return {};
}

function readMetric(name: string, raw: RawMetric, log: IssueLog): Metric | undefined {
  const path = ['metrics', name];
  if (!NAME.test(name)) {
    log.error('invalid-name', path, `received ${JSON.stringify(name)}; write letters, digits, _ . -`, 'key');
  }
  const traits = readTraits(name, raw, log);
  if (!traits) return undefined;
  const { kind } = traits;
  const base = METRIC_CATALOG.get(name)?.metric;
  const same = base?.kind === kind ? base : undefined;
  const { unit, per } = readUnit(raw, kind, path, log);
  const source = raw.source ?? 'telemetry';
  return {
    name,
    ...traits,
    unit: unit ?? same?.unit ?? UNITS_OF_KIND[kind][0],
    ...readQuantile(raw, kind, path, log),
    per: raw.per ?? per ?? base?.per ?? (kind === 'count' ? 'day' : 'request'),
    source,
    binding: readBinding(raw, source, path, log),
    lagMs: readDuration(raw.lag, 0, [...path, 'lag'], log, 'zero'),
    designEffect: raw.designEffect ?? 1,
  };
}

/** The catalog, with the plan's own metrics added, its settings laid over, and a metric for each alert it aborts on. */
export function readMetrics(raw: Pick<RawPlan, 'metrics' | 'abortCriteria'>, log: IssueLog): KnownMetrics {
  const known = new Map([...METRIC_CATALOG].map(([name, { metric }]) => [name, metric]));
  for (const item of Array.isArray(raw.abortCriteria) ? raw.abortCriteria : []) {
    if ('alert' in item) known.set(alertMetricName(item), alertMetric(item));
  }
  for (const [name, entry] of Object.entries(raw.metrics ?? {})) {
    const metric = readMetric(name, entry, log);
    if (metric) known.set(name, metric);
  }
  return known;
}

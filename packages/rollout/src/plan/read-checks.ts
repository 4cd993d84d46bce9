import type { Check, KillTrip, Metric, Tier } from '../plan.ts';
import { ALERT_LIMIT, ALERTS, alertMetricName } from './alert-criterion.ts';
import { catalogEntryOf } from './catalog.ts';
import { MINUTE_MS } from './duration.ts';
import { formatLimit } from './format-limit.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';
import { asksImprovement, parseLimit } from './limit.ts';
import { passLimitOf } from './margin.ts';
import { suggest } from './nearest.ts';
import type { RawAlert, RawCheck, RawChecks, RawKillSwitch, RawTrip } from './plan-schema.ts';
import type { KnownMetrics } from './read-metrics.ts';
import { readDuration } from './read-values.ts';

/** What the readers of checks share: the metrics a plan may name, and where to log. */
export type CheckReader = { readonly metrics: KnownMetrics; readonly log: IssueLog };

/** Paths of a check's parts; they differ between a map (`errorRate: 1%`) and a list. */
type CheckPaths = {
  readonly metric: PlanPath;
  readonly limit: PlanPath;
  readonly margin: PlanPath;
  readonly inMap: boolean;
};

function listPaths(path: PlanPath): CheckPaths {
  const at = (key: string) => [...path, key];
  return { metric: at('metric'), limit: at('limit'), margin: at('margin'), inMap: false };
}

function alertPaths(path: PlanPath): CheckPaths {
  const at = [...path, 'alert'];
  return { metric: at, limit: at, margin: at, inMap: false };
}

function mapPaths(path: PlanPath): CheckPaths {
  return { metric: path, limit: path, margin: path, inMap: true };
}

/** Identity of a check within a plan; the limit is printed, so that `0.01` and `1%` are the same check. */
function checkId(tier: Tier, metric: Metric, limit: Check['limit']): string {
  return `${tier}:${metric.name}:${formatLimit(limit, metric).replaceAll(' ', '')}`;
}

function findMetric(name: string, paths: CheckPaths, reader: CheckReader): Metric | undefined {
  const metric = reader.metrics.get(name);
  if (metric) return metric;
  const known = [...reader.metrics.values()].filter(({ source }) => source !== ALERTS).map((metric) => metric.name);
  const message = `unknown metric ${JSON.stringify(name)}; ${suggest(name, known)}; your own go under metrics:`;
  reader.log.error('unknown-metric', paths.metric, message, paths.inMap ? 'key' : 'value');
  return undefined;
}

function readCheck(tier: Tier, raw: RawCheck, paths: CheckPaths, reader: CheckReader): Check | undefined {
  const metric = findMetric(raw.metric, paths, reader);
  if (!metric) return undefined;
  const parsed = parseLimit(raw.limit, metric);
  if (!parsed.ok) {
    reader.log.error(parsed.code, paths.limit, parsed.message);
    return undefined;
  }
  const { limit } = parsed;
  const margin = passLimitOf(limit, metric, raw.margin);
  if (!margin.ok) {
    reader.log.error(margin.code, paths.margin, margin.message);
    return undefined;
  }
  if (asksImprovement(limit, metric)) {
    const message = `${formatLimit(limit, metric)} asks ${metric.name} to be better than its reference; ${metric.harm} is worse`;
    reader.log.warning('improvement-asked', paths.limit, message);
  }
  return {
    id: checkId(tier, metric, limit),
    tier,
    metric: metric.name,
    limit,
    ...(margin.passLimit ? { passLimit: margin.passLimit } : {}),
    text: typeof raw.limit === 'number' ? formatLimit(limit, metric) : raw.limit,
    optional: raw.optional ?? false,
    attribution: raw.attribution ?? 'any',
    weight: raw.weight ?? 1,
  };
}

/** Reads one check of the long form at `path`. */
export function readListedCheck(tier: Tier, raw: RawCheck, path: PlanPath, reader: CheckReader): Check | undefined {
  return readCheck(tier, raw, listPaths(path), reader);
}

/** Logs a check whose metric and limit already stand in `before`. An alert has no limit that anybody wrote. */
export function refuseTwin(check: Check, before: readonly Check[], path: PlanPath, log: IssueLog): boolean {
  const twin = before.some((other) => other.id === check.id);
  const what = check.text === ALERT_LIMIT ? check.metric : `${check.metric} with limit ${check.text}`;
  if (twin) log.error('duplicate-check', path, `${what} is listed twice; remove one`);
  return twin;
}

type Placed<Raw> = { readonly raw: Raw; readonly paths: CheckPaths; readonly path: PlanPath };

/** An alert is a count of its firings. `optional`: that it never fired is no sight lost. */
function placedItem(item: RawCheck | RawAlert, at: PlanPath): Placed<RawCheck> {
  if (!('alert' in item)) return { raw: item, paths: listPaths(at), path: at };
  const raw = { metric: alertMetricName(item), limit: ALERT_LIMIT, optional: true };
  return { raw, paths: alertPaths(at), path: at };
}

function placed(raw: RawChecks, path: PlanPath): readonly Placed<RawCheck>[] {
  if (Array.isArray(raw)) return raw.map((item, index) => placedItem(item, [...path, index]));
  return Object.entries(raw).map(([metric, limit]) => {
    const at = [...path, metric];
    return { raw: { metric, limit }, paths: mapPaths(at), path: at };
  });
}

/** Reads abort criteria or alerts, given as a map of metric to limit or as a list. */
export function readChecks(tier: Tier, raw: RawChecks, path: PlanPath, reader: CheckReader): readonly Check[] {
  const checks: Check[] = [];
  for (const item of placed(raw, path)) {
    const check = readCheck(tier, item.raw, item.paths, reader);
    if (check && !refuseTwin(check, checks, item.path, reader.log)) checks.push(check);
  }
  return checks;
}

/** Default window and sample of a trip's plain rule (semantics §1). */
const TRIP_WINDOW_MS = 5 * MINUTE_MS;
const TRIP_SAMPLE = 50;
/** Observations beyond a quantile that a window must be expected to hold before its share of them says anything. */
const TRIP_BEYOND = 5;

/** Least observations of a plain rule: for a 99th percentile 500, of which one in a hundred lies beyond it. */
function tripSample(metric: Metric | undefined): number {
  if (metric?.kind !== 'quantile') return TRIP_SAMPLE;
  const { quantile = 0.99 } = metric;
  return Math.max(TRIP_SAMPLE, Math.ceil(TRIP_BEYOND / Math.min(quantile, 1 - quantile) - 1e-9));
}

/** Reads the trips of a kill switch: `trip` (long form) or `tripConditions` (short form). */
export function readTrips(raw: RawKillSwitch, reader: CheckReader): readonly KillTrip[] {
  const key = raw.trip ? 'trip' : 'tripConditions';
  if (raw.trip && raw.tripConditions) {
    reader.log.error(
      'conflicting-keys',
      ['killSwitch', 'tripConditions'],
      'trip says the same; keep one of them',
      'key',
    );
  }
  const trips: KillTrip[] = [];
  for (const item of placed(raw.trip ?? raw.tripConditions ?? {}, ['killSwitch', key])) {
    const check = readCheck('kill', item.raw, item.paths, reader);
    const { window, minSample }: Partial<RawTrip> = item.raw;
    const windowMs = readDuration(window, TRIP_WINDOW_MS, [...item.path, 'window'], reader.log);
    if (check && !refuseTwin(check, trips, item.path, reader.log)) {
      trips.push({ ...check, windowMs, minSample: minSample ?? tripSample(reader.metrics.get(check.metric)) });
    }
  }
  return trips;
}

/** The default alerts: the catalog's alert limit of every metric that has one. */
export function defaultAlerts(used: readonly Metric[]): readonly Check[] {
  return used.flatMap((metric) => {
    const text = catalogEntryOf(metric)?.alert;
    const parsed = text === undefined ? undefined : parseLimit(text, metric);
    if (text === undefined || !parsed?.ok) return [];
    const { limit } = parsed;
    const id = checkId('alert', metric, limit);
    return [
      { id, tier: 'alert', metric: metric.name, limit, text, optional: true, attribution: 'any', weight: 1 } as const,
    ];
  });
}

/** The same check as a gate: own id, so that both tiers keep their own evidence. */
export function asGate(check: Check): Check {
  return { ...check, tier: 'gate', id: `gate:${check.id.slice(check.id.indexOf(':') + 1)}` };
}

import type { Metric, Plan } from '../plan.ts';
import type { RawAlert } from './plan-schema.ts';

/** Source of the metrics that count alerts of a monitoring system: they are delivered, not asked for. */
export const ALERTS = 'alerts';

/** Limit of an alert criterion: the first firing is one too many. */
export const ALERT_LIMIT = '0 per 24h';

/** Label by which Rampart knows an alert about itself, or one it caused: such an alert never counts. */
const RAMPART_LABEL = 'rampart';
const NAME_LABEL = 'alertname';
/** Labels that say which flag, or which rollout, an alert is about; `feature_flag_key` is how Prometheus writes OpenTelemetry's. */
const FLAG_LABELS = ['flag', 'feature_flag_key'] as const;
const ROLLOUT_LABEL = 'rollout';

/** Labels of an alert, among them its name. */
export type AlertLabels = Readonly<Record<string, string>>;

/** Name of the metric that counts an alert: `alert:HighErrorRate`, with labels `alert:HighErrorRate{service="chat"}`. */
export function alertMetricName({ alert, labels = {} }: RawAlert): string {
  const entries = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  const text = entries.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',');
  return `alert:${alert}${text === '' ? '' : `{${text}}`}`;
}

/** The metric behind an alert criterion: firings, each at the instant it began. */
export function alertMetric(raw: RawAlert): Metric {
  const { alert, labels = {} } = raw;
  return {
    name: alertMetricName(raw),
    kind: 'count',
    unit: 'events',
    harm: 'higher',
    per: 'day',
    source: ALERTS,
    binding: { alert, labels },
    lagMs: 0,
    designEffect: 1,
  };
}

/** Whether an alert of these labels is the one that a metric counts. */
function isCounted({ source, binding }: Metric, labels: AlertLabels): boolean {
  if (source !== ALERTS || binding.alert !== labels[NAME_LABEL]) return false;
  return Object.entries(Object(binding.labels)).every(([name, value]) => labels[name] === value);
}

/**
 * Metrics of a rollout that count an alert with these labels. None for an alert that names another flag or rollout, or that
 * Rampart caused itself.
 */
export function alertMetricsFor(
  {
    id,
    plan,
  }: {
    readonly id: string;
    readonly plan: { readonly flag: string; readonly metrics: Readonly<Record<string, Metric>> };
  },
  labels: AlertLabels,
): readonly string[] {
  if ((labels[RAMPART_LABEL] ?? '') !== '') return [];
  const isOther = (name: string, own: string) => labels[name] !== undefined && labels[name] !== own;
  if (isOther(ROLLOUT_LABEL, id) || FLAG_LABELS.some((name) => isOther(name, plan.flag))) return [];
  return Object.values(plan.metrics)
    .filter((metric) => isCounted(metric, labels))
    .map(({ name }) => name);
}

/** The plan without what its alerts do: for forecasts, which know nothing of them. */
export function withoutAlerts(plan: Plan): Plan {
  const metrics = Object.entries(plan.metrics).filter(([, { source }]) => source !== ALERTS);
  const known = Object.fromEntries(metrics);
  return { ...plan, metrics: known, abortCriteria: plan.abortCriteria.filter(({ metric }) => metric in known) };
}

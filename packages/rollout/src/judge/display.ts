import { proportionInterval } from '@rampart/stats';
import type { Check, Metric, MetricUnit } from '../plan.ts';
import type { Baseline, MetricSnapshot, Verdict, VerdictStatus } from '../verdict.ts';
import type { EvidenceState } from './evidence-state.ts';
import { quantileOf } from './histogram.ts';
import { usesControl } from './line.ts';
import type { Shown } from './side-judge.ts';

const INTERVAL_ALPHA = 0.05;

type ArmTotals = EvidenceState['metrics'][string]['treatment'];

/** What both arms of a metric show in the running stage; nothing for rates and counts, whose values need time. */
export type Seen = {
  readonly count: number;
  readonly value?: number;
  readonly control?: number;
  /** Distribution-free interval of a quantile. */
  readonly interval?: readonly [number, number];
};

/** Reads a metric's totals, once for all its checks. */
export function seenOf(metric: Metric, evidence: EvidenceState): Seen {
  const totals = evidence.metrics[metric.name];
  if (totals === undefined) return { count: 0 };
  const count = totals.treatment.n;
  if (metric.kind === 'rate' || metric.kind === 'count') return { count };
  const value = valueIn(metric, totals.treatment);
  const control = valueIn(metric, totals.control);
  const interval = metric.kind === 'quantile' ? quantileInterval(metric, totals.treatment) : undefined;
  return {
    count,
    ...(value !== undefined && { value }),
    ...(control !== undefined && { control }),
    ...(interval && { interval }),
  };
}

/** A share, a mean or a quantile; `undefined` where there is nothing to take it from. */
function valueIn(metric: Metric, totals: ArmTotals): number | undefined {
  if (totals.n === 0) return undefined;
  return metric.kind === 'quantile' ? quantileOf(totals.bins, metric.quantile ?? 0.99) : totals.x / totals.n;
}

/** Where the exceedance share may lie, read off the histogram. */
function quantileInterval(metric: Metric, totals: ArmTotals): readonly [number, number] | undefined {
  const tail = 1 - (metric.quantile ?? 0.99);
  const { low, high } = proportionInterval(tail * totals.n, totals.n, INTERVAL_ALPHA);
  const [from, to] = [quantileOf(totals.bins, 1 - high), quantileOf(totals.bins, 1 - low)];
  return from === undefined || to === undefined ? undefined : [from, to];
}

/** The part of an interval that the metric can take: shares and scores lie in [0, 1], and only a plain value can be negative. */
function within([low, high]: readonly [number, number], unit: MetricUnit): readonly [number, number] {
  const most = unit === 'ratio' || unit === 'score' ? 1 : Number.POSITIVE_INFINITY;
  const clamp = (value: number) => (unit === 'value' ? value : Math.max(0, Math.min(most, value)));
  return [clamp(low), clamp(high)];
}

/** Value, reference and interval of a verdict as people read them, in the metric's unit. */
export function displayOf(
  check: Check,
  metric: Metric,
  { baseline, seen }: { readonly baseline?: Baseline; readonly seen: Seen },
  pass: Pick<Shown, 'value' | 'interval'>,
): Pick<Verdict, 'value' | 'reference' | 'interval'> {
  const value = seen.value ?? pass.value;
  const base = baseline?.metrics[metric.name]?.value;
  const interval = seen.interval ?? pass.interval;
  const reference = usesControl(check)
    ? seen.control !== undefined && { kind: 'control' as const, value: seen.control }
    : check.limit.kind === 'relative' && base !== undefined && { kind: 'baseline' as const, value: base };
  return {
    ...(value !== undefined && { value }),
    ...(reference && { reference }),
    ...(interval?.every(Number.isFinite) && { interval: within(interval, metric.unit) }),
  };
}

/**
 * Those that say how a metric stands: an alert that cannot be judged, as a new feature has no baseline, says nothing where
 * another check can.
 */
function tellingOf(verdicts: readonly Verdict[]): readonly Verdict[] {
  const telling = verdicts.filter(({ tier, status }) => tier !== 'alert' || status !== 'insufficient');
  return telling.length === 0 ? verdicts : telling;
}

/** A metric as it stands in the running stage. The status is the worst of its checks. */
export function snapshotOf(
  metric: Metric,
  seen: Seen,
  baseline: Baseline | undefined,
  verdicts: readonly Verdict[],
): MetricSnapshot {
  const own = verdicts.filter((one) => one.metric === metric.name);
  const observed = seen.value ?? own.find((one) => one.value !== undefined)?.value;
  const base = baseline?.metrics[metric.name]?.value;
  return {
    metric: metric.name,
    count: seen.count,
    status: worstOf(tellingOf(own).map((one) => one.status)),
    ...(own.length === 0 && { judged: false }),
    ...(observed !== undefined && { observed }),
    ...(base !== undefined && { baseline: base }),
    ...(seen.control !== undefined && { control: seen.control }),
  };
}

const FROM_WORST: readonly VerdictStatus[] = ['fail', 'error', 'no-data', 'insufficient', 'inconclusive', 'pass'];

function worstOf(statuses: readonly VerdictStatus[]): VerdictStatus {
  return FROM_WORST.find((status) => statuses.includes(status)) ?? 'no-data';
}

import { proportionInterval } from '@rampart/stats';
import type { Metric } from '../plan.ts';
import type { Baseline, MetricSnapshot, Verdict, VerdictStatus } from '../verdict.ts';
import { quantileOf } from './arm-sums.ts';
import type { ArmTotals, EvidenceState } from './evidence-state.ts';
import { usesControl } from './line.ts';
import type { SideEvidence } from './method.ts';
import type { VerdictContext } from './verdict-of.ts';

const INTERVAL_ALPHA = 0.05;

/** Value of a metric from totals: a share, a mean or a quantile; `undefined` where there is nothing to take it from. */
export function valueOf(metric: Metric, totals: ArmTotals | undefined): number | undefined {
  if (totals === undefined || totals.n === 0) return undefined;
  return metric.kind === 'quantile' ? quantileOf(totals.bins, metric.quantile ?? 0.99) : totals.x / totals.n;
}

/** Distribution-free interval of a quantile: where the exceedance share may lie, read off the histogram. */
function quantileInterval(metric: Metric, totals: ArmTotals): readonly [number, number] | undefined {
  const tail = 1 - (metric.quantile ?? 0.99);
  const { low, high } = proportionInterval(tail * totals.n, totals.n, INTERVAL_ALPHA);
  const [from, to] = [quantileOf(totals.bins, 1 - high), quantileOf(totals.bins, 1 - low)];
  return from === undefined || to === undefined ? undefined : [from, to];
}

/** Value, reference and interval of a verdict as people read them, in the metric's unit. */
export function displayOf(context: VerdictContext, pass: SideEvidence): Pick<Verdict, 'value' | 'reference' | 'interval'> {
  const { metric, check, evidence, baseline } = context;
  const seen = evidence.metrics[metric.name];
  const value = metric.kind === 'rate' ? pass.value : valueOf(metric, seen?.treatment);
  const control = valueOf(metric, seen?.control);
  const base = baseline?.metrics[metric.name]?.value;
  const interval = metric.kind === 'quantile' && seen ? quantileInterval(metric, seen.treatment) : pass.interval;
  const reference = usesControl(check)
    ? control !== undefined && { kind: 'control' as const, value: control }
    : check.limit.kind === 'relative' && base !== undefined && { kind: 'baseline' as const, value: base };
  return { ...(value !== undefined && { value }), ...(reference && { reference }), ...(interval && { interval }) };
}

/** A metric as it stands in the running stage. The status is the worst of its checks. */
export function snapshotOf(metric: Metric, evidence: EvidenceState, baseline: Baseline | undefined, verdicts: readonly Verdict[]): MetricSnapshot {
  const seen = evidence.metrics[metric.name];
  const own = verdicts.filter((one) => one.metric === metric.name);
  const counted = own.find((one) => one.value !== undefined)?.value;
  const observed = metric.kind === 'rate' || metric.kind === 'count' ? counted : valueOf(metric, seen?.treatment);
  const control = valueOf(metric, seen?.control);
  const base = baseline?.metrics[metric.name]?.value;
  return {
    metric: metric.name,
    count: seen?.treatment.n ?? 0,
    status: worstOf(own.map((one) => one.status)),
    ...(observed !== undefined && { observed }),
    ...(base !== undefined && { baseline: base }),
    ...(control !== undefined && metric.kind !== 'rate' && metric.kind !== 'count' && { control }),
  };
}

const FROM_WORST: readonly VerdictStatus[] = ['fail', 'error', 'no-data', 'insufficient', 'inconclusive', 'pass'];

function worstOf(statuses: readonly VerdictStatus[]): VerdictStatus {
  return FROM_WORST.find((status) => statuses.includes(status)) ?? 'no-data';
}

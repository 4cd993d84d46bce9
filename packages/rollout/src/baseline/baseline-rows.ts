import { unitOf } from '../documents/format.ts';
import type { MetricUnit, Plan } from '../plan.ts';
import type { Baseline, BaselineMetric, BaselineOrigin } from '../verdict.ts';
import { originOf } from './origin.ts';

/** One metric of a baseline, with what people ask of it. Values are in `unit`. */
export type BaselineRow = Pick<BaselineMetric, 'value' | 'low' | 'high' | 'count'> & {
  readonly metric: string;
  readonly unit: MetricUnit;
  readonly origin: BaselineOrigin;
  /** Who was asked: `live`, or the name of the source whose history it is. */
  readonly source: string;
  /** Limit of its alert as written; absent without one. */
  readonly alert?: string;
};

/** The metrics of a baseline in the order of the plan. */
export function baselineRows(plan: Plan, baseline: Baseline): readonly BaselineRow[] {
  return namesOf(plan, baseline).map((metric) => {
    const { value, low, high, count } = baseline.metrics[metric];
    const origin = originOf(baseline, metric);
    const alert = plan.alerts.find((check) => check.metric === metric)?.text;
    const source = origin.source === 'history' ? `history of ${plan.metrics[metric]?.source ?? 'its source'}` : 'live';
    const unit = unitOf(metric, plan.metrics);
    return { metric, unit, value, low, high, count, origin, source, ...(alert !== undefined && { alert }) };
  });
}

/** One metric of two baselines. */
export type BaselineChange = {
  readonly metric: string;
  readonly unit: MetricUnit;
  readonly before?: BaselineMetric;
  readonly after?: BaselineMetric;
  /** Change as part of the value before: 0.5 is half as much again. Absent where that is 0 or either is missing. */
  readonly change?: number;
  /** Whether the value after lies outside the bounds of the one before. */
  readonly isOutside: boolean;
};

/** What differs between two baselines, metric by metric. */
export function baselineChanges(plan: Plan, before: Baseline, after: Baseline): readonly BaselineChange[] {
  const names = namesOf(plan, { ...after, metrics: { ...before.metrics, ...after.metrics } });
  return names.map((metric) => {
    const [one, other] = [before.metrics[metric], after.metrics[metric]];
    const both = one !== undefined && other !== undefined;
    return {
      metric,
      unit: unitOf(metric, plan.metrics),
      ...(one && { before: one }),
      ...(other && { after: other }),
      ...(both && one.value !== 0 && { change: (other.value - one.value) / Math.abs(one.value) }),
      isOutside: both && (other.value < one.low || other.value > one.high),
    };
  });
}

function namesOf(plan: Plan, { metrics }: Baseline): readonly string[] {
  const planned = Object.keys(plan.metrics).filter((name) => metrics[name] !== undefined);
  return [...planned, ...Object.keys(metrics).filter((name) => plan.metrics[name] === undefined)];
}

import { FULL_WEIGHT } from '@rampart/flags';
import type { Metric } from '../plan.ts';
import type { MetricSnapshot, People, Verdict } from '../verdict.ts';

/** Different people who saw the feature: not fewer than `atLeast`, not more than `atMost` as far as telemetry arrived. */
export type Reach = { readonly atLeast: number; readonly atMost: number };

/**
 * How many different people saw the feature. Without bounds of their own (aborts recorded by older versions), the most of any stage
 * is the only number there is, and it may count a person once per process: nothing is known from below but that somebody was there.
 */
export function reachOf({ treatment, targeted, exposed }: People): Reach {
  const most = treatment + targeted;
  return exposed ?? { atLeast: Math.min(1, most), atMost: most };
}

/**
 * Treated people that a random split makes expect from the control people counted in the same stage and in the same way: control
 * times w / (1 - w), `weight` in thousandths of a percent. `undefined` where the split has no control.
 */
export function expectedTreated(control: number, weight: number): number | undefined {
  if (weight <= 0 || weight >= FULL_WEIGHT || control <= 0) return undefined;
  return (control * weight) / (FULL_WEIGHT - weight);
}

/** Bad events beyond what the reference would have given, with what the interval of the observed rate allows. */
export type Excess = {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly per: Metric['per'];
};

/**
 * Bad events that the feature is estimated to have caused: observations of the treatment times how far its rate lies beyond that of
 * control, else of the baseline. Of proportions only; `undefined` where there is no reference. The bounds are those of the rate's
 * interval; the reference is taken as known. Never below 0: a feature that did better caused none.
 */
export function excessOf(
  verdict: Verdict,
  metric: Metric | undefined,
  snapshot: MetricSnapshot | undefined,
): Excess | undefined {
  const reference = verdict.reference?.value ?? snapshot?.control ?? snapshot?.baseline;
  if (metric?.kind !== 'proportion' || verdict.value === undefined || reference === undefined) return undefined;
  const sign = metric.harm === 'lower' ? -1 : 1;
  const beyond = (rate: number) => Math.max(0, verdict.treatmentCount * sign * (rate - reference));
  // An interval of other evidence than the value (recent against all) may lie beside it.
  const bounds = verdict.interval && [...verdict.interval, verdict.value].map(beyond);
  return {
    value: Math.round(beyond(verdict.value)),
    ...(bounds && { low: Math.floor(Math.min(...bounds)), high: Math.ceil(Math.max(...bounds)) }),
    per: metric.per,
  };
}

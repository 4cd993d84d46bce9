import type { Check, Metric } from '../plan.ts';
import type { Baseline, Validity } from '../verdict.ts';
import type { Histogram, MetricBatch } from './arm-sums.ts';
import { compareMethod } from './compare-method.ts';
import { type Side, usesControl } from './line.ts';
import { RATE_METHOD } from './rate-method.ts';
import { sampleMethod } from './sample-method.ts';
import type { Tally } from './tally.ts';

/** What a method may look at beside the batch, all of it fixed before the batch. */
export type MethodContext = {
  readonly check: Check;
  readonly metric: Metric;
  readonly baseline?: Baseline;
  /** Control's histogram before this batch: the cut of a quantile comparison must not depend on what it judges. */
  readonly controlBefore: Histogram;
  /** Length of the batch, for rates; 0 where part of it was not seen, so that silence is never taken for a low rate. */
  readonly batchMs: number;
};

/** Evidence of one side of a check. */
export type SideEvidence = {
  readonly logE: number;
  readonly treatmentCount: number;
  readonly controlCount: number;
  /** Estimate and anytime 95 % interval in the metric's unit, where the method has them. */
  readonly value?: number;
  readonly interval?: readonly [number, number];
  readonly validity: Validity;
  /** What is missing before the method may speak. */
  readonly insufficient?: string;
};

/** A way to judge: turns batches into tallies and tallies into evidence. */
export type Method = {
  /** Name for people, with the section of the statistics it implements. */
  readonly name: string;
  readonly increment: (batch: MetricBatch, side: Side, context: MethodContext) => Tally;
  readonly evidence: (tally: Tally, side: Side, context: MethodContext) => SideEvidence;
};

/** The method of a check, by rule: control-relative → bucket score (f2); rates → Poisson (d1); the rest against a line (a3, b1, c1). Count limits have none: they are a plain rule. */
export function methodOf(check: Check, metric: Metric): Method {
  if (metric.kind === 'rate' || metric.kind === 'count') return RATE_METHOD;
  return usesControl(check) ? compareMethod(metric) : sampleMethod(metric);
}

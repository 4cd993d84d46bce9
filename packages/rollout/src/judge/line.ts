import type { Check, Limit, Metric } from '../plan.ts';
import type { Baseline } from '../verdict.ts';

/** Which of the two e-processes of a check: evidence of harm, or of safety. */
export type Side = 'fail' | 'pass';

/** The limit that a side is held against. */
export function limitOf(check: Check, side: Side): Limit {
  return side === 'pass' ? (check.passLimit ?? check.limit) : check.limit;
}

/**
 * The value a side compares the treatment with, for limits that need no control; `undefined` without a baseline.
 * The baseline is a finite sample: each side takes the end of its 99 % bounds that makes the side's claim harder.
 */
export function lineOf(check: Check, metric: Metric, side: Side, baseline: Baseline | undefined): number | undefined {
  const limit = limitOf(check, side);
  if (limit.kind === 'absolute') return limit.value;
  if (limit.kind === 'count') return limit.count;
  if (limit.reference === 'control') return undefined;
  const reference = baseline?.metrics[metric.name];
  if (reference === undefined) return undefined;
  const takesHigh = (metric.harm === 'higher') === (side === 'fail');
  return limit.ratio * (takesHigh ? reference.high : reference.low) + limit.offset;
}

/** Whether a check compares with control (and so needs a random split). */
export function usesControl(check: Check): boolean {
  return check.limit.kind === 'relative' && check.limit.reference === 'control';
}

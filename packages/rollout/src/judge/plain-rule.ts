import type { Check, KillTrip } from '../plan.ts';
import { exceedances, exposedSums, type MetricBatch } from './arm-sums.ts';
import type { CheckEvidence } from './evidence-state.ts';
import { lineOf } from './line.ts';
import type { MethodContext } from './method.ts';
import { total } from './tally.ts';

/** Times running a plain rule must be broken before it trips. */
export const BROKEN_TO_TRIP = 2;

function isTrip(check: Check): check is KillTrip {
  return 'minSample' in check && 'windowMs' in check;
}

function lineNow(check: KillTrip, context: MethodContext): number | undefined {
  return lineOf(check, context.metric, 'fail', context.baseline);
}

function observed(batch: MetricBatch, check: KillTrip, context: MethodContext, at: number) {
  const arms = exposedSums(batch);
  const line = lineNow(check, context) ?? Number.POSITIVE_INFINITY;
  const isQuantile = context.metric.kind === 'quantile';
  const bad = arms.map((arm) => (isQuantile ? total(exceedances(arm, line, true)) : total(arm.x)));
  return { at, n: total(arms.map((arm) => total(arm.n))), bad: total(bad) };
}

function isBroken(window: CheckEvidence['window'], check: KillTrip, context: MethodContext): boolean {
  const line = lineNow(check, context);
  const [n, bad] = [total(window.map((one) => one.n)), total(window.map((one) => one.bad))];
  const { kind, harm, quantile } = context.metric;
  // How many there were in a window says nothing about a rate without the share that was exposed.
  if (line === undefined || n < check.minSample || kind === 'rate' || kind === 'count') return false;
  if (kind === 'quantile') return bad / n > 1 - (quantile ?? 0.99);
  return harm === 'higher' ? bad / n > line : bad / n < line;
}

/**
 * The plain rule beside a kill trip: value beyond the limit over the window, with enough observations, twice running
 * (semantics §1). It makes no statistical claim and needs none: a false kill costs a retry.
 */
export function foldPlainRule(
  before: CheckEvidence,
  check: Check,
  batch: MetricBatch,
  context: MethodContext,
  at: number,
): CheckEvidence {
  if (!isTrip(check)) return before;
  const seen = observed(batch, check, context, at);
  if (seen.n === 0) return before;
  const window = [...before.window, seen].filter((one) => one.at > at - check.windowMs);
  return { ...before, window, broken: isBroken(window, check, context) ? before.broken + 1 : 0 };
}

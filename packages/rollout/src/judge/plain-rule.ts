import { formatElapsed } from '../plan/duration.ts';
import { formatValue } from '../plan/format-limit.ts';
import type { Check, KillTrip, Metric } from '../plan.ts';
import { exceedances, exposedSums, type MetricBatch } from './arm-sums.ts';
import type { CheckEvidence } from './evidence-state.ts';
import { lineOf } from './line.ts';
import type { MethodContext } from './method.ts';
import { total } from './tally.ts';

/** Method of a verdict that the plain rule gave. */
export const PLAIN_RULE = 'plain rule: value over the window, twice running';

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

/** Observations of the window, and the bad ones or (for a mean) their sum. */
function sumOf(window: CheckEvidence['window']) {
  return { n: total(window.map((one) => one.n)), bad: total(window.map((one) => one.bad)) };
}

function isBroken(window: CheckEvidence['window'], check: KillTrip, context: MethodContext): boolean {
  const line = lineNow(check, context);
  const { n, bad } = sumOf(window);
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

/**
 * What tripped: the value over the window, and in words the window and how many observations it held. Of a quantile the window
 * keeps the share beyond the limit alone, so that there is no value.
 */
export function plainRuleTrip(
  evidence: CheckEvidence,
  check: Check,
  metric: Metric,
): { readonly value?: number; readonly note: string } {
  const { n, bad } = sumOf(evidence.window);
  const over = isTrip(check) ? ` over ${formatElapsed(check.windowMs)}` : '';
  const isQuantile = metric.kind === 'quantile';
  const share = isQuantile ? `: ${formatValue(bad / n, 'ratio', 3)} of them beyond the limit` : '';
  return { ...(!isQuantile && { value: bad / n }), note: `tripped by the plain rule${over}, n = ${n}${share}` };
}

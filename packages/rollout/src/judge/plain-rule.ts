import { formatElapsed } from '../plan/duration.ts';
import { formatValue } from '../plan/format-limit.ts';
import type { Check, KillTrip, Metric } from '../plan.ts';
import type { Baseline } from '../verdict.ts';
import type { TripEvidence } from './evidence-state.ts';
import { firstBinBeyond } from './histogram.ts';
import { lineOf } from './line.ts';
import type { ArmSums, MetricBatch } from './prepared-batch.ts';

/** Method of a verdict that the plain rule gave. */
export const PLAIN_RULE = 'plain rule: value over the window, twice running';

/** Times running a plain rule must be broken before it trips. */
export const BROKEN_TO_TRIP = 2;

function isTrip(check: Check): check is KillTrip {
  return 'minSample' in check && 'windowMs' in check;
}

function beyond({ bins }: ArmSums, line: number, certain: boolean): number {
  const first = firstBinBeyond(line, certain);
  let sum = 0;
  for (let index = 0; bins !== undefined && index < bins.bin.length; index += 1) {
    if (bins.bin[index] >= first) sum += bins.count[index];
  }
  return sum;
}

function observed(batch: MetricBatch, metric: Metric, line: number, at: number) {
  let n = 0;
  let bad = 0;
  const add = (arm: ArmSums) => {
    n += arm.totals.n;
    bad += metric.kind === 'quantile' ? beyond(arm, line, metric.harm === 'higher') : arm.totals.x;
  };
  for (const { treatment } of batch.strata) add(treatment);
  for (const { sums } of batch.targeted) add(sums);
  return { at, n, bad };
}

/** Observations of the window, and the bad ones or (for a mean) their sum. */
function sumOf(window: TripEvidence['window']) {
  let [n, bad] = [0, 0];
  for (const one of window) {
    n += one.n;
    bad += one.bad;
  }
  return { n, bad };
}

function isBroken(window: TripEvidence['window'], check: KillTrip, metric: Metric, line: number | undefined): boolean {
  const { n, bad } = sumOf(window);
  const { kind, harm, quantile } = metric;
  // How many there were in a window says nothing about a rate without the share that was exposed.
  if (line === undefined || n < check.minSample || kind === 'rate' || kind === 'count') return false;
  if (kind === 'quantile') {
    const tail = 1 - (quantile ?? 0.99);
    return harm === 'higher' ? bad / n > tail : bad / n < tail;
  }
  return harm === 'higher' ? bad / n > line : bad / n < line;
}

/** Before anything was seen. */
export const NO_TRIP_EVIDENCE: TripEvidence = { window: [], broken: 0 };

/**
 * The plain rule beside a kill trip: value beyond the limit over the window, with enough observations, twice running
 * (semantics §1). It makes no statistical claim and needs none: a false kill costs a retry.
 */
export function foldPlainRule(
  into: Record<string, TripEvidence>,
  check: Check,
  metric: Metric,
  batch: MetricBatch,
  at: number,
  baseline: Baseline | undefined,
): void {
  if (!isTrip(check)) return;
  const line = lineOf(check, metric, 'fail', baseline);
  const seen = observed(batch, metric, line ?? Number.POSITIVE_INFINITY, at);
  if (seen.n === 0) return;
  const before = into[check.id] ?? NO_TRIP_EVIDENCE;
  const window = [];
  for (const one of before.window) if (one.at > at - check.windowMs) window.push(one);
  window.push(seen);
  into[check.id] = { window, broken: isBroken(window, check, metric, line) ? before.broken + 1 : 0 };
}

/**
 * What tripped: the value over the window, and in words the window and how many observations it held. Of a quantile the window
 * keeps the share beyond the limit alone, so that there is no value.
 */
export function plainRuleTrip(
  evidence: TripEvidence,
  check: Check,
  metric: Metric,
): { readonly value?: number; readonly note: string } {
  const { n, bad } = sumOf(evidence.window);
  const over = isTrip(check) ? ` over ${formatElapsed(check.windowMs)}` : '';
  const isQuantile = metric.kind === 'quantile';
  const share = isQuantile ? `: ${formatValue(bad / n, 'ratio', 3)} of them beyond the limit` : '';
  return { ...(!isQuantile && { value: bad / n }), note: `tripped by the plain rule${over}, n = ${n}${share}` };
}

import type { Limit, Metric } from '../plan.ts';
import { asksImprovement, isAtReference, limitForms, parseLimit } from './limit.ts';

/** The line of the pass side where it differs from the limit, or what is wrong with the margin. */
export type MarginResult =
  | { readonly ok: true; readonly passLimit?: Limit }
  | { readonly ok: false; readonly code: 'invalid-margin'; readonly message: string };

/**
 * Default margin of a limit at its reference: 1.5x (harm higher) for proportions and counts, 1.1x for means, ratios,
 * quantiles and rates, 2 points for shares that should not fall, such as conversion (semantics §2).
 */
function defaultPassLimit(reference: 'control' | 'baseline', metric: Metric): Limit {
  const higher = metric.harm === 'higher';
  if (metric.kind === 'proportion' && !higher) return { kind: 'relative', reference, ratio: 1, offset: -0.02 };
  const rare = metric.kind === 'proportion' || metric.kind === 'count';
  const ratio = rare ? (higher ? 1.5 : 0.5) : higher ? 1.1 : 0.9;
  return { kind: 'relative', reference, ratio, offset: 0 };
}

/** How far a relative limit allows the metric to go the harmful way when the reference is `at`. */
function allowance(limit: Limit, metric: Metric, at: number): number {
  const line = limit.kind === 'relative' ? limit.ratio * at + limit.offset : 0;
  return metric.harm === 'higher' ? line - at : at - line;
}

/** Compares the two lines at a small and at a large reference: a line looser at both is looser between. */
function isTighter(margin: Limit, limit: Limit, metric: Metric): boolean {
  return [0, 1].some((at) => allowance(margin, metric, at) < allowance(limit, metric, at) - 1e-12);
}

/**
 * The pass line of a check. A margin (`1.2x`, `1%`, `$0.05`) is read against the limit's own reference and must be at
 * least as loose as the limit; without one, a limit at its reference gets the default margin and others pass at the limit.
 */
export function passLimitOf(limit: Limit, metric: Metric, margin: string | undefined): MarginResult {
  if (margin === undefined) {
    return limit.kind === 'relative' && isAtReference(limit)
      ? { ok: true, passLimit: defaultPassLimit(limit.reference, metric) }
      : { ok: true };
  }
  const refuse = (why: string): MarginResult => ({
    ok: false,
    code: 'invalid-margin',
    message: `margin ${JSON.stringify(margin)} ${why}`,
  });
  if (limit.kind !== 'relative') {
    return refuse('needs a limit relative to control or baseline; remove it, or write the limit as 1x control');
  }
  const factor = /^(\S+?)\s*[x×]$/.exec(margin.trim());
  const text = factor ? `${factor[1]}x ${limit.reference}` : `not worse than ${limit.reference} by ${margin.trim()}`;
  const parsed = parseLimit(text, metric);
  if (!parsed.ok)
    return refuse(`is not a margin for ${metric.name}; write 1.2x, 1%, or an amount as in ${limitForms(metric)}`);
  if (isAtReference(parsed.limit) || asksImprovement(parsed.limit, metric)) {
    return refuse(
      `leaves no room; write ${metric.harm === 'higher' ? 'a factor above 1, as 1.2x' : 'a factor below 1, as 0.9x'}, or a share as 1%`,
    );
  }
  if (isTighter(parsed.limit, limit, metric)) return refuse('is tighter than the limit itself; write a looser one');
  return { ok: true, passLimit: parsed.limit };
}

import type { Limit, Metric } from '../../plan.ts';
import type { Validity } from '../../verdict.ts';

/** A rule that picks the method of a check, as docs/reference/plan.md lists them. */
export type MethodRule = {
  readonly of: string;
  /** As verdicts name it. */
  readonly method: string;
  /** Of a source that knows its users; one that does not `assumes independent requests`. */
  readonly validity: Validity;
};

const RULES = {
  ratio: {
    of: 'a share against a multiple of control',
    method: 'rate-ratio grid (a1), design effect of users',
    validity: 'asymptotic',
  },
  matchedCut: {
    of: 'a quantile against a multiple of control',
    method: 'matched-cut exceedance (c2), rate-ratio grid (a1), design effect of users',
    validity: 'asymptotic',
  },
  score: {
    of: 'a mean or a ratio against control; a share against control plus an amount',
    method: 'score over user buckets (f2)',
    validity: 'asymptotic',
  },
  cutScore: {
    of: 'a quantile against control plus an amount',
    method: 'matched-cut exceedance (c2), score over user buckets (f2)',
    validity: 'asymptotic',
  },
  threshold: {
    of: 'a share against a number or the baseline',
    method: 'threshold grid (a3), design effect of users',
    validity: 'asymptotic',
  },
  exceedance: {
    of: 'a quantile against a number or the baseline',
    method: 'exceedance of the limit (c1), threshold grid (a3), design effect of users',
    validity: 'asymptotic',
  },
  mean: {
    of: 'a mean or a ratio against a number or the baseline',
    method: 'one-sided normal mixture (b1) over user buckets',
    validity: 'asymptotic',
  },
  rate: {
    of: 'a rate; a count against control or the baseline',
    method: 'share of traffic (b1) with design effect of users; Poisson rate (d1) of the whole',
    validity: 'asymptotic',
  },
  count: { of: 'a count against a number per window', method: 'count in a sliding window', validity: 'plain rule' },
} as const satisfies Readonly<Record<string, MethodRule>>;

/** Every rule, in the order of the table. */
export const METHOD_RULES: readonly MethodRule[] = Object.values(RULES);

function controlRule(kind: Metric['kind'], offset: number): MethodRule {
  if (kind === 'quantile') return offset === 0 ? RULES.matchedCut : RULES.cutScore;
  return kind === 'proportion' && offset === 0 ? RULES.ratio : RULES.score;
}

/** The rule that picks the method for a limit of a metric. */
export function methodRule(limit: Limit, { kind }: Metric): MethodRule {
  if (limit.kind === 'count') return RULES.count;
  if (kind === 'rate' || kind === 'count') return RULES.rate;
  if (limit.kind === 'relative' && limit.reference === 'control') return controlRule(kind, limit.offset);
  if (kind === 'quantile') return RULES.exceedance;
  return kind === 'proportion' ? RULES.threshold : RULES.mean;
}

/** How far the error rates of a check's verdicts will hold, by its rule and source. */
export function validityOf(limit: Limit, metric: Metric): Validity {
  const { validity } = methodRule(limit, metric);
  return validity === 'plain rule' || metric.source === 'telemetry' ? validity : 'assumes independent requests';
}

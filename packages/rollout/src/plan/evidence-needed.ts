import { concurrentPassExposures, gaussianLimit, passExposures } from '@rampart/stats';
import type { Check, Limit, Metric } from '../plan.ts';
import type { Validity } from '../verdict.ts';
import { HOUR_MS } from './duration.ts';

/** What a pass of one check is expected to take. */
export type EvidenceNeeded = {
  readonly method: string;
  readonly validity: Validity;
  /** Observations in treatment; `null`: not counted in observations, not known, or never (see `why`). */
  readonly observations: number | null;
  /** Least hours whatever the traffic, for checks that wait for a window. */
  readonly hours?: number;
  /** What the numbers assume, or why there are none. */
  readonly why?: string;
  /** The expected value lies beyond the limit: the check cannot pass. */
  readonly isBeyond: boolean;
};

/** `expected`: today's value in the metric's unit, which treatment is assumed to keep. `share`: of everyone, in (0, 1]. */
export type Expectation = { readonly expected?: number; readonly share: number; readonly beta: number };

type Estimate = Pick<EvidenceNeeded, 'observations' | 'hours' | 'why'>;

const METHODS: Readonly<Record<Metric['kind'], readonly [absolute: string, relative: string]>> = {
  proportion: ['grid of shares against the limit', 'conditional Poisson against the reference'],
  mean: ['mean against the limit', 'stratified means'],
  ratio: ['mean per observation against the limit', 'stratified means per observation'],
  quantile: ['exceedances of the limit', 'matched-cut exceedances'],
  rate: ['Poisson rate against the limit', 'Poisson rate against the reference'],
  count: ['deterministic limit', 'Poisson rate against the reference'],
};

/** Where the metric goes from bad to good; for a relative limit needs the reference's value. */
function lineOf(limit: Limit, expected: number | undefined): number | undefined {
  if (limit.kind === 'absolute') return limit.value;
  if (limit.kind === 'count') return limit.count;
  return expected === undefined ? undefined : limit.ratio * expected + limit.offset;
}

function unknownValue(metric: Metric): Estimate {
  return { observations: null, why: `give today's ${metric.name} to know how much evidence a pass needs` };
}

function isConcurrent(limit: Limit, share: number): boolean {
  return limit.kind === 'relative' && limit.reference === 'control' && share < 1;
}

/** The share of bad observations and its limit: of what should not fall, the rest is bad. */
function proportionPass(limit: Limit, metric: Metric, { expected, share, beta }: Expectation): Estimate {
  const higher = metric.harm === 'higher';
  const line = lineOf(limit, expected);
  if (line === undefined) return unknownValue(metric);
  const p = expected ?? (higher ? 0 : 1);
  const why = expected === undefined ? { why: 'at best, with no bad event at all' } : {};
  if (limit.kind === 'relative' && p > 0 && line > 0) {
    // A baseline is replayed as if it were a control of everyone.
    const controlPerTreatment = isConcurrent(limit, share) ? (1 - share) / share : 1 / share;
    return { observations: concurrentPassExposures({ p, margin: line / p, controlPerTreatment, beta }) };
  }
  if (line <= 0 || line >= 1) return { observations: null, why: 'the limit is outside 0 to 100 % for this reference' };
  const bad = higher ? { p, limit: line } : { p: 1 - p, limit: 1 - line };
  return { observations: passExposures({ ...bad, beta }), ...why };
}

/** How fast the tail above a high quantile thins out, as a power: that of a log-normal with spread 1 near its p99. */
const TAIL_POWER = 3;

function quantilePass(limit: Limit, metric: Metric, { expected, beta }: Expectation): Estimate {
  const share = 1 - (metric.quantile ?? 0.99);
  const scale = limit.kind === 'relative' && limit.offset === 0 ? 1 : expected;
  const line = lineOf(limit, scale);
  if (line === undefined) return unknownValue(metric);
  if (scale === undefined) {
    return { observations: passExposures({ p: 0, limit: share, beta }), why: 'at best, with nothing above the limit' };
  }
  const room = metric.harm === 'higher' ? line / scale : scale / line;
  const p = room > 1 ? share * room ** -TAIL_POWER : share;
  return {
    observations: passExposures({ p, limit: share, beta }),
    why: 'assumes the tail of a log-normal with spread 1',
  };
}

function meanPass(limit: Limit, metric: Metric, { expected, share, beta }: Expectation): Estimate {
  const line = lineOf(limit, expected);
  if (expected === undefined || line === undefined) return unknownValue(metric);
  const isScore = metric.unit === 'score';
  const variance = isScore ? expected * (1 - expected) : expected ** 2;
  const why = isScore ? 'assumes the widest spread a score can have' : 'assumes values spread as widely as their mean';
  const varianceControl = isConcurrent(limit, share) ? variance : 0;
  const delta = line - expected;
  if (delta === 0 || variance === 0) return { observations: null, why: "today's value leaves nothing to compare" };
  const controlPerTreatment = varianceControl === 0 ? 1 : (1 - share) / share;
  const input = { alpha: beta, delta, varianceTreatment: variance, varianceControl, controlPerTreatment };
  return { observations: Math.ceil(gaussianLimit(input)), why };
}

/** Events until a Poisson rate that equals its reference passes a line at `ratio` times it (Wald's limit). */
function poissonEvents(ratio: number, beta: number): number {
  return Math.log(1 / beta) / (ratio - 1 - Math.log(ratio));
}

/** `expected`: for a rate, events per second; for a count, events per day of everyone. */
function ratePass(limit: Limit, metric: Metric, { expected, share, beta }: Expectation): Estimate {
  if (limit.kind === 'count')
    return { observations: null, hours: limit.windowMs / HOUR_MS, why: 'a whole window at or below the limit' };
  const scale = limit.kind === 'relative' && limit.offset === 0 ? 1 : expected;
  const line = lineOf(limit, scale);
  if (!scale || line === undefined || line <= 0) return unknownValue(metric);
  const events = poissonEvents(line / scale, beta);
  if (metric.kind === 'rate') return { observations: Math.ceil(events), why: 'at best: one observation per event' };
  if (!expected) return unknownValue(metric);
  return {
    observations: null,
    hours: (events / (expected * share)) * 24,
    why: 'at best, for the expected number per day',
  };
}

function estimate(limit: Limit, metric: Metric, expectation: Expectation): Estimate {
  switch (metric.kind) {
    case 'proportion':
      return proportionPass(limit, metric, expectation);
    case 'quantile':
      return quantilePass(limit, metric, expectation);
    case 'mean':
    case 'ratio':
      return meanPass(limit, metric, expectation);
    default:
      return ratePass(limit, metric, expectation);
  }
}

function validityOf(check: Check, metric: Metric): Validity {
  if (check.limit.kind === 'count') return 'plain rule';
  return metric.source === 'telemetry' ? 'asymptotic' : 'assumes independent requests';
}

function isBeyond(limit: Limit, metric: Metric, expected: number | undefined): boolean {
  const line = lineOf(limit, expected);
  if (expected === undefined || line === undefined || limit.kind === 'count') return false;
  return metric.harm === 'higher' ? expected >= line : expected <= line;
}

/**
 * The evidence that a check is expected to need for a pass when treatment behaves as today: the expected path of the
 * pass side where it is known exactly, else the information limit (`reference: statistics 4`), times the design effect.
 */
export function evidenceNeeded(check: Check, metric: Metric, expectation: Expectation): EvidenceNeeded {
  const limit = check.passLimit ?? check.limit;
  const method = METHODS[metric.kind][limit.kind === 'relative' ? 1 : 0];
  const base = { method, validity: validityOf(check, metric) };
  if (isBeyond(limit, metric, expectation.expected)) {
    return { ...base, observations: null, isBeyond: true, why: 'the expected value is beyond the limit already' };
  }
  const needed = estimate(limit, metric, expectation);
  const isKnown = needed.observations !== null && Number.isFinite(needed.observations);
  const observations = isKnown ? Math.ceil((needed.observations ?? 0) * metric.designEffect) : null;
  const why = needed.observations !== null && !isKnown ? { why: 'too close to the limit to pass in any time' } : {};
  return { ...base, ...needed, ...why, observations, isBeyond: false };
}

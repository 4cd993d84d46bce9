import type { Metric, Plan } from '@rampart/rollout';
import type { Effect, MetricModel, World } from './world.ts';

/** What is known of a site; everything else takes the defaults below. */
export type WorldFacts = {
  /** Default: 100,000. */
  readonly requestsPerDay?: number;
  /** Default: a tenth of the requests per day. */
  readonly users?: number;
  /** Today's value of metrics in their own unit; counts are per day. Default: `TYPICAL`. */
  readonly baselines?: Readonly<Record<string, number>>;
  readonly effects?: readonly Effect[];
  /** Default: 1 % of everyone for each audience of the plan. */
  readonly audiences?: Readonly<Record<string, number>>;
  /** Default: `TYPICAL_SPREADS`. */
  readonly spreads?: Spreads;
};

/** How widely single observations are spread. */
export type Spreads = {
  /** Standard deviation of the logarithm of latencies, above 0. */
  readonly latencySigma: number;
  /** The same of values such as costs. */
  readonly valueSigma: number;
  /** Concentration of scores (beta), above 0: a larger one is narrower. */
  readonly scoreConcentration: number;
};

/** Spreads of a well-behaved service. */
export const TYPICAL_SPREADS: Spreads = { latencySigma: 0.5, valueSigma: 0.6, scoreConcentration: 20 };

/**
 * Spreads that the forecast of a plan (`previewPlan`) assumes: latencies log-normal with spread 1, values with a standard
 * deviation of their mean, scores as wide as can be (nearly all 0 or 1).
 */
export const PLAN_SPREADS: Spreads = { latencySigma: 1, valueSigma: Math.sqrt(Math.LN2), scoreConcentration: 0.01 };

/** A world, or what is missing or wrong in the facts. */
export type WorldResult =
  | { readonly ok: true; readonly world: World }
  | {
      readonly ok: false;
      readonly code: 'METRIC_UNKNOWN' | 'BASELINE_MISSING' | 'BASELINE_INVALID' | 'AUDIENCES_INVALID';
      readonly message: string;
    };

/** Values taken for the metrics of the catalog where none is given, each in its unit; counts are per day. */
export const TYPICAL: Readonly<Record<string, number>> = {
  errorRate: 0.001,
  p99Latency: 0.4,
  hallucinationRate: 0.02,
  faithfulness: 0.95,
  costPerQuery: 0.02,
  tokensPerQuery: 500,
  timeToFirstToken: 0.6,
  userComplaints: 2,
  supportTickets: 5,
  conversion: 0.1,
  engagement: 5,
};

const DEFAULT_REQUESTS_PER_DAY = 100_000;
const REQUESTS_PER_USER_AND_DAY = 10;
const DEFAULT_AUDIENCE = 0.01;

function modelOf(metric: Metric, today: number, spreads: Spreads): MetricModel {
  const { latencySigma, valueSigma, scoreConcentration } = spreads;
  switch (metric.kind) {
    case 'proportion':
      return { kind: 'proportion', rate: today };
    case 'quantile':
      return { kind: 'quantile', level: today, quantile: metric.quantile ?? 0.99, sigma: latencySigma };
    case 'rate':
      return { kind: 'traffic' };
    case 'count':
      return { kind: 'count', perDay: today };
    default:
      return metric.unit === 'score'
        ? { kind: 'score', mean: today, concentration: scoreConcentration }
        : { kind: 'value', mean: today, sigma: valueSigma };
  }
}

/** Why a value cannot be today's value of a metric. */
function refusalOf(metric: Metric, today: number | undefined): WorldResult | undefined {
  if (metric.kind === 'rate') return undefined;
  if (today === undefined) {
    const message = `${metric.name} has no value for today; give one, for example ${metric.name}=${metric.unit === 'ratio' ? '0.01' : '1'}`;
    return { ok: false, code: 'BASELINE_MISSING', message };
  }
  const isShare = metric.kind === 'proportion' || metric.unit === 'score';
  const isFine = Number.isFinite(today) && (isShare ? today >= 0 && today < 1 : today > 0 || metric.kind === 'count');
  if (isFine && today >= 0) return undefined;
  const range = isShare ? 'a share from 0 to below 1' : metric.kind === 'count' ? 'at least 0 per day' : 'above 0';
  return { ok: false, code: 'BASELINE_INVALID', message: `${metric.name}=${today} cannot be; it must be ${range}` };
}

function unknownMetric(plan: Plan, facts: WorldFacts): WorldResult | undefined {
  const named = [...Object.keys(facts.baselines ?? {}), ...(facts.effects ?? []).map((effect) => effect.metric)];
  const unknown = named.find((name) => !Object.hasOwn(plan.metrics, name));
  if (unknown === undefined) return undefined;
  const known = Object.keys(plan.metrics).join(', ');
  return { ok: false, code: 'METRIC_UNKNOWN', message: `the plan has no metric ${unknown}; it has ${known}` };
}

function audiencesOf(plan: Plan, facts: WorldFacts): Readonly<Record<string, number>> {
  const named = plan.stages.flatMap((stage) => (stage.audience === undefined ? [] : [stage.audience]));
  return { ...Object.fromEntries(named.map((name) => [name, DEFAULT_AUDIENCE])), ...facts.audiences };
}

/** The undisturbed world that the facts describe, for the metrics of a plan. */
export function buildWorld(plan: Plan, facts: WorldFacts): WorldResult {
  const unknown = unknownMetric(plan, facts);
  if (unknown !== undefined) return unknown;
  const metrics: Record<string, MetricModel> = {};
  for (const metric of Object.values(plan.metrics)) {
    const today = facts.baselines?.[metric.name] ?? TYPICAL[metric.name];
    const refusal = refusalOf(metric, today);
    if (refusal !== undefined) return refusal;
    metrics[metric.name] = modelOf(metric, today ?? 0, facts.spreads ?? TYPICAL_SPREADS);
  }
  const audiences = audiencesOf(plan, facts);
  const together = Object.values(audiences).reduce((sum, share) => sum + share, 0);
  if (together > 1 || Object.values(audiences).some((share) => !(share >= 0))) {
    const message = `audiences of ${JSON.stringify(audiences)} cannot be; shares are from 0 and together at most 1`;
    return { ok: false, code: 'AUDIENCES_INVALID', message };
  }
  const requestsPerDay = facts.requestsPerDay ?? DEFAULT_REQUESTS_PER_DAY;
  const users = facts.users ?? Math.max(1, Math.round(requestsPerDay / REQUESTS_PER_USER_AND_DAY));
  return {
    ok: true,
    world: { requestsPerDay, users, metrics, effects: facts.effects ?? [], audiences, disturbances: {} },
  };
}

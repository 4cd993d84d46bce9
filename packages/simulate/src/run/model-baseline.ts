import type { Baseline, BaselineMetric, Metric, Plan } from '@rampart/rollout';
import { clopperPearsonLower, clopperPearsonUpper } from '@rampart/stats';
import type { Chance } from '../chance/chance.ts';
import { normalQuantile } from '../chance/normal-quantile.ts';
import type { MetricModel, World } from '../world/world.ts';

const DAY_MS = 86_400_000;
/** Level of each one-sided bound, as captured baselines have it, and its normal quantile. */
const BOUND_LEVEL = 0.01;
const BOUND_Z = 2.326;

type Drawn = Omit<BaselineMetric, 'count'>;

function shareBaseline(rate: number, count: number, chance: Chance): Drawn {
  const events = Math.min(count, chance.poisson(rate * count));
  return {
    value: events / count,
    low: clopperPearsonLower(events, count, BOUND_LEVEL),
    high: clopperPearsonUpper(events, count, BOUND_LEVEL),
  };
}

/** Sample quantile and its order-statistic bounds, on the scale of shares. */
function quantileBaseline(model: Extract<MetricModel, { kind: 'quantile' }>, count: number, chance: Chance): Drawn {
  const { level, quantile, sigma } = model;
  const tail = (1 - quantile) * count;
  const valueAt = (upper: number) =>
    level * Math.exp(sigma * (normalQuantile(1 - Math.min(0.999, Math.max(1e-12, upper))) - normalQuantile(quantile)));
  // The share of all values that lies beyond the sample's own quantile scatters like a binomial count.
  const actual = Math.max(0.5, tail + Math.sqrt(tail * quantile) * chance.normal());
  const scale = actual / tail;
  return {
    value: valueAt(actual / count),
    low: valueAt(scale * clopperPearsonUpper(tail, count, BOUND_LEVEL)),
    high: valueAt(scale * clopperPearsonLower(tail, count, BOUND_LEVEL)),
  };
}

function meanBaseline(mean: number, deviation: number, count: number, chance: Chance): Drawn {
  const error = deviation / Math.sqrt(count);
  const value = mean + error * chance.normal();
  return { value, low: value - BOUND_Z * error, high: value + BOUND_Z * error };
}

function rateBaseline(expected: number, windowMs: number, chance: Chance): BaselineMetric {
  const count = chance.poisson(expected);
  const seconds = windowMs / 1000;
  const radius = BOUND_Z * Math.sqrt(count);
  const [value, low, high] = [count, Math.max(0, count - radius), count + radius].map((one) => one / seconds);
  return { value, low, high, count };
}

function deviationOf(model: Extract<MetricModel, { kind: 'value' | 'score' }>): number {
  if (model.kind === 'value') return model.mean * Math.sqrt(Math.expm1(model.sigma ** 2));
  return Math.sqrt((model.mean * (1 - model.mean)) / (model.concentration + 1));
}

function metricBaseline(
  metric: Metric,
  model: MetricModel,
  world: World,
  windowMs: number,
  chance: Chance,
): BaselineMetric | undefined {
  const requests = (world.requestsPerDay * windowMs) / DAY_MS;
  if (model.kind === 'traffic') return rateBaseline(requests, windowMs, chance);
  if (model.kind === 'count') return rateBaseline((model.perDay * windowMs) / DAY_MS, windowMs, chance);
  const units =
    metric.per === 'user' && world.users > 0 ? Math.min((world.users * windowMs) / DAY_MS, requests) : requests;
  const count = chance.poisson(units);
  if (count === 0) return undefined;
  if (model.kind === 'proportion') return { ...shareBaseline(model.rate, count, chance), count };
  if (model.kind === 'quantile') return { ...quantileBaseline(model, count, chance), count };
  return { ...meanBaseline(model.mean, deviationOf(model), count, chance), count };
}

/**
 * A frozen baseline drawn from the model at once: what capturing it would have given, but for disturbances. It is a finite
 * sample like a real one, of the plan's window up to `now`.
 */
export function modelBaseline(plan: Plan, world: World, chance: Chance, now: number): Baseline {
  const { windowMs } = plan.baseline;
  const metrics: Record<string, BaselineMetric> = {};
  for (const metric of Object.values(plan.metrics)) {
    const model = world.metrics[metric.name];
    const drawn = model && metricBaseline(metric, model, world, windowMs, chance);
    if (drawn !== undefined) metrics[metric.name] = drawn;
  }
  return { fromAt: now - windowMs, toAt: now, metrics };
}

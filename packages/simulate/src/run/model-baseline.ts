import {
  type Baseline,
  type BaselineMetric,
  type Metric,
  type Plan,
  WEEK_SLOTS,
  type WeekProfile,
} from '@rampart/rollout';
import { clopperPearsonLower, clopperPearsonUpper } from '@rampart/stats';
import type { Chance } from '../chance/chance.ts';
import { normalQuantile } from '../chance/normal-quantile.ts';
import { waveAt } from '../site/conditions.ts';
import type { MetricModel, World } from '../world/world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Level of each one-sided bound, as captured baselines have it, and its normal quantile. */
const BOUND_LEVEL = 0.01;
const BOUND_Z = 2.326;

type Drawn = Omit<BaselineMetric, 'count'>;

function shareBaseline(events: number, count: number): Drawn {
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

function rateBaseline(count: number, windowMs: number): BaselineMetric {
  const seconds = windowMs / 1000;
  const radius = BOUND_Z * Math.sqrt(count);
  const [value, low, high] = [count, Math.max(0, count - radius), count + radius].map((one) => one / seconds);
  return { value, low, high, count };
}

function deviationOf(model: Extract<MetricModel, { kind: 'value' | 'score' }>): number {
  if (model.kind === 'value') return model.mean * Math.sqrt(Math.expm1(model.sigma ** 2));
  return Math.sqrt((model.mean * (1 - model.mean)) / (model.concentration + 1));
}

type Window = { readonly fromAt: number; readonly toAt: number };
/** What is drawn hour by hour: expected observations per hour, and the share of bad ones among them. */
type Hourly = { readonly perHour: number; readonly rate: number };

/** A metric by hour of the week, on a site with days and nights; absent without them, and for windows of less than an hour. */
function drawWeek(hourly: Hourly, { disturbances }: World, window: Window, chance: Chance): WeekProfile | undefined {
  const { diurnal } = disturbances;
  if (diurnal === undefined || window.toAt - window.fromAt < HOUR_MS) return undefined;
  const [n, x, seenMs] = Array.from({ length: 3 }, () => new Array<number>(WEEK_SLOTS).fill(0));
  for (let at = Math.ceil(window.fromAt / HOUR_MS) * HOUR_MS; at + HOUR_MS <= window.toAt; at += HOUR_MS) {
    const [slot, wave] = [(at / HOUR_MS) % WEEK_SLOTS, waveAt(at + HOUR_MS / 2)];
    const count = chance.poisson(hourly.perHour * (1 + (diurnal.traffic ?? 0) * wave));
    n[slot] += count;
    x[slot] += Math.min(count, chance.poisson(count * hourly.rate * (1 + (diurnal.rate ?? 0) * wave)));
    seenMs[slot] += HOUR_MS;
  }
  return { n, x, seenMs };
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

function trafficBaseline(world: World, window: Window, chance: Chance): BaselineMetric {
  const week = drawWeek({ perHour: world.requestsPerDay / 24, rate: 0 }, world, window, chance);
  const lastsMs = window.toAt - window.fromAt;
  if (week !== undefined) return { ...rateBaseline(total(week.n), total(week.seenMs)), week };
  return rateBaseline(chance.poisson((world.requestsPerDay * lastsMs) / DAY_MS), lastsMs);
}

function proportionBaseline(rate: number, units: number, world: World, window: Window, chance: Chance) {
  const perHour = (units * HOUR_MS) / (window.toAt - window.fromAt);
  const week = drawWeek({ perHour, rate }, world, window, chance);
  const count = week === undefined ? chance.poisson(units) : total(week.n);
  if (count === 0) return undefined;
  const events = week === undefined ? Math.min(count, chance.poisson(rate * count)) : total(week.x);
  return { ...shareBaseline(events, count), count, ...(week && { week }) };
}

function metricBaseline(
  metric: Metric,
  model: MetricModel,
  world: World,
  window: Window,
  chance: Chance,
): BaselineMetric | undefined {
  const windowMs = window.toAt - window.fromAt;
  const requests = (world.requestsPerDay * windowMs) / DAY_MS;
  if (model.kind === 'traffic') return trafficBaseline(world, window, chance);
  if (model.kind === 'count') return rateBaseline(chance.poisson((model.perDay * windowMs) / DAY_MS), windowMs);
  const units =
    metric.per === 'user' && world.users > 0 ? Math.min((world.users * windowMs) / DAY_MS, requests) : requests;
  if (model.kind === 'proportion') return proportionBaseline(model.rate, units, world, window, chance);
  const count = chance.poisson(units);
  if (count === 0) return undefined;
  if (model.kind === 'quantile') return { ...quantileBaseline(model, count, chance), count };
  return { ...meanBaseline(model.mean, deviationOf(model), count, chance), count };
}

/**
 * A frozen baseline drawn from the model at once: what capturing it would have given, but for disturbances other than days
 * and nights. It is a finite sample like a real one, of the plan's window up to `now`.
 */
export function modelBaseline(plan: Plan, world: World, chance: Chance, now: number): Baseline {
  const window = { fromAt: now - plan.baseline.windowMs, toAt: now };
  const metrics: Record<string, BaselineMetric> = {};
  for (const metric of Object.values(plan.metrics)) {
    const model = world.metrics[metric.name];
    const drawn = model && metricBaseline(metric, model, world, window, chance);
    if (drawn !== undefined) metrics[metric.name] = drawn;
  }
  return { ...window, metrics };
}

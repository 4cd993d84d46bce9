import type { Metric } from '../../plan.ts';
import { walkEvents } from './event-walk.ts';
import type { EventsModel, SideModel } from './evidence-model.ts';
import { chanceAt, chanceWithin, firstWhere, meanObservations, walkLegOf } from './model-crossing.ts';
import { shareBeyond } from './values-of-metric.ts';

/** The chance that "likely" and "detectable" stand for. */
export const LIKELY = 0.8;
/** Sizes of harm that are forecast: so many times today's value, or its part where lower is worse. */
export const HARM_RATIOS: readonly number[] = [1.5, 2, 5];

/** A pass side and the value that treatment is expected to keep. */
export type Passing = {
  readonly side: SideModel;
  readonly value: number;
  /** Design effect of the users, >= 1. */
  readonly effect: number;
  /** Evidence a pass needs, ln(1/β). */
  readonly threshold: number;
};

/** Observations that count as one. */
const factorOf = ({ side, effect }: Passing): number => effect * (side.caution ?? 1);

/** Chance that a check has passed after n observations of treatment. */
export function passChance(passing: Passing, n: number): number {
  const { side, value, threshold } = passing;
  return n > 0 ? chanceAt(side, value, n / factorOf(passing), threshold) : 0;
}

/** Observations of treatment until a pass on average, and after which four of five have passed; `Infinity`: never. */
export function passObservations(passing: Passing): { readonly mean: number; readonly likely: number } {
  const { side, value, threshold } = passing;
  return {
    mean: meanObservations(side, value, threshold) * factorOf(passing),
    likely: firstWhere((n) => passChance(passing, n) >= LIKELY),
  };
}

/** A metric's value when it is `ratio` times as bad as today. */
export function harmedValue(metric: Metric, today: number, ratio: number): number {
  const value = metric.harm === 'higher' ? today * ratio : today / ratio;
  return metric.kind === 'proportion' ? Math.min(1, value) : value;
}

/** Excess of one observation at a harmed value over today: bad events for shares and quantiles, else in the metric's unit. */
export function excessOf(metric: Metric, today: number, value: number): number {
  const quantile = metric.quantile ?? 0.99;
  if (metric.kind === 'rate' || metric.kind === 'count') return Math.abs(value / today - 1);
  if (metric.kind !== 'quantile') return Math.abs(value - today);
  return Math.abs(shareBeyond(today, value, quantile) - shareBeyond(today, today, quantile));
}

/** Smallest ratio of harm that is found with a chance of 80 % within so many observations; `Infinity`: none. */
export function detectableRatio(
  side: SideModel,
  harmed: (ratio: number) => number,
  observations: number,
  threshold: number,
): number {
  const isFound = (ratio: number) => chanceWithin(side, harmed(ratio), observations, threshold) >= LIKELY;
  if (observations <= 0) return Number.POSITIVE_INFINITY;
  let low = 1;
  // Upwards from no harm: of a mean that spreads with its value, far too much harm may be hard to tell again.
  for (let high = COARSE; high <= MOST_RATIO; high *= COARSE) {
    if (isFound(high)) return low * firstWhere((factor) => isFound(low * factor), high / low);
    low = high;
  }
  return Number.POSITIVE_INFINITY;
}

const COARSE = 1.1;
const MOST_RATIO = 1000;

/** One stretch of time: a fail side and the observations of treatment that it will see. */
export type Stretch = { readonly side: SideModel | undefined; readonly observations: number };

/** How harm from the start of the first stretch is found. */
export type FoundForecast = {
  /** Chance to be found by the end of each stretch. */
  readonly chances: readonly number[];
  /** Observations of treatment until it is found, or the end, on average; and per stretch. */
  readonly observations: number;
  readonly perStretch: readonly number[];
};

/** The events models of all stretches, if the evidence can be carried from one to the next. */
function carried(stretches: readonly Stretch[]): readonly EventsModel[] | undefined {
  const models = stretches.map(({ side }) => (side?.models.length === 1 ? side.models[0] : undefined));
  return models.every((model) => model?.kind === 'events') ? models : undefined;
}

/** The leading stretches whose events are few enough to be walked exactly. */
function walked(models: readonly EventsModel[], stretches: readonly Stretch[], value: number, threshold: number) {
  const parts = stretches[0]?.side?.parts ?? 1;
  const legs = models.map((model, index) => walkLegOf(model, value, stretches[index]?.observations ?? 0));
  const dear = legs.findIndex((leg) => !leg.isCheap(threshold));
  const { legs: ends } = walkEvents(dear < 0 ? legs : legs.slice(0, dear), threshold + Math.log(parts));
  const perStretch = ends.map(({ trials }, index) => trials / (models[index]?.trials(value) ?? 1));
  return { chances: ends.map(({ chance }) => chance), perStretch };
}

/** Each stretch on its own, as the late-onset mixture restarts at every stage. */
function chained(stretches: readonly Stretch[], value: number, threshold: number, before: number) {
  let alive = before;
  const chances: number[] = [];
  const perStretch: number[] = [];
  for (const { side, observations } of stretches) {
    const chance = side === undefined || observations <= 0 ? 0 : chanceWithin(side, value, observations, threshold);
    const mean = side === undefined || chance === 0 ? observations : meanObservations(side, value, threshold);
    perStretch.push(alive * (chance * Math.min(mean, observations) + (1 - chance) * observations));
    alive *= 1 - chance;
    chances.push(1 - alive);
  }
  return { chances, perStretch };
}

/** How harm at `value` is found over stretches that follow each other. Observations are effective ones. */
export function forecastFound(stretches: readonly Stretch[], value: number, threshold: number): FoundForecast {
  const models = carried(stretches);
  const exact = models === undefined ? { chances: [], perStretch: [] } : walked(models, stretches, value, threshold);
  const rest = chained(stretches.slice(exact.chances.length), value, threshold, 1 - (exact.chances.at(-1) ?? 0));
  const perStretch = [...exact.perStretch, ...rest.perStretch];
  const observations = perStretch.reduce((sum, one) => sum + one, 0);
  return { chances: [...exact.chances, ...rest.chances], perStretch, observations };
}

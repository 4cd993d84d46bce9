import { bankLogE } from '@rampart/stats';
import type { Metric } from '../../plan.ts';
import { growsWithEvents } from './event-bank.ts';
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

/** A threshold grid of which each observation is a trial, and how rare the rarer outcome is; `undefined`: another method. */
function rarityOf({ side, value }: Passing): { readonly model: EventsModel; readonly rare: number } | undefined {
  const [model] = side.models;
  if (side.models.length !== 1 || model?.kind !== 'events' || model.trials(value) !== 1) return undefined;
  const share = model.share(value);
  return { model, rare: Math.min(share, 1 - share) };
}

/** Observations that count as one. Without any event there is no spread to estimate, and so no caution. */
function factorOf(passing: Passing): number {
  const isEventless = (rarityOf(passing)?.rare ?? 1) < EVENTLESS;
  return passing.effect * (isEventless ? 1 : (passing.side.caution ?? 1));
}

/** Chance to have passed after exactly n observations. */
function chanceAfter(passing: Passing, n: number): number {
  return n > 0 ? chanceAt(passing.side, passing.value, n / factorOf(passing), passing.threshold) : 0;
}

/** Chance that not one of n observations is the rare one, where that is enough to pass. */
function quietChance({ effect, threshold }: Passing, { bank }: EventsModel, rare: number, n: number): number {
  const trials = Math.max(0, n / effect);
  const logE = growsWithEvents(bank) ? bankLogE(bank, trials, 0) : bankLogE(bank, 0, trials);
  return logE >= threshold ? Math.exp(-rare * trials) : 0;
}

/** Chance that a check has passed after about n observations of treatment. */
export function passChance(passing: Passing, n: number): number {
  const rarity = rarityOf(passing);
  if (!(n > 0) || rarity === undefined || (rarity.rare * n) / passing.effect > FEW_EVENTS)
    return chanceAfter(passing, n);
  const { model, rare } = rarity;
  // With hardly an event the evidence is a step in the number of observations, which varies by chance as well.
  const spread = Math.sqrt(n * passing.effect);
  const chance = (count: number) => Math.max(chanceAfter(passing, count), quietChance(passing, model, rare, count));
  return NORMAL_PARTS.reduce((sum, { z, weight }) => sum + weight * chance(n + z * spread), 0);
}

/** Share of events up to which a forecast is one without any. */
const EVENTLESS = 1e-8;
const FEW_EVENTS = 3;
/** A standard normal value in parts of a quarter, from -4 to 4. */
const NORMAL_PARTS: readonly { readonly z: number; readonly weight: number }[] = normalParts();

function normalParts() {
  const parts = Array.from({ length: 33 }, (_, index) => (index - 16) / 4);
  const density = parts.map((z) => Math.exp(-(z * z) / 2));
  const sum = density.reduce((total, one) => total + one, 0);
  return parts.map((z, index) => ({ z, weight: density[index] / sum }));
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

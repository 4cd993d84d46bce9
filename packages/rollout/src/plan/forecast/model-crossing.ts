import { criticalDelta } from '@rampart/stats';
import { bankChance, bankChanceAt, crossingChance, normalChanceAt } from './crossing-chance.ts';
import { expectedTrials } from './event-bank.ts';
import { type WalkLeg, walkEvents } from './event-walk.ts';
import type { EventsModel, NormalModel, SideModel } from './evidence-model.ts';

/** Events up to which the exact walk is cheap; beyond, all that matters is nearly normal. */
const FEW_EVENTS = 400;
/** Events up to which the normal approximation of a chance is too rough. */
const VERY_FEW_EVENTS = 60;
/** Events up to which none is as good as certain: the evidence takes the expected path to the trial. */
const NO_EVENTS = 0.001;
const MOST_OBSERVATIONS = 1e15;
/**
 * Mean over expected path of a Gaussian walk to the boundary of the half-normal mixture. The boundary bends, so lucky walks gain
 * more than unlucky ones lose; measured by simulation (see the tests).
 */
const MEAN_OF_PATH = 0.92;

/** Smallest argument in [1, most] at which a rising condition holds, to a thousandth; `Infinity`: never. */
export function firstWhere(holds: (n: number) => boolean, most = MOST_OBSERVATIONS): number {
  if (!holds(most)) return Number.POSITIVE_INFINITY;
  let [low, high] = [1, most];
  while (high / low > 1.0005) {
    const middle = Math.sqrt(low * high);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Distance from the limit at which n observations reach the threshold. */
function criticalGap({ deviation, tau, degrees }: NormalModel, value: number, n: number, threshold: number): number {
  const se = deviation(value) / Math.sqrt(n);
  const z = criticalDelta({ se, tau, alpha: Math.exp(-threshold) }) / se;
  if (degrees === undefined) return z * se;
  // Student's t that Wallace's formula takes to this z.
  const scaled = (z * (8 * degrees + 3)) / (8 * degrees + 1);
  return Math.sqrt(degrees * Math.expm1((scaled * scaled) / degrees)) * se;
}

function meanOf(model: EventsModel | NormalModel, value: number, threshold: number): number {
  if (model.kind === 'normal') {
    const gap = model.gap(value);
    if (gap <= 0) return Number.POSITIVE_INFINITY;
    const path = firstWhere((n) => criticalGap(model, value, n, threshold) <= gap);
    return Math.max(model.burnIn(value), MEAN_OF_PATH * path);
  }
  const share = model.share(value);
  const path = expectedTrials(model.bank, share, threshold);
  if (Math.min(share, 1 - share) * path < NO_EVENTS) return Math.ceil(path) / model.trials(value);
  const trials =
    path * share > FEW_EVENTS ? path : walkEvents([{ bank: model.bank, trials: 20 * path, share }], threshold).trials;
  return trials / model.trials(value);
}

function eventsChance(model: EventsModel, value: number, n: number, threshold: number): number {
  const [share, trials] = [model.share(value), n * model.trials(value)];
  const leg = { bank: model.bank, trials, share };
  return trials * share < VERY_FEW_EVENTS
    ? walkEvents([leg], threshold).chance
    : bankChance(model.bank, share, trials, threshold);
}

function normalChance(model: NormalModel, value: number, n: number, threshold: number): number {
  if (n < model.burnIn(value)) return 0;
  const boundary = (time: number) => time * criticalGap(model, value, time, threshold);
  return crossingChance({ drift: model.gap(value), variance: model.deviation(value) ** 2, boundary }, n);
}

/** Threshold of a part's evidence. */
const thresholdOf = (side: SideModel, threshold: number): number => threshold + Math.log(side.parts);

/** Observations of treatment until the evidence reaches the threshold, on average; `Infinity`: never. */
export function meanObservations(side: SideModel, value: number, threshold: number): number {
  return Math.min(...side.models.map((model) => meanOf(model, value, thresholdOf(side, threshold))));
}

/** Chance that the evidence has reached the threshold at some time within n observations of treatment. */
export function chanceWithin(side: SideModel, value: number, n: number, threshold: number): number {
  const own = thresholdOf(side, threshold);
  return Math.max(
    ...side.models.map((model) =>
      model.kind === 'normal' ? normalChance(model, value, n, own) : eventsChance(model, value, n, own),
    ),
  );
}

/** Chance that the evidence is at the threshold after n observations of treatment: what a gate asks when its time is up. */
export function chanceAt(side: SideModel, value: number, n: number, threshold: number): number {
  const own = thresholdOf(side, threshold);
  return Math.max(
    ...side.models.map((model) => {
      if (model.kind === 'events') return bankChanceAt(model.bank, model.share(value), n * model.trials(value), own);
      if (n < model.burnIn(value)) return 0;
      return normalChanceAt(
        (model.gap(value) - criticalGap(model, value, n, own)) / (model.deviation(value) / Math.sqrt(n)),
      );
    }),
  );
}

/** The walk of a model through n observations, and whether it has few enough events to be walked exactly. */
export function walkLegOf(
  model: EventsModel,
  value: number,
  n: number,
): WalkLeg & { readonly isCheap: (threshold: number) => boolean } {
  const [share, trials] = [model.share(value), n * model.trials(value)];
  const isCheap = (threshold: number) =>
    Math.min(trials, 8 * expectedTrials(model.bank, share, threshold)) * share <= 8 * FEW_EVENTS;
  return { bank: model.bank, trials, share, isCheap };
}

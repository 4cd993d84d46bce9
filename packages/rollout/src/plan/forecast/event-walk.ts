import { bankLogE } from '@rampart/stats';
import { type EventBank, expectedTrials, growsWithEvents } from './event-bank.ts';

/** A stretch of a walk: trials, the true share of events among them, and the bank that judges them. */
export type WalkLeg = { readonly bank: EventBank; readonly trials: number; readonly share: number };

/** How a walk ends: the chance that the evidence has reached the threshold by the end, and expected trials until then or the end. */
export type WalkEnd = {
  readonly chance: number;
  readonly trials: number;
  /** Chance by the end of each leg, and trials spent in each. */
  readonly legs: readonly { readonly chance: number; readonly trials: number }[];
};

/** Events expected per step: small enough that hardly a step holds two. */
const EVENTS_PER_STEP = 0.5;
/** Steps until the expected crossing, where events are many. */
const STEPS_TO_CROSSING = 150;
/** Steps until the expected crossing, where events are few. */
const LEAST_STEPS = 40;
/** Probability that is left out at either end. */
const DUST = 1e-10;
/** Survival below which a walk is over. */
const OVER = 1e-4;

/** Binomial probabilities of 0, 1, … events in `trials`, until only dust is left. */
function binomial(trials: number, share: number): readonly number[] {
  const odds = share / (1 - share);
  const chances: number[] = [];
  let chance = Math.exp(trials * Math.log1p(-share));
  let left = 1;
  for (let k = 0; k <= trials && left > DUST; k += 1) {
    chances.push(chance);
    left -= chance;
    chance *= (odds * (trials - k)) / (k + 1);
  }
  return chances;
}

/** Evidence per ratio that does not depend on the number of events, summed over the legs walked so far. */
type Walk = {
  /** Probability of each number of events among the walks that have not crossed, from `from` events on. */
  mass: number[];
  from: number;
  readonly drains: number[];
};

function spread(walk: Walk, chances: readonly number[]): void {
  const next = new Array<number>(walk.mass.length + chances.length - 1).fill(0);
  for (let x = 0; x < walk.mass.length; x += 1) {
    for (let k = 0; k < chances.length; k += 1) next[x + k] += walk.mass[x] * chances[k];
  }
  let start = 0;
  while (start < next.length - 1 && next[start] < DUST * DUST) start += 1;
  let end = next.length;
  while (end > start + 1 && next[end - 1] < DUST * DUST) end -= 1;
  walk.mass = next.slice(start, end);
  walk.from += start;
}

/** Takes out what has reached the threshold, and gives its probability. */
function absorb(walk: Walk, bank: EventBank, threshold: number): number {
  const slopes = { ...bank, first: bank.first.map((first, g) => first - bank.second[g]), second: walk.drains };
  const hasReached = (index: number) => bankLogE(slopes, walk.from + index, 1) >= threshold;
  let gone = 0;
  if (growsWithEvents(bank)) {
    while (walk.mass.length > 0 && hasReached(walk.mass.length - 1)) gone += walk.mass.pop() ?? 0;
    return gone;
  }
  let first = 0;
  while (first < walk.mass.length && hasReached(first)) gone += walk.mass[first++];
  walk.mass = walk.mass.slice(first);
  walk.from += first;
  return gone;
}

function stepOf({ bank, share, trials }: WalkLeg, threshold: number): number {
  const path = Math.min(trials, expectedTrials(bank, share, threshold));
  const byEvents = Math.max(EVENTS_PER_STEP, (path * share) / STEPS_TO_CROSSING) / share;
  // Where events are rare it is their absence that crosses, at a time of its own.
  return Math.max(1, Math.round(Math.min(byEvents, path / LEAST_STEPS)));
}

function walkLeg(walk: Walk, leg: WalkLeg, threshold: number, before: number): { chance: number; trials: number } {
  const step = stepOf(leg, threshold);
  const chances = binomial(step, leg.share);
  let [alive, spent] = [1 - before, 0];
  for (let done = 0; done < leg.trials && alive > OVER; done += step) {
    const length = Math.min(step, leg.trials - done);
    for (let g = 0; g < walk.drains.length; g += 1) walk.drains[g] += leg.bank.second[g] * length;
    spread(walk, length === step ? chances : binomial(Math.round(length), leg.share));
    const gone = absorb(walk, leg.bank, threshold);
    // An event that crosses stands in the middle of its step, on average.
    spent += length * (alive - gone / 2);
    alive -= gone;
  }
  return { chance: 1 - alive, trials: spent };
}

/**
 * Exact chances of a sequential test of events, by the distribution of the events of walks that have not crossed (the
 * method behind `reference: statistics 4`). Evidence is carried from leg to leg; trials may not be whole.
 */
export function walkEvents(legs: readonly WalkLeg[], threshold: number): WalkEnd {
  const walk: Walk = { mass: [1], from: 0, drains: (legs[0]?.bank.second ?? []).map(() => 0) };
  const ends: { readonly chance: number; readonly trials: number }[] = [];
  for (const leg of legs) ends.push(walkLeg(walk, leg, threshold, ends.at(-1)?.chance ?? 0));
  return { chance: ends.at(-1)?.chance ?? 0, trials: ends.reduce((sum, end) => sum + end.trials, 0), legs: ends };
}

import { logNormalCdf } from '@rampart/stats';
import { criticalEvents, type EventBank, growsWithEvents } from './event-bank.ts';

/** A sum that drifts by `drift` and spreads by variance `variance` per unit of time, and the value at which it counts. */
export type DriftingSum = {
  readonly drift: number;
  readonly variance: number;
  readonly boundary: (time: number) => number;
};

/**
 * Chance that a drifting sum has reached its boundary by `time`, with the boundary replaced by its tangent at that time
 * (exact for a straight boundary: Siegmund 1986, "Boundary crossing probabilities"). The boundaries here bend towards
 * the sum, so it is a little low.
 */
export function crossingChance({ drift, variance, boundary }: DriftingSum, time: number): number {
  const end = boundary(time);
  const slope = (end - boundary(0.98 * time)) / (0.02 * time);
  if (!Number.isFinite(end) || !Number.isFinite(slope)) return 0;
  const start = Math.max(0, end - slope * time);
  const [pull, spread] = [drift - slope, Math.sqrt(variance * time)];
  if (spread === 0) return pull * time >= start ? 1 : 0;
  const reflected = (2 * pull * start) / variance + logNormalCdf((-pull * time - start) / spread);
  return Math.min(1, Math.exp(logNormalCdf((pull * time - start) / spread)) + Math.exp(reflected));
}

/** Chance that the evidence of a bank reaches the threshold within `trials`, by the normal approximation of the events. */
export function bankChance(bank: EventBank, share: number, trials: number, threshold: number): number {
  const sign = growsWithEvents(bank) ? 1 : -1;
  const sum = {
    drift: sign * share,
    variance: share * (1 - share),
    // Half an event, as events are whole.
    boundary: (time: number) => sign * criticalEvents(bank, time, threshold) - 0.5,
  };
  return crossingChance(sum, trials);
}

/** Chance that the evidence of a bank is at the threshold after `trials`, whatever it was before. */
export function bankChanceAt(bank: EventBank, share: number, trials: number, threshold: number): number {
  const critical = criticalEvents(bank, trials, threshold);
  if (!Number.isFinite(critical)) return 0;
  const least = growsWithEvents(bank) ? Math.ceil(critical) : Math.floor(critical);
  return growsWithEvents(bank) ? 1 - eventsAtMost(trials, share, least - 1) : eventsAtMost(trials, share, least);
}

/** Chance of at most `most` events in `trials` (not necessarily whole): binomial where few, normal where many. */
export function eventsAtMost(trials: number, share: number, most: number): number {
  const mean = trials * share;
  const spread = Math.sqrt(mean * (1 - share));
  if (mean > MANY) return Math.exp(logNormalCdf((most + 0.5 - mean) / spread));
  let chance = Math.exp(trials * Math.log1p(-share));
  let sum = 0;
  for (let k = 0; k <= most && k <= mean + 10 * spread + 20; k += 1) {
    sum += chance;
    chance *= Math.max(0, ((trials - k) / (k + 1)) * (share / (1 - share)));
  }
  return Math.min(1, sum);
}

/** Chance that a standard normal value is at most z. */
export function normalChanceAt(z: number): number {
  return Math.exp(logNormalCdf(z));
}

/** Events beyond which their distribution is normal for all purposes here. */
const MANY = 500;

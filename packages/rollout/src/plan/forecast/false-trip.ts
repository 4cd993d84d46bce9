import { logGamma, logNormalCdf } from '@rampart/stats';

/** Probability left out in sums. */
const DUST = 1e-12;
/** Events per window beyond which its share is as good as normal. */
const MOST_TERMS = 30;

/** Poisson probability of k events. */
export function poissonChance(k: number, mean: number): number {
  if (mean === 0) return k === 0 ? 1 : 0;
  return Math.exp(k * Math.log(mean) - mean - logGamma(k + 1));
}

/** Poisson probability of at most k events. */
export function poissonAtMost(k: number, mean: number): number {
  let sum = 0;
  for (let one = 0; one <= k; one += 1) sum += poissonChance(one, mean);
  return Math.min(1, sum);
}

/** Chances that a Poisson stream stays below k events in every window of two, and of three, windows on end (Naus 1982). */
function quietChances(k: number, mean: number): { readonly two: number; readonly three: number } {
  const p = (n: number) => (n < 0 ? 0 : poissonChance(n, mean));
  const upTo: number[] = [];
  for (let n = 0; n < k; n += 1) upTo.push((upTo.at(-1) ?? 0) + p(n));
  const F = (n: number) => (n < 0 ? 0 : upTo[n]);
  const two = F(k - 1) ** 2 - (k - 1) * p(k) * p(k - 2) - (k - 1 - mean) * p(k) * F(k - 3);
  const a1 = 2 * p(k) * F(k - 1) * ((k - 1) * F(k - 2) - mean * F(k - 3));
  const a2 = 0.5 * p(k) ** 2 * ((k - 1) * (k - 2) * F(k - 3) - 2 * (k - 2) * mean * F(k - 4) + mean ** 2 * F(k - 5));
  let rest = 0;
  for (let r = 1; r < k; r += 1) {
    rest += p(2 * k - r) * F(r - 1) ** 2;
    if (r > 1) rest -= p(2 * k - r) * p(r) * ((r - 1) * F(r - 2) - mean * F(r - 3));
  }
  return { two, three: F(k - 1) ** 3 - a1 + a2 + rest };
}

/**
 * Chance that some window holds `events` or more, of a Poisson stream watched for `windows` windows on end: the scan
 * statistic (Naus 1982, "Approximations for distributions of scan statistics").
 *
 * @param events at least 1. @param mean events expected per window.
 */
export function scanChance(events: number, mean: number, windows: number): number {
  if (windows < 1) return scanChance(events, mean * windows, 1);
  if (events <= mean) return 1;
  const one = poissonAtMost(events - 1, mean);
  const { two, three } = quietChances(events, mean);
  const quiet = windows < 2 ? one * (two / one) ** (windows - 1) : two * (three / two) ** (windows - 2);
  return Math.min(1, Math.max(0, 1 - quiet));
}

/** Probabilities of 0, 1, … events, and of at least so many. */
function tableOf(mean: number): { readonly chance: readonly number[]; readonly atLeast: (k: number) => number } {
  const chance: number[] = [];
  for (let k = 0; k <= mean || (chance.at(-1) ?? 0) > DUST; k += 1) chance.push(poissonChance(k, mean));
  const tails = chance.map(() => 0);
  for (let k = chance.length - 1; k >= 0; k -= 1) tails[k] = chance[k] + (tails[k + 1] ?? 0);
  return { chance, atLeast: (k) => (k <= 0 ? 1 : (tails[k] ?? 0)) };
}

/**
 * Chance per look that a spell of looks begins in which two running see `events` or more in their windows, one look before
 * them not. A window is `looks` looks long, so neighbours share all but one look's events.
 */
function spellChance(events: number, mean: number, looks: number): number {
  const one = tableOf(mean / looks);
  if (looks < 2) return (1 - one.atLeast(events)) * one.atLeast(events) ** 2;
  const shared = tableOf((mean * (looks - 2)) / looks);
  let sum = 0;
  for (const [c, ofC] of one.chance.entries()) {
    for (const [s, ofShared] of shared.chance.entries()) {
      const [need, last] = [events - s - c, one.atLeast(events - s - c)];
      for (const [b, ofB] of one.chance.entries()) {
        // Before: a + b + shared < events. Then: b + shared + c, then shared + c + d.
        if (b >= need) sum += ofC * ofShared * ofB * last * (1 - one.atLeast(events - s - b));
      }
    }
  }
  return sum;
}

/** A plain rule on a share, and the traffic it looks at. */
export type ShareRule = {
  /** Observations expected per window, and their true share of bad ones. */
  readonly perWindow: number;
  readonly share: number;
  /** The rule is broken above this share, with at least `minSample` observations in the window. */
  readonly limit: number;
  readonly minSample: number;
  /** Looks per window, and windows watched. */
  readonly looks: number;
  readonly windows: number;
};

/**
 * Chance that a plain rule on a share trips a harmless feature: two looks running above the limit. Bad events are taken as
 * Poisson, the size of the window as varying slowly.
 */
export function shareRuleChance({ perWindow, share, limit, minSample, looks, windows }: ShareRule): number {
  if (share >= limit) return poissonAtMost(minSample - 1, perWindow) < 0.5 ? 1 : 0;
  const mean = perWindow * share;
  if (mean > MOST_TERMS) return normalRuleChance((limit - share) / Math.sqrt(share / perWindow), windows);
  const spread = 6 * Math.sqrt(perWindow) + 10;
  const perEvents = new Map<number, number>();
  for (let n = Math.max(minSample, Math.floor(perWindow - spread)); n <= perWindow + spread; n += 1) {
    const events = Math.floor(limit * n + 1e-9) + 1;
    perEvents.set(events, (perEvents.get(events) ?? 0) + poissonChance(n, perWindow));
  }
  let spells = 0;
  for (const [events, weight] of perEvents) {
    if (weight > DUST && 1 - poissonAtMost(events - 1, mean) > DUST)
      spells += weight * spellChance(events, mean, looks);
  }
  return 1 - Math.exp(-spells * looks * windows);
}

/**
 * Chance that the mean of a sliding window goes `z` standard errors beyond its expectation some time (Slepian 1961: high
 * excursions of a process whose windows overlap come at a rate of z φ(z) per window). A little high, as looks are apart.
 */
export function normalRuleChance(z: number, windows: number): number {
  if (z <= 0) return 1;
  const density = Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI);
  return 1 - Math.exp(-z * density * windows) * (1 - Math.exp(logNormalCdf(-z)));
}

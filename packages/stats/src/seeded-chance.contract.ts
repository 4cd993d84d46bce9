/** Random draws for simulations in tests, the same for the same seed. */

/** Numbers in (0, 1), evenly spread (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32 + 2 ** -33;
  };
}

/** A Poisson count with a mean of at most a few hundred. */
export function drawPoisson(random: () => number, mean: number): number {
  let count = -1;
  let spent = 0;
  while (spent < mean) {
    spent -= Math.log(random());
    count += 1;
  }
  return Math.max(count, 0);
}

/** Number of events in n observations, each with chance p in (0, 1); its cost grows with the events, not with n. */
export function drawBinomial(random: () => number, n: number, p: number): number {
  let events = 0;
  let seen = 0;
  for (;;) {
    seen += Math.floor(Math.log(random()) / Math.log1p(-p)) + 1;
    if (seen > n) return events;
    events += 1;
  }
}

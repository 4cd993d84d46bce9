/** Distinct values in ascending order and how often each occurs. */
export type Tallied = { readonly values: Float64Array; readonly counts: Float64Array; readonly size: number };

/** Half a rank of continuity correction, as R's wilcox.test takes it. */
const CORRECTION = 0.5;
const TOLERANCE = 1e-4;
const MOST_STEPS = 1000;

/** Interval and centre of the shift between two samples. */
export type Shift = { readonly low: number; readonly high: number; readonly estimate: number };

/** The values of a sample with their numbers. */
export function tally(sample: readonly number[]): Tallied {
  const counts = new Map<number, number>();
  for (const value of sample) counts.set(value, (counts.get(value) ?? 0) + 1);
  const values = Float64Array.from(counts.keys()).sort();
  return { values, counts: Float64Array.from(values, (value) => counts.get(value) ?? 0), size: sample.length };
}

/**
 * Standardised rank sum of `x` shifted down by `shift` against `y`, less `quantile`: normal approximation with ties and
 * continuity correction. The samples come as tallies, so that error rates, mostly 0, cost little.
 */
export function rankSumZ(x: Tallied, y: Tallied, shift: number, quantile: number): number {
  const total = x.size + y.size;
  let [u, ties, below, j] = [0, 0, 0, 0];
  for (let i = 0; i < x.values.length; i += 1) {
    const value = x.values[i] - shift;
    for (; j < y.values.length && y.values[j] < value; j += 1) {
      below += y.counts[j];
      ties += y.counts[j] ** 3 - y.counts[j];
    }
    const same = j < y.values.length && y.values[j] === value ? y.counts[j] : 0;
    u += x.counts[i] * (below + same / 2);
    const group = x.counts[i] + same;
    ties += group ** 3 - group;
    if (same > 0) {
      below += same;
      j += 1;
    }
  }
  for (; j < y.values.length; j += 1) ties += y.counts[j] ** 3 - y.counts[j];
  const product = x.size * y.size;
  const centred = u - product / 2;
  const sigma = Math.sqrt((product / 12) * (total + 1 - ties / (total * (total - 1))));
  return (centred - Math.sign(centred) * CORRECTION) / sigma - quantile;
}

/**
 * Confidence interval and Hodges-Lehmann estimate of the shift of `x` against `y`, by solving for the shift at which the rank
 * sum is just not significant (Bauer 1972; the asymptotic case of R's wilcox.test). The solver stops at 1e-4 as Kayenta's does
 * (spinnaker/kayenta `BrentSolver.java` at a69573b): on rates near 0.001 its answers are mostly its own tolerance.
 *
 * @param critical normal quantile of the two-sided level, > 0.
 */
export function shiftInterval(x: Tallied, y: Tallied, critical: number): Shift {
  const least = x.values[0] - y.values[y.values.length - 1];
  const most = x.values[x.values.length - 1] - y.values[0];
  const solve = (quantile: number) => {
    const f = (shift: number) => rankSumZ(x, y, shift, quantile);
    return zeroOf(f, least, most, f(least), f(most));
  };
  const end = (quantile: number) => {
    if (rankSumZ(x, y, least, quantile) <= 0) return least;
    return rankSumZ(x, y, most, quantile) >= 0 ? most : solve(quantile);
  };
  return { low: end(critical), high: end(-critical), estimate: solve(0) };
}

/** Brent's zero finder (Algorithms for Minimization without Derivatives, 1973, chapter 4), with the tolerance above. */
function zeroOf(f: (x: number) => number, from: number, to: number, fFrom: number, fTo: number): number {
  if (fFrom === 0) return from;
  if (fTo === 0) return to;
  // `best` is the newest guess, `last` the one before, `other` the one with a sign opposite to that of `best`.
  let [last, best, other] = [from, to, from];
  let [fLast, fBest, fOther] = [fFrom, fTo, fFrom];
  for (let step = 0; step <= MOST_STEPS; step += 1) {
    const previous = best - last;
    if (Math.abs(fOther) < Math.abs(fBest)) {
      [last, best, other] = [best, other, best];
      [fLast, fBest, fOther] = [fBest, fOther, fBest];
    }
    const least = 2 * Number.EPSILON * Math.abs(best) + TOLERANCE / 2;
    const half = (other - best) / 2;
    if (Math.abs(half) <= least || fBest === 0) return best;
    let move = half;
    if (Math.abs(previous) >= least && Math.abs(fLast) > Math.abs(fBest)) {
      const [p, q] = interpolation({ last, best, other, fLast, fBest, fOther });
      if (p < 0.75 * (other - best) * q - Math.abs(least * q) / 2 && p < Math.abs((previous * q) / 2)) move = p / q;
    }
    if (Math.abs(move) < least) move = move > 0 ? least : -least;
    [last, fLast] = [best, fBest];
    best += move;
    fBest = f(best);
    if (fBest * fOther > 0) [other, fOther] = [last, fLast];
  }
  return best;
}

type Bracket = {
  readonly last: number;
  readonly best: number;
  readonly other: number;
  readonly fLast: number;
  readonly fBest: number;
  readonly fOther: number;
};

/** The move to the zero of a line or an inverse parabola through the points, as numerator (>= 0) and denominator. */
function interpolation({ last, best, other, fLast, fBest, fOther }: Bracket): readonly [number, number] {
  const ratio = fBest / fLast;
  let [p, q] = [(other - best) * ratio, 1 - ratio];
  if (last !== other) {
    const [a, b] = [fLast / fOther, fBest / fOther];
    p = ratio * ((other - best) * a * (a - b) - (best - last) * (b - 1));
    q = (a - 1) * (b - 1) * (ratio - 1);
  }
  return p > 0 ? [p, -q] : [-p, q];
}

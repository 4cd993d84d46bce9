/**
 * Formulas of other libraries and products that no gate uses: they are here to check our special functions and building
 * blocks against numbers printed in public test suites. Our own code from the papers; no code of theirs.
 */
import { bisect } from './bisect.ts';
import { bestTau } from './mean.ts';
import { logBeta, logDifference, logGamma, logUpperIncompleteGamma } from './special.ts';

type Tuning = { readonly v_opt: number; readonly alpha_opt: number };
type LogMixture = (s: number, v: number) => number;

/** Precision of a normal prior tuned for variance `v_opt` (Howard et al. 2021, section 3.5). */
export function bestRho({ v_opt, alpha_opt }: Tuning, sides: 1 | 2) {
  return 1 / bestTau({ se: 1 / Math.sqrt(v_opt), alpha: sides === 1 ? 2 * alpha_opt : alpha_opt }) ** 2;
}

/** Smallest sum s that refutes at level alpha. */
export function mixtureBound(mixture: LogMixture, v: number, alpha: number, high: number) {
  return bisect((s) => mixture(s, v) < Math.log(1 / alpha), 0, high);
}

/** Gamma-exponential mixture of sums with scale c (Howard et al. 2021, proposition 9). */
export function gammaExponential(tuning: Tuning, c: number): LogMixture {
  const rho = bestRho(tuning, 1) / c ** 2;
  const logLower = (s: number, x: number) => logDifference(logGamma(s), logUpperIncompleteGamma(s, x));
  return (s, v) => {
    const shape = v / c ** 2 + rho;
    const reach = s / c + v / c ** 2;
    const posterior = logLower(shape, reach + rho) - shape * Math.log(reach + rho) + reach;
    return posterior + rho * Math.log(rho) - logLower(rho, rho);
  };
}

/** Gamma-Poisson mixture of sums with scale c (Howard et al. 2021, proposition 10). */
export function gammaPoisson(tuning: Tuning, c: number): LogMixture {
  const rho = bestRho(tuning, 1) / c ** 2;
  return (s, v) => {
    const rate = v / c ** 2 + rho;
    const shape = s / c + rate;
    const posterior = logUpperIncompleteGamma(shape, rate) - shape * Math.log(rate) + v / c ** 2;
    return posterior + rho * Math.log(rho) - logUpperIncompleteGamma(rho, rho);
  };
}

/** Two-sided beta-binomial mixture of sums of steps in [-g, 1 - g] (Howard et al. 2021, proposition 6). */
export function betaBinomialTwoSided(tuning: Tuning, g: number): LogMixture {
  const h = 1 - g;
  const r = Math.max(bestRho(tuning, 2) - g * h, 1e-3 * g * h);
  return (s, v) => {
    const [successes, failures] = [(v + h * s) / h, (v - g * s) / g];
    const posterior = logBeta(r / g + failures, r / h + successes) - logBeta(r / g, r / h);
    return posterior - successes * Math.log(g) - failures * Math.log(h);
  };
}

/** Confidence sequence of a share whose prior moves with the share tested (useless for rare events). */
export function bernoulliInterval(i: {
  readonly x: number;
  readonly n: number;
  readonly alpha: number;
  readonly t_opt: number;
  readonly alpha_opt: number;
}) {
  const refuted = (p: number) => {
    const tuning = { v_opt: p * (1 - p) * i.t_opt, alpha_opt: i.alpha_opt };
    const logE = betaBinomialTwoSided(tuning, p)(i.x - p * i.n, p * (1 - p) * i.n);
    return logE >= Math.log(1 / i.alpha);
  };
  const share = i.x / i.n;
  const [tiny, almost] = [Number.EPSILON / 4, 1 - Number.EPSILON / 2];
  return [
    share > 0 && refuted(tiny) ? bisect(refuted, tiny, share) : 0,
    share < 1 && refuted(almost) ? bisect((p) => !refuted(p), share, almost) : 1,
  ];
}

/** Anytime p-value of "both arms have the same p-quantile", two-sided (Howard & Ramdas 2022, section 5). */
export function quantileAbPValue(
  arms: readonly [readonly number[], readonly number[]],
  i: { readonly quantile_p: number; readonly t_opt: number; readonly alpha_opt: number },
) {
  const p = i.quantile_p;
  const mixture = betaBinomialTwoSided({ v_opt: i.t_opt * p * (1 - p), alpha_opt: i.alpha_opt }, p);
  const evidence = arms.map((values) => {
    const n = values.length;
    const logE = (share: number) => mixture((share - p) * n, p * (1 - p) * n);
    const flat = lowestPoint(logE);
    // Any share from "below x" to "at most x" may be the quantile's; the one with the least evidence counts.
    return (x: number) => {
      const below = values.filter((value) => value < x).length / n;
      const atMost = values.filter((value) => value <= x).length / n;
      return logE(Math.min(Math.max(flat, below), atMost));
    };
  });
  const candidates = arms.flat().flatMap((x) => [x - 0.5, x, x + 0.5]);
  const sums = candidates.map((x) => evidence.reduce((sum, logE) => sum + logE(x), 0));
  return Math.min(1, Math.exp(-Math.min(...sums)));
}

/** Where a convex function on [0, 1] is lowest. */
function lowestPoint(f: (x: number) => number) {
  let [low, high] = [0, 1];
  while (high - low > 1e-9) {
    const [a, b] = [low + (high - low) / 3, high - (high - low) / 3];
    if (f(a) < f(b)) high = b;
    else low = a;
  }
  return (low + high) / 2;
}

/**
 * Formulas of other libraries and products that no gate uses: they are here to check our special functions and building
 * blocks against numbers printed in public test suites. Our own code from the papers; no code of theirs.
 */
import { logNormalCdf } from './normal.ts';
import { bestRho } from './published-mixtures.contract.ts';

/** Riemann's zeta function for s > 1, by Euler and Maclaurin from the 20th term. */
function zeta(s: number) {
  const from = 20;
  let sum = 0;
  for (let k = 1; k < from; k += 1) sum += k ** -s;
  const rest = from ** (1 - s) / (s - 1) + from ** -s / 2 + (s * from ** (-s - 1)) / 12;
  return sum + rest - (s * (s + 1) * (s + 2) * from ** (-s - 3)) / 720;
}

const slope = (eta: number) => ({ k1: (eta ** 0.25 + eta ** -0.25) / Math.SQRT2, k2: (Math.sqrt(eta) + 1) / 2 });

type Stitching = { readonly alpha: number; readonly s: number; readonly eta: number };

/** Polynomial stitched boundary (Howard et al. 2021, theorem 1). */
export function polyStitching(i: Stitching & { readonly v: number; readonly v_min: number; readonly c: number }) {
  const { k1, k2 } = slope(i.eta);
  const v = Math.max(i.v, i.v_min);
  const tail = Math.log(zeta(i.s) / Math.log(i.eta) ** i.s) + Math.log(1 / i.alpha);
  const ell = i.s * Math.log(Math.log((i.eta * v) / i.v_min)) + tail;
  return Math.hypot(k1 * Math.sqrt(v * ell), k2 * i.c * ell) + k2 * i.c * ell;
}

/** Boundary for all quantiles at once by double stitching (Howard & Ramdas 2022, theorem 4). */
export function doubleStitching(
  i: Stitching & { readonly quantile_p: number; readonly t: number; readonly t_opt: number; readonly delta: number },
) {
  const { quantile_p: p, t_opt: m, delta, s, eta } = i;
  const { k1, k2 } = slope(eta);
  const t = Math.max(i.t, m);
  const logit = Math.log(p / (1 - p));
  const nearer = 1 / (1 + Math.exp(-(logit + 2 * delta * Math.sqrt((m * eta) / t))));
  const r = p >= 0.5 ? p : Math.min(0.5, nearer);
  const steps = (Math.sqrt(t / m) * Math.abs(logit)) / (2 * delta) + 1;
  const tail = Math.log((2 * zeta(s) * (2 * zeta(s) + 1)) / (i.alpha * Math.log(eta) ** s));
  const ell = s * Math.log(Math.log((eta * t) / m)) + s * Math.log(steps) + tail;
  const drift = (k2 * (1 - 2 * p) * ell) / 3;
  const spread = Math.hypot(k1 * Math.sqrt(r * (1 - r) * t * ell), drift);
  return delta * Math.sqrt((eta * t * r * (1 - r)) / m) + spread + drift;
}

/** GrowthBook's one-sided sequential half-width (Waudby-Smith et al. 2024, equation 134) for an estimate with error `se`. */
export function growthbookOneSidedRadius(i: {
  readonly se: number;
  readonly n: number;
  readonly tuning: number;
  readonly alpha: number;
}) {
  const rho2 = 1 / bestRho({ v_opt: 1, alpha_opt: i.alpha }, 1) / i.tuning;
  const clock = i.n * rho2 + 1;
  const scale = (2 * clock) / (i.n * rho2);
  return i.se * Math.sqrt(scale * Math.log(1 + Math.sqrt(clock) / (2 * i.alpha)));
}

/** GrowthBook's sample ratio check of two arms: p-value of a chi-square with one degree of freedom, for one look. */
export function chiSquarePValue(users: readonly number[], weights: readonly number[]) {
  const n = users.reduce((a, b) => a + b);
  const chi2 = users.reduce((sum, count, arm) => sum + (count - n * weights[arm]!) ** 2 / (n * weights[arm]!), 0);
  return 2 * Math.exp(logNormalCdf(-Math.sqrt(chi2)));
}

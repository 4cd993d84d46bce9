import { type Check, type Clock, check } from './conformance.contract.ts';
import * as boundaries from './published-boundaries.contract.ts';
import * as mixtures from './published-mixtures.contract.ts';

type Stitching = Parameters<typeof boundaries.polyStitching>[0] & Parameters<typeof boundaries.doubleStitching>[0];

const numbersIn = (range: string) => {
  const [from, to] = range.split('..').map(Number);
  return Array.from({ length: to! - from! + 1 }, (_, k) => from! + k);
};

/** Formulas no gate uses: they check the special functions and the building blocks. */
export const published: readonly Check[] = [
  check(/^confseq\.gamma_exponential\.log/, (i: Clock) => mixtures.gammaExponential(i, i.c)(i.s, i.v)),
  check(/^confseq\.gamma_exponential\.bound/, (i: Clock) =>
    mixtures.mixtureBound(mixtures.gammaExponential(i, i.c), i.v, i.alpha, 1e3),
  ),
  check(/^confseq\.gamma_poisson\.log/, (i: Clock) => mixtures.gammaPoisson(i, i.c)(i.s, i.v)),
  check(/^confseq\.gamma_poisson\.bound/, (i: Clock) =>
    mixtures.mixtureBound(mixtures.gammaPoisson(i, i.c), i.v, i.alpha, 1e3),
  ),
  check(/^confseq\.beta_binomial\.log_mixture_two/, (i: Clock) => mixtures.betaBinomialTwoSided(i, i.g)(i.s, i.v)),
  check(/^confseq\.beta_binomial\.bound_two/, (i: Clock) =>
    mixtures.mixtureBound(mixtures.betaBinomialTwoSided(i, i.g), i.v, i.alpha, (i.v / i.g) * (1 - 1e-12)),
  ),
  check(/^confseq\.poly_stitching/, (i: Stitching) => boundaries.polyStitching(i)),
  check(/^confseq\.double_stitching/, (i: Stitching) => boundaries.doubleStitching(i)),
  check(/^confseq\.bernoulli_cs/, mixtures.bernoulliInterval),
  check(
    /^confseq\.quantile_ab/,
    (i: { arm1: string; arm2: string; quantile_p: number; t_opt: number; alpha_opt: number }) =>
      mixtures.quantileAbPValue([numbersIn(i.arm1), numbersIn(i.arm2)], i),
  ),
  check(/^growthbook\.srm/, (i: { users: number[]; weights: number[] }) =>
    boundaries.chiSquarePValue(i.users, i.weights),
  ),
];

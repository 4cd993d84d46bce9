import { type Check, check } from './conformance.contract.ts';
import * as stats from './index.ts';

type Counts = {
  counts: number[];
  cumulative_counts: number[][];
  theta0: number[];
  dirichlet: number[];
  k: number;
  rho: number[];
};

const logLikelihood = (row: readonly number[], theta0: readonly number[]) =>
  row.reduce((sum, count, arm) => sum + count * Math.log(theta0[arm]!), 0);

/** Several checks at once, and users falling into arms. */
export const families: readonly Check[] = [
  check(/^family\.closed/, (i: { e: number[]; alpha: number }) => stats.closedTestingBlame(i.e.map(Math.log), i.alpha)),
  check(/^family\.weighted/, (i: { e: number[]; weights: number[]; alpha: number }) => {
    const logE = stats.weightedAverageLogE(i.weights, i.e.map(Math.log));
    return {
      mean: Math.exp(logE),
      reject_gate: logE >= stats.bonferroniThreshold(1, i.alpha),
      reject_individual_bonferroni: i.e.map((e, j) => Math.log(e) >= stats.bonferroniThreshold(i.weights[j]!, i.alpha)),
    };
  }),
  check(/^srm\./, (i: Counts) => stats.dirichletMultinomialLogE(i.counts, i.theta0, i.k)),
  check(/^savvi\.multinomial/, (i: Counts) => Math.exp(-stats.dirichletMultinomialLogE(i.counts, i.theta0, i.k))),
  check(/^savvi\.inhomogeneous/, (i: Counts) => Math.exp(-stats.dirichletMultinomialLogE(i.counts, i.rho, i.k))),
  check(/^ssrm\.bayes/, (i: Counts) => [Math.exp(stats.dirichletMultinomialLogE(i.counts, i.theta0, i.k))]),
  check(/^ssrm\.log_marginal_M1/, (i: Counts) =>
    i.cumulative_counts.map((row) => stats.dirichletLogMarginal(row, i.dirichlet)),
  ),
  check(/^ssrm\.log_marginal_M0/, (i: Counts) =>
    i.cumulative_counts.map(
      (row) => stats.dirichletLogMarginal(row, i.theta0) - stats.dirichletMultinomialLogE(row, i.theta0, 1),
    ),
  ),
  check(/^ssrm\.log_bayes/, (i: Counts) =>
    i.cumulative_counts.map((row) => stats.dirichletLogMarginal(row, i.dirichlet) - logLikelihood(row, i.theta0)),
  ),
];

import { type Check, type Clock, check } from './conformance.contract.ts';
import * as stats from './index.ts';
import { mixtureBound } from './published-mixtures.contract.ts';

type Betting = { arm: number[]; x: number[]; pi: number[]; m: number; side: string };

const plannedOf = (i: Clock) => ({ planned: i.v_opt / (i.g * (1 - i.g)), alpha: i.alpha_opt });
/** The one-sided beta-binomial in the clock of the confseq library: s is a sum of steps in [-g, 1 - g], v its variance. */
const betaBinomial = (i: Clock) => (s: number, v: number) =>
  stats.betaBinomialLogE((v + (1 - i.g) * s) / (1 - i.g), v / (i.g * (1 - i.g)), i.g, plannedOf(i));

/** Safe tests, bets and quantiles. */
export const bets: readonly Check[] = [
  check(/^prop\.safe2x2/, (i: stats.TwoArmCounts & { thetaT: number; thetaC: number }) =>
    stats.safe2x2Gain(i, i.thetaT, i.thetaC),
  ),
  check(/^mean\.betting_threshold/, (i: Betting) => {
    const direction = i.side.includes('>=') ? 'below' : 'above';
    const bet = (wealth: readonly number[], value: number) =>
      stats.updateMeanBet(wealth, { value, limit: i.m, direction });
    return stats.meanBetLogE(i.x.reduce(bet, []));
  }),
  check(/^mean\.betting_two/, (i: Betting) => {
    const units = i.x.map((value, k) => ({ value, treated: i.arm[k] === 1, treatmentShare: i.pi[k]! }));
    const bet = (state: stats.ScoreBet, unit: stats.ScoreUnit) =>
      stats.updateScoreBet(state, unit, { direction: 'above' });
    return stats.scoreBetLogE(units.reduce(bet, stats.emptyScoreBet()));
  }),
  check(
    /^quantile\.two_sample/,
    (i: { cum_T: number[]; nT: number; cum_C: number[]; nC: number; p: number; t_opt_T: number; t_opt_C: number }) =>
      stats.quantileLogE(
        { atMost: i.cum_T, n: i.nT, planned: i.t_opt_T },
        { atMost: i.cum_C, n: i.nC, planned: i.t_opt_C },
        i.p,
      ),
  ),
  check(/^confseq\.beta_binomial\.log_mixture_one/, (i: Clock) => betaBinomial(i)(i.s, i.v)),
  check(/^confseq\.beta_binomial\.bound_one/, (i: Clock) => mixtureBound(betaBinomial(i), i.v, i.alpha, i.v / i.g)),
];

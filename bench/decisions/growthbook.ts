import type { Rule } from './rule.ts';
import { DAY, MINUTES, type Traffic } from './traffic.ts';

const ALPHA = 0.05;
const TUNING = 5000;

/**
 * Half the width of GrowthBook's one-sided asymptotic confidence sequence of a difference. Source: growthbook/growthbook
 * `packages/stats/gbstats/frequentist/tests.py` at 8f1db44, which takes it from Waudby-Smith et al., arXiv 2103.06476v7,
 * equations 134 and 161.
 *
 * @param se standard error of the difference. @param n observations of both arms.
 */
export function growthbookHalfWidth(se: number, n: number, alpha = ALPHA, tuning = TUNING): number {
  const doubled = -2 * Math.log(2 * alpha);
  const rho2 = (doubled + Math.log(doubled + 1)) / tuning;
  const scale = n * rho2 + 1;
  return se * Math.sqrt(n) * Math.sqrt(((2 * scale) / (n * n * rho2)) * Math.log(1 + Math.sqrt(scale) / (2 * alpha)));
}

/**
 * Safe Rollouts of GrowthBook: abort when the whole one-sided sequence of the absolute difference lies above 0 (the threshold
 * is always 0: `packages/back-end/src/services/safeRolloutSnapshots.ts` at
 * 8f1db44). No correction of the totals for drift.
 *
 * @param every minutes between two looks.
 */
export function growthbookAbortsAfter(
  nT: Float64Array,
  xT: Float64Array,
  nC: Float64Array,
  xC: Float64Array,
  every = 1,
): number {
  let [eT, rT, eC, rC] = [0, 0, 0, 0];
  for (let minute = 0; minute < MINUTES; minute += 1) {
    eT += xT[minute];
    rT += nT[minute];
    eC += xC[minute];
    rC += nC[minute];
    const [pT, pC] = [eT / rT, eC / rC];
    if ((minute + 1) % every !== 0 || pT <= pC) continue;
    const se = Math.sqrt((pT * (1 - pT)) / rT + (pC * (1 - pC)) / rC);
    if (pT - pC > growthbookHalfWidth(se, rT + rC)) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

function matched({ nT, xT, nM, xM }: Traffic, every: number): number {
  return growthbookAbortsAfter(nT, xT, nM, xM, every);
}

/**
 * GrowthBook's test as it is sold, on two equal arms, and on all control; and a daily alert, which models Statsig: its
 * documentation (statsig-io/docs at 19d1165, rollout alerts) says that alerts are evaluated every 24 hours with the
 * methodology that is switched on, and not how; the model uses this test.
 */
export const GROWTHBOOK: readonly Rule[] = [
  {
    key: 'growthbook',
    name: 'GrowthBook Safe Rollout (sequential, 50/50)',
    isModel: false,
    abortsAfter: (traffic) => matched(traffic, 1),
  },
  {
    key: 'growthbookAllControl',
    name: "GrowthBook's formula on all control (1:19)",
    isModel: false,
    abortsAfter: ({ nT, xT, nC, xC }) => growthbookAbortsAfter(nT, xT, nC, xC),
  },
  {
    key: 'statsigDaily',
    name: 'Statsig rollout alert, daily',
    isModel: true,
    abortsAfter: (traffic) => matched(traffic, DAY),
  },
];

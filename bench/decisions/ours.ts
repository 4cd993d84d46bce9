import { EQUAL_WEIGHTS, mixtureLogE, RATIO_GRID, thresholdLogE, updateRateRatio } from '@rampart/stats';
import type { Rule } from './rule.ts';
import { BASE_RATE, MINUTES, type Traffic } from './traffic.ts';

/** ln(1 / alpha) at alpha = 0.05. */
export const THRESHOLD = Math.log(20);

/** Minutes until the conditional-Poisson bank over `ratios` refutes "no worse than control", Infinity if it does not. */
export function gridAbortsAfter(
  nT: Float64Array,
  xT: Float64Array,
  nC: Float64Array,
  xC: Float64Array,
  ratios: readonly number[] = RATIO_GRID,
): number {
  const weights = ratios.length === RATIO_GRID.length ? EQUAL_WEIGHTS : ratios.map(() => 1 / ratios.length);
  let llr: readonly number[] = [];
  for (let minute = 0; minute < nT.length; minute += 1) {
    const batch = { nT: nT[minute], xT: xT[minute], nC: nC[minute], xC: xC[minute] };
    llr = updateRateRatio(llr, batch, 1, ratios);
    // Only an error in treatment can raise the evidence.
    if (xT[minute] > 0 && mixtureLogE(llr, weights) >= THRESHOLD) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

/** The best that a test of one known ratio can do. */
export function sprtAbortsAfter({ nT, xT, nC, xC }: Traffic, ratio: number): number {
  return gridAbortsAfter(nT, xT, nC, xC, [ratio]);
}

function absoluteAbortsAfter({ nT, xT }: Traffic, limit: number): number {
  let [errors, requests] = [0, 0];
  for (let minute = 0; minute < MINUTES; minute += 1) {
    errors += xT[minute];
    requests += nT[minute];
    if (xT[minute] > 0 && thresholdLogE(errors, requests, limit) >= THRESHOLD) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

/** Rampart's own methods, each alone, at alpha = 0.05. */
export const OURS: readonly Rule[] = [
  {
    key: 'ours',
    name: 'Rampart, exact grid (a1), all control 1:19',
    isModel: false,
    abortsAfter: ({ nT, xT, nC, xC }) => gridAbortsAfter(nT, xT, nC, xC),
  },
  {
    key: 'oursMatched',
    name: 'Rampart, exact grid (a1), matched control 1:1',
    isModel: false,
    abortsAfter: ({ nT, xT, nM, xM }) => gridAbortsAfter(nT, xT, nM, xM),
  },
  {
    key: 'oursAbsolute',
    name: 'Rampart, absolute limit of 1.25x the true rate (a3)',
    isModel: false,
    abortsAfter: (traffic) => absoluteAbortsAfter(traffic, 1.25 * BASE_RATE),
  },
];

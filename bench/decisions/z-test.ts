import type { Rule } from './rule.ts';
import { MINUTES, type Traffic } from './traffic.ts';

/** 95 % quantile of the normal distribution: a one-sided test at 5 %. */
const CRITICAL = 1.6448536269514722;

/** The textbook z score of two shares with their pooled variance; 0 while nobody had an error. */
export function pooledZ(xT: number, nT: number, xC: number, nC: number): number {
  const pooled = (xT + xC) / (nT + nC);
  const variance = pooled * (1 - pooled) * (1 / nT + 1 / nC);
  return variance > 0 ? (xT / nT - xC / nC) / Math.sqrt(variance) : 0;
}

/** A z-test on the totals so far, looked at after each of the minutes from `first` on. */
export function zTestAbortsAfter({ nT, xT, nC, xC }: Traffic, first: number): number {
  let [eT, rT, eC, rC] = [0, 0, 0, 0];
  for (let minute = 0; minute < MINUTES; minute += 1) {
    eT += xT[minute];
    rT += nT[minute];
    eC += xC[minute];
    rC += nC[minute];
    if (minute + 1 >= first && pooledZ(eT, rT, eC, rC) > CRITICAL) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

/** The same test looked at all the time, as on a dashboard, and once, as it is meant. */
export const Z_TEST: readonly Rule[] = [
  {
    key: 'naiveZ',
    name: 'z-test at each look (5 %, all control)',
    isModel: false,
    abortsAfter: (traffic) => zTestAbortsAfter(traffic, 1),
  },
  {
    key: 'fixedZ',
    name: 'z-test once, at 48 h (5 %, all control)',
    isModel: false,
    abortsAfter: (traffic) => zTestAbortsAfter(traffic, MINUTES),
  },
];

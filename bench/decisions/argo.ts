import { type Rule, sumOf } from './rule.ts';
import { MINUTES, type Traffic } from './traffic.ts';

const INTERVAL = 5;
const FAILURE_LIMIT = 3;

/**
 * A metric of Argo Rollouts: every interval one success rate of the canary over the last five minutes; failed when it lies
 * below the condition; the run fails once more than `failureLimit` measurements have failed in all. Source:
 * argoproj/argo-rollouts `docs/features/analysis.md` (example: `result[0] >= 0.95`, interval 5m, failureLimit 3) and
 * `analysis/analysis.go` at 9f8d111.
 */
export function argoAbortsAfter({ nT, xT }: Traffic, leastSuccess: number): number {
  let failed = 0;
  for (let end = INTERVAL; end <= MINUTES; end += INTERVAL) {
    const success = 1 - sumOf(xT, end - INTERVAL, end) / sumOf(nT, end - INTERVAL, end);
    if (success < leastSuccess) failed += 1;
    if (failed > FAILURE_LIMIT) return end;
  }
  return Number.POSITIVE_INFINITY;
}

/** Argo Rollouts as in its documentation, and with a condition made for an error rate of 0.1 %. */
export const ARGO: readonly Rule[] = [
  {
    key: 'argoDocs',
    name: 'Argo Rollouts, docs (≥ 95 %, 5 min, limit 3)',
    isModel: false,
    abortsAfter: (traffic) => argoAbortsAfter(traffic, 0.95),
  },
  {
    key: 'argoTuned',
    name: 'Argo Rollouts, tuned (≥ 99.8 %)',
    isModel: false,
    abortsAfter: (traffic) => argoAbortsAfter(traffic, 0.998),
  },
];

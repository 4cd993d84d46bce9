import type { Rule } from './rule.ts';
import { MINUTES, type Traffic } from './traffic.ts';

const THRESHOLD = 5;

/**
 * A metric of Flagger: every minute the success rate of the canary over the last minute; a rate below the minimum adds one
 * failed check, a good one takes none away, and at the threshold it rolls back. Source: fluxcd/flagger
 * `docs/gitbook/usage/metrics.md` (min 99, interval 1m, threshold 5), `pkg/controller/scheduler.go` and
 * `scheduler_metrics.go` at 15bd6ad.
 */
export function flaggerAbortsAfter({ nT, xT }: Traffic, leastSuccess: number): number {
  let failed = 0;
  for (let minute = 0; minute < MINUTES; minute += 1) {
    if (1 - xT[minute] / nT[minute] < leastSuccess) failed += 1;
    if (failed >= THRESHOLD) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

/** Flagger as in its documentation, and with a minimum made for an error rate of 0.1 %. */
export const FLAGGER: readonly Rule[] = [
  {
    key: 'flaggerDocs',
    name: 'Flagger, docs (≥ 99 %, 1 min, threshold 5)',
    isModel: false,
    abortsAfter: (traffic) => flaggerAbortsAfter(traffic, 0.99),
  },
  {
    key: 'flaggerTuned',
    name: 'Flagger, tuned (≥ 99.8 %)',
    isModel: false,
    abortsAfter: (traffic) => flaggerAbortsAfter(traffic, 0.998),
  },
];

import type { Rule } from './rule.ts';
import { BASE_RATE, MINUTES, type Traffic } from './traffic.ts';

const WINDOW = 60;

/**
 * A safeguard of Unleash: one metric of the whole application over the last hour against a fixed number; it knows no arms.
 * Source: Unleash/unleash `src/lib/openapi/spec/safeguard-*.ts` and `metric-query-schema.ts` at ceeb5a9. In Unleash's favour
 * the metric is an error rate here; its own metrics are single series, without ratios.
 */
export function unleashAbortsAfter({ nT, xT, nC, xC }: Traffic, limit: number): number {
  let [requests, errors] = [0, 0];
  for (let minute = 0; minute < MINUTES; minute += 1) {
    requests += nT[minute] + nC[minute];
    errors += xT[minute] + xC[minute];
    if (minute >= WINDOW) {
      requests -= nT[minute - WINDOW] + nC[minute - WINDOW];
      errors -= xT[minute - WINDOW] + xC[minute - WINDOW];
    }
    if (minute + 1 >= WINDOW && errors > limit * requests) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

/** A safeguard at twice the usual rate, and one so near to it that 5 % of exposure can reach it. */
export const UNLEASH: readonly Rule[] = [
  {
    key: 'unleash2x',
    name: 'Unleash safeguard, whole app > 2x baseline, 1 h',
    isModel: false,
    abortsAfter: (traffic) => unleashAbortsAfter(traffic, 2 * BASE_RATE),
  },
  {
    key: 'unleash115',
    name: 'Unleash safeguard, whole app > 1.15x baseline, 1 h',
    isModel: false,
    abortsAfter: (traffic) => unleashAbortsAfter(traffic, 1.15 * BASE_RATE),
  },
];

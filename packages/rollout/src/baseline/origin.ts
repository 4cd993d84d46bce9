import type { Baseline, BaselineOrigin } from '../verdict.ts';

/** Version, source and window of one metric of a baseline: its own, else those of the baseline. */
export function originOf(baseline: Baseline, metric: string): BaselineOrigin {
  const { version = 1, source = 'live', fromAt, toAt } = baseline;
  return baseline.metrics[metric]?.origin ?? { version, source, fromAt, toAt };
}

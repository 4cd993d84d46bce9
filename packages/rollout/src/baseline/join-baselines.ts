import type { Baseline } from '../verdict.ts';
import { originOf } from './origin.ts';

/**
 * One baseline of parts that were taken from different sources; of a metric that several have, the first counts. Metrics say where
 * they come from where the parts differ.
 */
export function joinBaselines(parts: readonly [Baseline, ...Baseline[]]): Baseline {
  const full = parts.filter(({ metrics }) => Object.keys(metrics).length > 0);
  const [first = parts[0]] = full;
  if (full.length <= 1) return first;
  const entries = full.toReversed().flatMap((part) =>
    Object.entries(part.metrics).map(([name, metric]) => {
      return [name, { ...metric, origin: originOf(part, name) }] as const;
    }),
  );
  return {
    fromAt: Math.min(...full.map(({ fromAt }) => fromAt)),
    toAt: Math.max(...full.map(({ toAt }) => toAt)),
    source: full.some(({ source }) => source === 'history') ? 'history' : 'live',
    metrics: Object.fromEntries(entries),
  };
}

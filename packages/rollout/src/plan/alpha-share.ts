import type { Check, Plan } from '../plan.ts';

/** Gates and abort criteria are one family; alerts and kill trips have their own. */
function isKin(one: Check, other: Check): boolean {
  const family = ({ tier }: Check) => (tier === 'gate' ? 'abort' : tier);
  return family(one) === family(other);
}

/** What a check's fail side claims: a gate that repeats an abort criterion claims nothing new. */
function claimOf({ metric, limit }: Check): string {
  return `${metric} ${JSON.stringify(limit)}`;
}

/**
 * Share of α of a check's fail side, in (0, 1] (weighted Bonferroni over the claims of its family). Checks of one family with
 * the same claim share one process, and so one share: they fail at the same look, and their error is counted once.
 */
export function alphaShare(check: Check, all: Iterable<Check>): number {
  const weights = new Map<string, number>();
  for (const one of all) {
    if (isKin(one, check)) weights.set(claimOf(one), Math.max(weights.get(claimOf(one)) ?? 0, one.weight));
  }
  let sum = 0;
  for (const weight of weights.values()) sum += weight;
  return (weights.get(claimOf(check)) ?? check.weight) / sum;
}

/** A check's part of α: the chance at most that its comparison fails a harmless feature. */
export function alphaShareOf(check: Check, { alpha, abortCriteria, alerts, killSwitch, stages }: Plan): number {
  const all = [...abortCriteria, ...alerts, ...(killSwitch?.trips ?? []), ...stages.flatMap(({ gate }) => gate)];
  return alpha * alphaShare(check, all);
}

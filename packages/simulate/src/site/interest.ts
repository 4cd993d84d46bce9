import type { Plan } from '@rampart/rollout';

/** What the checks of a metric look at: the lowest value, and whether any of them compares with control. */
export type Interest = { readonly leastLine: number; readonly usesControl: boolean };

/** What the checks of a metric look at, given today's value. */
export function interestIn(plan: Plan, metric: string, today: number): Interest {
  const checks = [
    ...plan.abortCriteria,
    ...plan.alerts,
    ...plan.stages.flatMap((stage) => stage.gate),
    ...(plan.killSwitch?.trips ?? []),
  ].filter((check) => check.metric === metric);
  const limits = checks.flatMap(({ limit, passLimit }) => [limit, passLimit ?? limit]);
  const lines = limits.map((one) => {
    if (one.kind === 'count') return Number.POSITIVE_INFINITY;
    return one.kind === 'absolute' ? one.value : one.ratio * today + one.offset;
  });
  return {
    leastLine: Math.min(Number.POSITIVE_INFINITY, ...lines),
    usesControl: limits.some((one) => one.kind === 'relative' && one.reference === 'control'),
  };
}

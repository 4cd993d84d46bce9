import type { Check, ExternalGate, Limit, Plan } from '../plan.ts';

function scaleLimit(limit: Limit, scale: (durationMs: number) => number): Limit {
  return limit.kind === 'count' ? { ...limit, windowMs: scale(limit.windowMs) } : limit;
}

function scaleGate({ ask, ...gate }: ExternalGate, scale: (durationMs: number) => number): ExternalGate {
  const isAging = ask.kind === 'signal' && ask.maxAgeMs !== undefined;
  return {
    ...gate,
    everyMs: scale(gate.everyMs),
    ask: isAging ? { ...ask, maxAgeMs: scale(ask.maxAgeMs) } : ask,
  };
}

/**
 * The plan with every duration multiplied by `timeScale` (rounded, at least 1 ms where it was above 0): stages, windows
 * of count limits and trips, lags, intervals of external gates, cool-down, limits of blindness and of waiting, monitoring, digests. Ids
 * and texts of checks stay as written.
 */
export function scalePlan(plan: Plan, timeScale: number): Plan {
  if (timeScale === 1) return { ...plan, timeScale };
  const scale = (durationMs: number) => (durationMs === 0 ? 0 : Math.max(1, Math.round(durationMs * timeScale)));
  const scaleOrNull = (durationMs: number | null) => (durationMs === null ? null : scale(durationMs));
  const scaleCheck = <C extends Check>(check: C): C => ({
    ...check,
    limit: scaleLimit(check.limit, scale),
    ...(check.passLimit ? { passLimit: scaleLimit(check.passLimit, scale) } : {}),
  });
  const { killSwitch, judges } = plan;
  return {
    ...plan,
    timeScale,
    baseline: { ...plan.baseline, windowMs: scale(plan.baseline.windowMs) },
    ...(plan.preflightChecks
      ? {
          preflightChecks: Object.fromEntries(
            Object.entries(plan.preflightChecks).map(([item, check]) => [
              item,
              check.maxAgeMs === undefined ? check : { ...check, maxAgeMs: scale(check.maxAgeMs) },
            ]),
          ),
        }
      : {}),
    metrics: Object.fromEntries(
      Object.entries(plan.metrics).map(([name, metric]) => [name, { ...metric, lagMs: scale(metric.lagMs) }]),
    ),
    ...(judges
      ? {
          judges: Object.fromEntries(
            Object.entries(judges).map(([metric, judge]) => [metric, { ...judge, maxAgeMs: scale(judge.maxAgeMs) }]),
          ),
        }
      : {}),
    stages: plan.stages.map((stage) => ({
      ...stage,
      durationMs: scaleOrNull(stage.durationMs),
      maxDurationMs: scaleOrNull(stage.maxDurationMs),
      gate: stage.gate.map(scaleCheck),
      ...(stage.external && { external: stage.external.map((gate) => scaleGate(gate, scale)) }),
    })),
    ...(plan.gates && { gates: plan.gates.map((gate) => scaleGate(gate, scale)) }),
    ...(plan.stuckAfterMs !== undefined && { stuckAfterMs: scale(plan.stuckAfterMs) }),
    abortCriteria: plan.abortCriteria.map(scaleCheck),
    alerts: plan.alerts.map(scaleCheck),
    ...(killSwitch
      ? {
          killSwitch: {
            ...killSwitch,
            trips: killSwitch.trips.map((trip) => ({ ...scaleCheck(trip), windowMs: scale(trip.windowMs) })),
          },
        }
      : {}),
    retry: { ...plan.retry, cooldownMs: scale(plan.retry.cooldownMs) },
    blindLimitMs: scale(plan.blindLimitMs),
    monitorMs: scale(plan.monitorMs),
    notify: plan.notify.map(({ digestMs, ...route }) => ({
      ...route,
      ...(digestMs !== undefined && { digestMs: scale(digestMs) }),
    })),
  };
}

import type { Check, Limit, Metric, Plan } from '@rampart/rollout';
import type { Effect, MetricModel, World } from './world.ts';

const DAY_MS = 86_400_000;

/** Factor on a metric for those who see the new variant, `sinceMs` after the first exposure; `audience` is their segment. */
export function factorOf(world: World, metric: string, sinceMs: number, audience?: string): number {
  let factor = 1;
  for (const effect of world.effects) {
    if (effect.metric !== metric || sinceMs < effect.onsetMs || !reaches(effect, audience)) continue;
    factor *= effect.factor;
  }
  return factor;
}

function reaches(effect: Effect, audience: string | undefined): boolean {
  return effect.audience === undefined || effect.audience === audience;
}

/** Long-run value of a metric in its own unit (counts: per day) under a factor, disturbances aside. */
export function typicalValue(model: MetricModel, world: World, factor: number): number {
  switch (model.kind) {
    case 'proportion':
      return Math.min(1, model.rate * factor);
    case 'quantile':
      return model.level * factor;
    case 'value':
      return model.mean * factor;
    case 'score':
      return Math.min(1, model.mean * factor);
    case 'traffic':
      return ((world.requestsPerDay * 1000) / DAY_MS) * factor;
    case 'count':
      return model.perDay * factor;
  }
}

/** Whether a treated value is truly beyond a limit when today's value is `base`. */
function isBeyond(limit: Limit, metric: Metric, base: number, treated: number): boolean {
  if (limit.kind === 'count') return (treated * limit.windowMs) / DAY_MS > limit.count;
  const line = limit.kind === 'absolute' ? limit.value : limit.ratio * base + limit.offset;
  return metric.harm === 'higher' ? treated > line * (1 + 1e-9) : treated < line * (1 - 1e-9);
}

/** Which line of a check the truth is held against: what a fail claims, or what a pass denies. */
export type ClaimSide = 'fail' | 'pass';

/**
 * Whether the new variant truly does harm beyond a check's line, `sinceMs` after the first exposure: it is worse than the old
 * one, and its typical value lies beyond the line. On the pass side a value on the line counts as beyond it.
 */
export function isHarmful(plan: Plan, world: World, check: Check, side: ClaimSide, sinceMs: number): boolean {
  const metric = plan.metrics[check.metric];
  const model = world.metrics[check.metric];
  if (metric === undefined || model === undefined) return false;
  const factor = factorOf(world, check.metric, sinceMs);
  if (metric.harm === 'higher' ? factor <= 1 : factor >= 1) return false;
  // A pass claims that harm is within the line, so a truth on it makes the claim false.
  const nudge = side === 'pass' ? (metric.harm === 'higher' ? 1 + 1e-6 : 1 - 1e-6) : 1;
  const limit = side === 'pass' ? (check.passLimit ?? check.limit) : check.limit;
  const base = typicalValue(model, world, 1);
  return isBeyond(limit, metric, base, typicalValue(model, world, factor) * nudge);
}

/**
 * Time after the first exposure from which the new variant is harmful beyond a line (of that side) of any check with
 * consequences; `undefined`: never.
 */
export function harmBegins(plan: Plan, world: World, side: ClaimSide): number | undefined {
  const checks = [
    ...plan.abortCriteria,
    ...plan.stages.flatMap((stage) => stage.gate),
    ...(plan.killSwitch?.trips ?? []),
  ];
  const onsets = [...new Set(world.effects.map((effect) => effect.onsetMs))].sort((a, b) => a - b);
  if ((world.disturbances.crashShare ?? 0) > 0) return 0;
  return onsets.find((onset) => checks.some((check) => isHarmful(plan, world, check, side, onset)));
}

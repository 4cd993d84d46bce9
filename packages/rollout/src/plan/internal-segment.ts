import type { Plan } from '../plan.ts';

/** Pre-flight item of a short-form `internal` stage: a person accepts a random share of everyone in place of a segment (semantics §5). */
export const ACCEPT_RANDOM_INTERNAL = 'accept-random-internal';

/**
 * The plan for an environment where a segment `internal` exists: the short form's `internal` stage targets it, and nobody
 * has to accept random people. A plan without that pre-flight item comes back as it is.
 */
export function withInternalSegment(plan: Plan): Plan {
  if (!plan.preflight.includes(ACCEPT_RANDOM_INTERNAL)) return plan;
  return {
    ...plan,
    preflight: plan.preflight.filter((item) => item !== ACCEPT_RANDOM_INTERNAL),
    stages: plan.stages.map((stage) =>
      stage.name === 'internal' && stage.audience === undefined ? { ...stage, audience: 'internal' } : stage,
    ),
  };
}

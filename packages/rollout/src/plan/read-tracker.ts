import type { PlanTracker } from '../plan.ts';
import type { RawPlan } from './plan-schema.ts';

const HIGH = 2;

/** Where an issue is kept of the rollout, with every default filled in; `undefined` where the plan names no tracker. */
export function readTracker({ tracker }: RawPlan, title: string): PlanTracker | undefined {
  if (tracker === undefined) return undefined;
  const { name, project, ...given } = typeof tracker === 'string' ? { name: tracker } : tracker;
  return {
    name,
    ...(project !== undefined && { project }),
    title: given.title ?? `Release: ${title} Progressive Rollout`,
    priority: given.priority ?? HIGH,
    labels: given.labels ?? ['release'],
    state: given.state ?? 'In Progress',
  };
}

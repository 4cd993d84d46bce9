import { checksOf } from '../judge/evidence-state.ts';
import type { RolloutState } from '../state.ts';

/** Whether a rollout waits for a baseline of which a part is read from history: whoever can read it captures the whole. */
export function readsHistory({ phase, baseline, recorded = {} }: RolloutState): boolean {
  return phase === 'baseline' && baseline === undefined && Object.keys(recorded).length > 0;
}

/**
 * Metrics that must be watched live before the baseline is complete: some check holds them against a reference, and none of the
 * given histories has them. A metric with absolute limits alone needs no past.
 */
export function watchedLive(state: RolloutState, found: ReadonlySet<string>): readonly string[] {
  const needed = new Set(
    [...checksOf(state).values()].filter(({ limit }) => limit.kind === 'relative').map(({ metric }) => metric),
  );
  return Object.keys(state.plan.metrics).filter((name) => needed.has(name) && !found.has(name));
}

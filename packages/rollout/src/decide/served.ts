import type { RolloutState } from '../state.ts';

/** Time served in the running stage, neither held nor blind. */
export function servedMs(state: RolloutState, now: number): number {
  const stage = state.stage;
  if (stage === undefined) return 0;
  const running = stage.countingSince === undefined ? 0 : Math.max(0, now - stage.countingSince);
  return stage.servedMs + running;
}

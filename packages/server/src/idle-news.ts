import { type RolloutState, silenceMs } from '@rampart/rollout';

/** Part of the silence that counts as blindness after which an idle process is news again. */
const NEWS_PART = 0.2;

/** Tells when it is news that nobody came: all idle processes of a rollout together are stored once in a while, not each of them. */
export function createIdleNews(stateOf: (rollout: string) => Pick<RolloutState, 'plan'> | undefined) {
  const heardAt = new Map<string, number>();
  return {
    /** Those of the rollouts that were not heard of lately. */
    of: (rollouts: readonly string[], now: number): readonly string[] =>
      [...new Set(rollouts)].filter((id) => {
        const plan = stateOf(id)?.plan;
        return plan !== undefined && now - (heardAt.get(id) ?? Number.NEGATIVE_INFINITY) >= silenceMs(plan) * NEWS_PART;
      }),
    /** Something of these rollouts is durable. */
    heard(rollouts: readonly string[], now: number): void {
      for (const id of rollouts) heardAt.set(id, now);
    },
  };
}

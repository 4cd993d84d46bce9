import type { StaleFlag } from '@rampart/api';
import type { RolloutStatistics } from '../rollout-statistics.ts';
import type { Handlers } from './handler.ts';

const DAY_MS = 86_400_000;
/** Days a flag may stand still where the caller names none. */
const STALE_DAYS = 30;

/** What these routes work with. */
export type AfterParts = {
  readonly statistics: RolloutStatistics;
  readonly staleFlags: (afterMs: number) => readonly StaleFlag[];
};

/** Routes about what remains of rollouts. Queries were checked by the schema of their route: each cast is that edge. */
export function afterHandlers({ statistics, staleFlags }: AfterParts): Handlers<'listStaleFlags' | 'getStats'> {
  return {
    listStaleFlags({ query }) {
      const { days = STALE_DAYS } = query as { readonly days?: number };
      return { body: { flags: staleFlags(days * DAY_MS) } };
    },
    async getStats({ query }) {
      const { since } = query as { readonly since?: number };
      return { body: await statistics.read(since) };
    },
  };
}

import { addFact, factsAt, type RolloutFacts, type RolloutStats, rolloutStatsOf } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import { recordOf } from './event-records.ts';
import { createSerialQueue } from './serial-queue.ts';
import type { Store } from './store/store.ts';

/** Events read at once. */
const EVENTS_AT_ONCE = 2_000;
/** How long figures over all are good while nothing happens: only what goes on grows with time. */
const KEEP_MS = 1_000;

/** How the rollouts of a store went. */
export type RolloutStatistics = {
  /** Over rollouts created since an instant. Default: all. */
  readonly read: (sinceAt?: number) => Promise<RolloutStats>;
};

/** Statistics of a store; each event is read once, at the first question after it. */
export function createRolloutStatistics(store: Store, clock: Clock): RolloutStatistics {
  const queue = createSerialQueue();
  const facts = new Map<string, RolloutFacts>();
  let seq = 0;
  let all: { readonly seq: number; readonly stats: RolloutStats } | undefined;
  const catchUp = async (): Promise<void> => {
    for (;;) {
      const events = await store.readEvents(seq, EVENTS_AT_ONCE);
      for (const stored of events) {
        const record = recordOf(stored);
        facts.set(stored.stream, addFact(facts.get(stored.stream) ?? factsAt(record.at), record));
        seq = stored.seq;
      }
      if (events.length < EVENTS_AT_ONCE) return;
    }
  };
  return {
    async read(sinceAt) {
      await queue.run(catchUp);
      const now = clock.now();
      if (sinceAt !== undefined) return rolloutStatsOf([...facts.values()], now, sinceAt);
      // A scrape asks for each of its figures.
      if (all === undefined || all.seq !== seq || now - all.stats.now > KEEP_MS)
        all = { seq, stats: rolloutStatsOf([...facts.values()], now) };
      return all.stats;
    },
  };
}

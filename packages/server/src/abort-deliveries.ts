import type { DocumentOptions, EventRecord } from '@rampart/rollout';
import type { Store } from './store/store.ts';

const STATES = ['done', 'pending', 'dead'] as const;

/** What became of the messages of an abort, by destination, as far as the outbox still knows: it forgets those delivered after a week. */
export async function abortDeliveries(
  store: Store,
  rollout: string,
  incident: number,
  records: readonly EventRecord[],
): Promise<NonNullable<DocumentOptions['deliveries']>> {
  const abort = records.find(({ event }) => event.type === 'RolloutAborted' && event.incident === incident);
  if (abort === undefined) return [];
  const prefix = `${rollout}:${abort.version}/`;
  const found = await Promise.all(
    STATES.map(async (state) => {
      const messages = await store.listOutbox(state);
      return messages.filter(({ key }) => key.startsWith(prefix)).map(({ destination }) => ({ destination, state }));
    }),
  );
  return found.flat().toSorted((one, other) => (one.destination < other.destination ? -1 : 1));
}

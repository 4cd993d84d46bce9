import type { DocumentOptions, EventRecord } from '@rampart/rollout';
import type { Store } from './store/store.ts';

/** What became of the messages of an abort, by destination, as far as the outbox still knows: it forgets those delivered after a week. */
export async function abortDeliveries(
  store: Store,
  rollout: string,
  incident: number,
  records: readonly EventRecord[],
): Promise<NonNullable<DocumentOptions['deliveries']>> {
  const abort = records.find(({ event }) => event.type === 'RolloutAborted' && event.incident === incident);
  if (abort === undefined) return [];
  const messages = await store.findOutbox(`${rollout}:${abort.version}/`);
  const found = messages.map(({ destination, state }) => ({ destination, state }));
  return found.toSorted((one, other) => (one.destination < other.destination ? -1 : 1));
}

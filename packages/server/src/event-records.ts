import type { EventRecord, RolloutEvent } from '@rampart/rollout';
import type { NewEvent, StoredEvent } from './store/store.ts';

/** Stream of a rollout in the store. */
export function streamOf(rollout: string): string {
  return `rollout/${rollout}`;
}

/** A stored event as the core reads it. */
export function recordOf({ version, at, by, type, data }: StoredEvent): EventRecord {
  // JSON edge: what stands in the chain was written by `newEventOf`.
  return { version, at, by, event: { ...(data as object), type } as RolloutEvent };
}

/** An event of the core as the store keeps it: its type stands beside its data. */
export function newEventOf(event: RolloutEvent, by: string, at: number): NewEvent {
  const { type, ...data } = event;
  return { at, by, type, data };
}

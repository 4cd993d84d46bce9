import type { TrackedIssue } from '@rampart/connectors';
import { type EventRecord, evolve, type RolloutState } from '@rampart/rollout';
import { recordOf, streamOf } from './event-records.ts';
import type { Store } from './store/store.ts';
import type { TrackerLease } from './tracker-lease.ts';

const KIND = 'tracker';

/** How far a tracker has followed a rollout. Stored: new fields are optional. */
export type TrackerCursor = {
  readonly tracker: string;
  /** Version of the last event whose operations are all done. */
  readonly version: number;
  readonly issue?: TrackedIssue;
  /** Operations that were refused for good and left out. */
  readonly refused?: readonly { readonly version: number; readonly what: string; readonly why: string }[];
};

/** A cursor, and what is remembered with it while the server runs. */
export type TrackerProgress = {
  readonly cursor: TrackerCursor;
  /** Version of the cursor's document; 0: not stored yet. */
  readonly stored: number;
  /** The rollout after the event of the cursor, and after events that mean nothing for the tracker. */
  readonly state: RolloutState | undefined;
  /** Failures in a row. */
  readonly failures: number;
  /** Not tried before, epoch milliseconds. */
  readonly nextAt: number;
  readonly error?: { readonly why: string; readonly at: number };
};

/** What is known of every rollout that a tracker follows, and the right to change it. */
export type TrackerMemory = {
  readonly get: (rollout: string) => TrackerProgress | undefined;
  readonly set: (rollout: string, progress: TrackerProgress) => void;
  /** Another server follows the rollout: what it knows is read before the next turn. */
  readonly forget: (rollout: string) => void;
  /** Begins a turn, with what stands in the store by now; false while another server has the right. @throws StoreError */
  readonly begin: () => Promise<boolean>;
  /** Whether the right has been ours without a gap since the turn began; else the turn must end. @throws StoreError */
  readonly holds: () => Promise<boolean>;
};

/** What stands in the store. @throws StoreError */
export async function openTrackerMemory(store: Store, lease: TrackerLease): Promise<TrackerMemory> {
  const progresses = new Map<string, TrackerProgress>();
  let mayBeStale = true;
  const readAgain = async (): Promise<void> => {
    for (const { key, value, version: stored } of await store.listDocuments(KIND)) {
      // JSON edge: written by `saveCursor` only.
      const cursor = value as TrackerCursor;
      if (progresses.get(key)?.stored !== stored) progresses.set(key, { ...atRest(cursor), stored });
    }
    mayBeStale = false;
  };
  await readAgain();
  return {
    get: (rollout) => progresses.get(rollout),
    set: (rollout, progress) => void progresses.set(rollout, progress),
    forget(rollout) {
      progresses.delete(rollout);
      mayBeStale = true;
    },
    async begin() {
      const held = await lease.hold();
      if (held === 'none') return false;
      if (held === 'taken' || mayBeStale) await readAgain();
      return true;
    },
    async holds() {
      const isKept = (await lease.hold()) === 'kept';
      mayBeStale ||= !isKept;
      return isKept;
    },
  };
}

/** Nothing done yet, nothing known yet of the rollout. */
export function atRest(cursor: TrackerCursor): TrackerProgress {
  return { cursor, stored: 0, state: undefined, failures: 0, nextAt: 0 };
}

/** Stores a cursor; `undefined` when another server has moved it meanwhile. @throws StoreError */
export async function saveCursor(
  store: Store,
  rollout: string,
  { stored, cursor }: Pick<TrackerProgress, 'stored' | 'cursor'>,
): Promise<number | undefined> {
  const document = { kind: KIND, key: rollout, value: cursor, expectedVersion: stored };
  const written = await store.putDocuments({ documents: [document] });
  return written.ok ? stored + 1 : undefined;
}

/** Events after those that `state` is made of, each with the state after it. @throws StoreError */
export async function eventsAfter(
  store: Store,
  rollout: string,
  state: RolloutState | undefined,
): Promise<readonly { readonly record: EventRecord; readonly state: RolloutState }[]> {
  const events = await store.readStream(streamOf(rollout), state?.version ?? 0);
  let before = state;
  return events.map((event) => {
    const record = recordOf(event);
    const after = evolve(before, record);
    before = after;
    return { record, state: after };
  });
}

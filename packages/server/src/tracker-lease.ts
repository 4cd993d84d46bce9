import type { Clock } from './clock.ts';
import type { Store } from './store/store.ts';

/** The right to write into trackers: one server of a store has it at a time. */
export type TrackerLease = {
  /**
   * `kept`: nobody else had it since the last call. `taken`: somebody may have had it in between. `none`: another server has
   * it. @throws StoreError
   */
  readonly hold: () => Promise<'kept' | 'taken' | 'none'>;
  /** Gives it back, where it is held. @throws StoreError */
  readonly release: () => Promise<void>;
};

const KIND = 'tracker-lease';
const KEY = 'all';
/** How long a server that ended without a word keeps others waiting. */
const LEASE_MS = 30_000;
/** Once less than this is left it is renewed: longer than one operation may take (`LONGEST_OPERATION_MS`). */
const RENEW_BELOW_MS = 20_000;
/** An operation that takes longer is broken off and tried again, so that it has ended before the lease. */
export const LONGEST_OPERATION_MS = 18_000;

/** `owner`: unique among the servers of the store. */
export function trackerLease(store: Store, clock: Clock, owner: string): TrackerLease {
  let heldUntil = 0;
  const write = async (expectedVersion: number, until: number): Promise<boolean> => {
    const document = { kind: KIND, key: KEY, value: { owner, until }, expectedVersion };
    const written = await store.putDocuments({ documents: [document] });
    if (written.ok) heldUntil = until;
    return written.ok;
  };
  const standing = async () => {
    const stored = await store.getDocument(KIND, KEY);
    // JSON edge: written by `write` only.
    const lease = stored?.value as { readonly owner: string; readonly until: number } | undefined;
    return { version: stored?.version ?? 0, isMine: lease?.owner === owner, until: lease?.until ?? 0 };
  };
  return {
    async hold() {
      const now = clock.now();
      if (heldUntil - now >= RENEW_BELOW_MS) return 'kept';
      const isHeld = heldUntil > now;
      const { version, isMine, until } = await standing();
      if (!isMine && until > now) return 'none';
      if (!(await write(version, now + LEASE_MS))) return 'none';
      return isHeld && isMine ? 'kept' : 'taken';
    },
    async release() {
      if (heldUntil === 0) return;
      const { version, isMine } = await standing();
      if (isMine) await write(version, 0);
      heldUntil = 0;
    },
  };
}

import type { Clock } from './clock.ts';
import { type Log, messageOf } from './log.ts';
import type { Store } from './store/store.ts';

/** When SDKs last reported that they evaluate a flag. Only flags that a rollout owns are reported. */
export type FlagUse = {
  readonly note: (flags: Iterable<string>) => void;
  /** Epoch ms, to the hour; `undefined` where nothing was ever heard. */
  readonly lastAt: (flag: string) => number | undefined;
  /** Since when this store listens. */
  readonly since: number;
  readonly start: () => void;
  /** Resolves when what was noted is written. */
  readonly stop: () => Promise<void>;
};

const KIND = 'flag-use';
const SINCE = { kind: 'flag-use-since', key: 'store' };
/** Finer than this nothing is written: reports come every few seconds. */
const GRAIN_MS = 3_600_000;
const RETRY_MS = 60_000;

/** What is known from before. @throws StoreError */
export async function openFlagUse(store: Store, clock: Clock, log: Log): Promise<FlagUse> {
  // JSON edge: written by this file only.
  const known = (await store.listDocuments(KIND)).map(({ key, value }) => [key, value as number] as const);
  const lastAt = new Map(known);
  const since = await sinceOf(store, clock.now());
  const pending = new Set<Promise<void>>();
  const write = (key: string, at: number): void => {
    lastAt.set(key, at);
    const writing = store
      .putDocuments({ documents: [{ kind: KIND, key, value: at }] })
      .then(
        () => undefined,
        (error: unknown) => {
          // Tried again in a minute: the disk may be full.
          lastAt.set(key, at - GRAIN_MS + RETRY_MS);
          log.warn({ err: error }, `the use of flag ${key} could not be noted: ${messageOf(error)}`);
        },
      )
      .finally(() => pending.delete(writing));
    pending.add(writing);
  };
  return {
    note(flags) {
      const now = clock.now();
      for (const flag of flags) {
        const last = lastAt.get(flag);
        if (last === undefined || now - last >= GRAIN_MS) write(flag, now);
      }
    },
    lastAt: (flag) => lastAt.get(flag),
    since,
    start: () => undefined,
    async stop() {
      await Promise.all(pending);
    },
  };
}

async function sinceOf(store: Store, now: number): Promise<number> {
  const known = await store.getDocument(SINCE.kind, SINCE.key);
  if (known !== undefined) return known.value as number;
  // Of two servers that start at once the first one is right as well.
  await store.putDocuments({ documents: [{ ...SINCE, value: now, expectedVersion: 0 }] });
  return now;
}

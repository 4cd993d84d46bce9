import { equalJson, type Flag, type JsonValue, type Ruleset, type Segment } from '@rampart/flags';
import type { RolloutState } from '@rampart/rollout';
import { type ByKey, rulesetOf } from './ruleset-of.ts';
import { createSerialQueue } from './serial-queue.ts';
import type { Conflict, DocumentWrite, Store } from './store/store.ts';

/** What a change makes new; `null` removes. */
export type RulesetChange = {
  readonly flags?: ByKey<Flag | null>;
  readonly segments?: ByKey<Segment | null>;
  /** A rollout as it will be once the change is written. */
  readonly rollout?: RolloutState;
};

/** Writes the documents of a change in one transaction with whatever it follows from. */
type WriteChange<T> = (documents: readonly DocumentWrite[]) => Promise<T>;

/** The flags, the segments and the ruleset of one environment: in memory as in the store. */
export type RulesetBook = {
  readonly ruleset: () => Ruleset;
  readonly flags: () => ByKey<Flag>;
  readonly segments: () => ByKey<Segment>;
  /** The ruleset that a change would make; its revision is the next one. */
  readonly preview: (change: RulesetChange) => Ruleset;
  /**
   * Makes the next revision and has it written. One change at a time, so no revision is made from what is out of date.
   * A conflict is handed back: refresh, decide again, and repeat.
   */
  readonly change: <T extends { readonly ok: true } | Conflict>(
    change: RulesetChange,
    write: WriteChange<T>,
  ) => Promise<T>;
  /** Reads everything again, and brings the stored ruleset up to date where it is not. */
  readonly refresh: () => Promise<void>;
};

type Contents = {
  readonly flags: ByKey<Flag>;
  readonly segments: ByKey<Segment>;
  readonly ruleset: Ruleset;
  readonly version: number;
};

const KIND = 'ruleset';

/** What a book works with. `rollouts` gives every rollout as it is now; `publish` is told each new revision at once. */
export type BookOptions = {
  readonly store: Store;
  readonly environment: string;
  readonly rollouts: () => Iterable<RolloutState>;
  /** Reads again every rollout that has changed in the store. */
  readonly reloadRollouts: () => Promise<void>;
  readonly publish: (ruleset: Ruleset) => void;
};

/** Opens the book; call `refresh` before anything else. */
export function createRulesetBook(options: BookOptions): RulesetBook {
  const { store, environment } = options;
  const queue = createSerialQueue();
  const empty = rulesetOf(environment, 0, {}, {}, []);
  let contents: Contents = { flags: {}, segments: {}, ruleset: empty, version: 0 };

  const next = (from: Contents, change: RulesetChange): Contents => {
    const flags = changed(from.flags, change.flags);
    const segments = changed(from.segments, change.segments);
    const rollouts = withRollout(options.rollouts(), change.rollout);
    const ruleset = rulesetOf(environment, from.ruleset.revision + 1, flags, segments, rollouts);
    return { flags, segments, ruleset, version: from.version + 1 };
  };

  const take = (taken: Contents): void => {
    const isNew = taken.ruleset.revision !== contents.ruleset.revision;
    contents = taken;
    if (isNew) options.publish(taken.ruleset);
  };

  const refresh = async (): Promise<void> => {
    const stored = await readContents(store, environment, empty);
    // After the ruleset: one that another process changes from here on refuses the write below.
    await options.reloadRollouts();
    const current = next(stored, {});
    if (stored.version > 0 && isSame(stored.ruleset, current.ruleset)) return take(stored);
    const write = rulesetWrite(environment, current.ruleset, stored.version);
    const saved = await store.putDocuments({ documents: [write] });
    if (saved.ok) return take(current);
    return refresh();
  };

  return {
    ruleset: () => contents.ruleset,
    flags: () => contents.flags,
    segments: () => contents.segments,
    preview: (change) => next(contents, change).ruleset,
    change: (change, write) =>
      queue.run(async () => {
        const before = contents;
        const after = next(before, change);
        const result = await write([...writesOf(change), rulesetWrite(environment, after.ruleset, before.version)]);
        if (result.ok) take(after);
        return result;
      }),
    refresh: () => queue.run(refresh),
  };
}

async function readContents(store: Store, environment: string, empty: Ruleset): Promise<Contents> {
  const [flags, segments, ruleset] = await Promise.all([
    store.listDocuments('flag'),
    store.listDocuments('segment'),
    store.getDocument(KIND, environment),
  ]);
  // JSON edge: these documents are written by this file only.
  const byKey = (documents: typeof flags) => Object.fromEntries(documents.map(({ key, value }) => [key, value]));
  return {
    flags: byKey(flags) as ByKey<Flag>,
    segments: byKey(segments) as ByKey<Segment>,
    ruleset: (ruleset?.value as Ruleset | undefined) ?? empty,
    version: ruleset?.version ?? 0,
  };
}

function rulesetWrite(environment: string, ruleset: Ruleset, expectedVersion: number): DocumentWrite {
  return { kind: KIND, key: environment, value: ruleset, expectedVersion };
}

function writesOf({ flags = {}, segments = {} }: RulesetChange): readonly DocumentWrite[] {
  return [
    ...Object.entries(flags).map(([key, value]) => ({ kind: 'flag', key, value })),
    ...Object.entries(segments).map(([key, value]) => ({ kind: 'segment', key, value })),
  ];
}

function changed<T>(entries: ByKey<T>, change: ByKey<T | null> = {}): ByKey<T> {
  const all = Object.entries<T | null>({ ...entries, ...change });
  return Object.fromEntries(all.filter((entry): entry is [string, T] => entry[1] !== null));
}

function* withRollout(rollouts: Iterable<RolloutState>, changedOne: RolloutState | undefined): Iterable<RolloutState> {
  for (const state of rollouts) if (state.id !== changedOne?.id) yield state;
  if (changedOne !== undefined) yield changedOne;
}

/** Whether two rulesets serve the same; revisions aside. Both are compared as JSON. */
function isSame(stored: Ruleset, current: Ruleset): boolean {
  const plain = (ruleset: Ruleset): JsonValue => JSON.parse(JSON.stringify({ ...ruleset, revision: 0 }));
  return equalJson(plain(stored), plain(current));
}

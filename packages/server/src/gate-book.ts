import type { Store, StoredDocument } from './store/store.ts';
import { StoreError } from './store/store-error.ts';

/** What was said of a gate; `by`: name of a hook, or id of a principal. */
export type GateWord = {
  readonly open: boolean;
  readonly why: string;
  readonly at: number;
  readonly by: string;
};

/** What is known of a gate for one flag, or without `flag` for every rollout of this server. */
export type GateEntry = {
  readonly gate: string;
  readonly flag?: string;
  readonly said?: GateWord;
  /** Closed by hand: only a person opens it again. */
  readonly shut?: GateWord;
  /** Id of the delivery that was heard last. */
  readonly delivery?: string;
};

/** Which gate, and for whom. */
export type GateScope = { readonly gate: string; readonly flag?: string };

/** The named gates that other systems and people open and close. Durable; what is read is what stands in the store. */
export type GateBook = {
  readonly list: () => Promise<readonly GateEntry[]>;
  /** What counts for rollouts of a flag: a word for all and one for the flag are both heard, and one that closes is enough. */
  readonly wordFor: (gate: string, flag: string) => Promise<GateWord | undefined>;
  /** As `wordFor`, of what was closed by hand alone. */
  readonly shutFor: (gate: string, flag: string) => Promise<GateWord | undefined>;
  /**
   * Takes what another system says; resolves once it is durable. `ignored`: something said later is known already.
   * @throws StoreError
   */
  readonly hear: (scope: GateScope, word: GateWord, delivery: string) => Promise<'accepted' | 'duplicate' | 'ignored'>;
  /** Opens or closes by hand. @throws StoreError */
  readonly set: (scope: GateScope, word: GateWord) => Promise<void>;
};

const KIND = 'gate';
const MOST_TRIES = 10;

/** The gates of a store. */
export function createGateBook(store: Store): GateBook {
  const find = (scope: GateScope) => store.getDocument(KIND, keyOf(scope));
  const entriesFor = async (gate: string, flag: string): Promise<readonly GateEntry[]> => {
    const found = await Promise.all([find({ gate }), find({ gate, flag })]);
    return found.flatMap((document) => entryOf(document) ?? []);
  };
  /** Another process may write the same: then it is worked out again from what that one left. */
  const change = async <T>(scope: GateScope, next: (entry: GateEntry) => readonly [GateEntry | undefined, T]) => {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const document = await find(scope);
      const [value, result] = next(entryOf(document) ?? scope);
      if (value === undefined) return result;
      const expectedVersion = document?.version ?? 0;
      const written = await store.putDocuments({
        documents: [{ kind: KIND, key: keyOf(scope), value, expectedVersion }],
      });
      if (written.ok) return result;
    }
    throw new StoreError('STORE_UNAVAILABLE', `gate ${scope.gate} was written by others ${MOST_TRIES} times in a row`);
  };
  return {
    list: async () => (await store.listDocuments(KIND)).flatMap((document) => entryOf(document) ?? []),
    async wordFor(gate, flag) {
      const entries = await entriesFor(gate, flag);
      return shutIn(entries) ?? entries.map(({ said }) => said).reduce(strictest, undefined);
    },
    shutFor: async (gate, flag) => shutIn(await entriesFor(gate, flag)),
    hear: (scope, word, delivery) =>
      change(scope, (entry) => {
        if (entry.delivery === delivery) return [undefined, 'duplicate'];
        if ((entry.said?.at ?? 0) > word.at) return [undefined, 'ignored'];
        return [{ ...entry, said: word, delivery }, 'accepted'];
      }),
    set: (scope, word) =>
      change(scope, ({ shut: _opened, ...entry }) => [
        word.open ? { ...entry, said: word } : { ...entry, shut: word },
        undefined,
      ]),
  };
}

function keyOf({ gate, flag }: GateScope): string {
  return JSON.stringify(flag === undefined ? [gate] : [gate, flag]);
}

/** JSON edge: written above only. */
function entryOf(document: StoredDocument | undefined): GateEntry | undefined {
  return (document?.value ?? undefined) as GateEntry | undefined;
}

function shutIn(entries: readonly GateEntry[]): GateWord | undefined {
  return entries.map(({ shut }) => shut).find((word) => word !== undefined);
}

/** Of two words the one that closes, else the later one: silence counts from the last word. */
function strictest(one: GateWord | undefined, other: GateWord | undefined): GateWord | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.open !== other.open) return one.open ? other : one;
  return one.at >= other.at ? one : other;
}

import type { Append, Store } from './store.ts';

/** A fresh, empty database of one adapter, as the contract suite drives it. */
export type ContractDatabase = {
  /** Another store on the same data, as another replica would have. The suite closes every one it opens. */
  open(): Promise<Store>;
  /** Changes the data of an event behind the store's back, past all guards. All stores are closed. */
  changeEvent(seq: number, data: string): Promise<void>;
  /** Removes an event the same way. */
  removeEvent(seq: number): Promise<void>;
};

/** Behaviours every adapter must have: the name is a sentence, the function rejects where it does not hold. */
export type Contract = Readonly<Record<string, (database: ContractDatabase) => Promise<void>>>;

/** Runs with one open store and closes it. */
export async function withStore<T>(database: ContractDatabase, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await database.open();
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Runs with two stores on the same data and closes both. */
export async function withTwo(database: ContractDatabase, use: (a: Store, b: Store) => Promise<void>): Promise<void> {
  await withStore(database, (a) => withStore(database, (b) => use(a, b)));
}

/** An append of `count` small events (default 1). */
export function appendTo(stream: string, expectedVersion: number, more: Partial<Append> = {}, count = 1): Append {
  const events = Array.from({ length: count }, (_, i) => ({
    at: 1_000 + expectedVersion + i,
    by: 'person:ada',
    type: 'Happened',
    data: { number: expectedVersion + i + 1 },
  }));
  return { stream, expectedVersion, events, ...more };
}

/** A message due at once unless said otherwise. */
export function message(key: string, dueAt = 0) {
  return { key, destination: 'hook', kind: 'notice', body: { about: key }, dueAt };
}

/** Does works of one key one after the other, in the order they came; those of other keys do not wait. */
export type Turns = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>;

/** For one process: what two of them do at once is for the store to order. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
}

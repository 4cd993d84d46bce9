/** Runs jobs one after the other, in the order given; a job that fails does not stop the next. */
export type SerialQueue = {
  readonly run: <T>(job: () => Promise<T>) => Promise<T>;
  /** Resolves when everything given so far has ended. */
  readonly idle: () => Promise<void>;
};

/** An empty queue. */
export function createSerialQueue(): SerialQueue {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    run<T>(job: () => Promise<T>): Promise<T> {
      const result = tail.then(job);
      tail = result.catch(() => undefined);
      return result;
    },
    async idle() {
      await tail;
    },
  };
}

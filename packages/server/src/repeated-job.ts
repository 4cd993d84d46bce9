/** A job that runs once at a time, and once more when it was asked for while it ran. */
export type RepeatedJob = {
  /** Asks for a run; resolves when a run that began after the call has ended. */
  readonly ask: () => Promise<void>;
  /** Resolves when it does not run. */
  readonly idle: () => Promise<void>;
};

/** The job at rest. `job` must not reject. */
export function createRepeatedJob(job: () => Promise<void>): RepeatedJob {
  let running: Promise<void> | undefined;
  let isAsked = false;
  const run = async (): Promise<void> => {
    while (isAsked) {
      isAsked = false;
      await job();
    }
    running = undefined;
  };
  return {
    ask() {
      isAsked = true;
      running ??= run();
      return running;
    },
    idle: async () => running,
  };
}

import type { SourceAnswer } from '@rampart/connectors';

type Failure = Extract<SourceAnswer, { kind: 'error' }>;

/** Spares sources: few questions at a time, and none while nothing is there or patience was asked for. */
export type SourcePauses = {
  /** Runs a job when fewer than so many of the source's run. */
  readonly limited: <T>(source: string, atOnce: number, job: () => Promise<T>) => Promise<T>;
  /** The failure to repeat while a source pauses; `now` in epoch milliseconds. */
  readonly pausedBy: (source: string, now: number) => Failure | undefined;
  /** Takes note of an error; one that is of the source as a whole makes it pause until then, epoch milliseconds. */
  readonly note: (source: string, untilAt: number, failure: Failure) => void;
};

/** Nothing runs and nothing pauses. */
export function createSourcePauses(): SourcePauses {
  const running = new Map<string, { count: number; readonly waiting: (() => void)[] }>();
  const paused = new Map<string, { readonly untilAt: number; readonly failure: Failure }>();
  return {
    async limited(source, atOnce, job) {
      const lane = running.get(source) ?? { count: 0, waiting: [] };
      running.set(source, lane);
      if (lane.count >= atOnce) await new Promise<void>((resolve) => lane.waiting.push(resolve));
      else lane.count += 1;
      try {
        return await job();
      } finally {
        const next = lane.waiting.shift();
        // The place goes to who waits, or is free.
        if (next === undefined) lane.count -= 1;
        else next();
      }
    },
    pausedBy(source, now) {
      const pause = paused.get(source);
      return pause !== undefined && now < pause.untilAt ? pause.failure : undefined;
    },
    note(source, untilAt, failure) {
      const isOfSource = failure.reason === 'unreachable' || failure.reason === 'throttled';
      if (isOfSource && (paused.get(source)?.untilAt ?? 0) < untilAt) paused.set(source, { untilAt, failure });
    },
  };
}

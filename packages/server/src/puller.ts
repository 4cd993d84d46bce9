import type { Metric, RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import { createTimelines, isPulled } from './exposure-timeline.ts';
import { type Log, messageOf } from './log.ts';
import { LONGEST_PULL_MS } from './next-pull.ts';
import { type Job, LONGEST_RETRY_MS, type Progress, pullOnce } from './pull-once.ts';
import type { RolloutTable } from './rollout-table.ts';
import { DELIVERED, type PulledSource, type SourceBook } from './source-book.ts';
import { createSourcePauses } from './source-pauses.ts';
import type { MetricSight } from './source-sight.ts';
import type { Store } from './store/store.ts';

/** Questions that one source is asked at a time. */
const AT_ONCE = 4;
/** Interval of looks for metrics that are due, milliseconds. */
const BEAT_MS = 250;

/** Asks the sources that plans name, and has what they answer counted like telemetry. */
export type Puller = {
  /** Asks for all that is due now, until nothing is; for tests and first looks. Never rejects. */
  readonly pullAll: () => Promise<void>;
  /** How the metrics of a rollout were answered last. */
  readonly sightsOf: (rollout: string) => readonly MetricSight[];
  /** Asks regularly from now on. */
  readonly start: () => void;
  /** Asks no more; resolves when the last question has ended. */
  readonly stop: () => Promise<void>;
};

/** What a puller works with. */
export type PullerOptions = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly sources: SourceBook;
  readonly log: Log;
  /** In [0, 1): spreads repetitions. */
  readonly random: () => number;
  /** Has what was written counted; resolves then. */
  readonly wake: (rollout: string) => Promise<void>;
};

/** A puller at rest. */
export function createPuller(options: PullerOptions): Puller {
  const { table, sources, clock, log } = options;
  const progress = new Map<string, Map<string, Progress>>();
  const timelines = createTimelines(options.store);
  const pauses = createSourcePauses();
  const asking = new Set<Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const jobs = (): readonly Job[] =>
    table.all().flatMap(({ state }) => {
      if (isPulled(state)) return Object.values(state.plan.metrics).flatMap((metric) => jobOf(state, metric, sources));
      progress.delete(state.id);
      timelines.forget(state.id);
      return [];
    });
  /** Asks once; whether it is worth asking at once again. */
  const askOnce = async (known: Job): Promise<boolean> => {
    const run = table.get(known.state.id);
    if (run === undefined || !isPulled(run.state)) return false;
    const job = { ...known, state: run.state };
    const own = progressOf(progress, job, run.open.carried.failures[job.metric.name]);
    if (own.isAsking || clock.now() < own.nextAt) return false;
    own.isAsking = true;
    try {
      return await pauses.limited(job.pulled.name, AT_ONCE, () =>
        pullOnce(job, own, { ...options, timelines, pauses, signal: stopping.signal }),
      );
    } catch (error) {
      own.nextAt = clock.now() + LONGEST_RETRY_MS;
      log.error(
        { rollout: job.state.id, err: error },
        `metrics.${job.metric.name} could not be pulled: ${messageOf(error)}`,
      );
      return false;
    } finally {
      own.isAsking = false;
    }
  };
  const askAll = async (job: Job): Promise<void> => {
    // One question after the other: each begins where what the one before it gave was counted.
    while (!stopping.signal.aborted && (await askOnce(job)));
  };
  const beat = (): void => {
    for (const job of jobs()) {
      const turn = askAll(job).finally(() => asking.delete(turn));
      asking.add(turn);
    }
  };
  return {
    async pullAll() {
      await Promise.all(asking);
      await Promise.all(jobs().map(askAll));
    },
    sightsOf: (rollout) => [...(progress.get(rollout)?.values() ?? [])].flatMap(({ sight }) => sight ?? []),
    start() {
      timer = setInterval(beat, BEAT_MS);
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await Promise.all(asking);
    },
  };
}

function jobOf(state: RolloutState, metric: Metric, sources: SourceBook): readonly Job[] {
  if (DELIVERED.includes(metric.source)) return [];
  const pulled = sources.get(metric.source);
  if (pulled !== undefined) return [{ state, metric, pulled }];
  return [{ state, metric, pulled: goneSource(metric.source, sources) }];
}

/** A source that a running rollout needs and that this server was not set up with again. */
function goneSource(name: string, { names }: SourceBook): PulledSource {
  const message = `source ${name} is not set up on this server any more (it has: ${names.join(', ')}); start it with the settings that have it`;
  const source = { name, read: async () => ({ kind: 'error', message }) as const };
  return {
    name,
    kind: 'none',
    source,
    readBinding: () => ({ tellsArms: true }),
    everyMs: LONGEST_RETRY_MS,
    settleMs: 0,
  };
}

function progressOf(
  all: Map<string, Map<string, Progress>>,
  { state, metric }: Job,
  toldFailure: string | undefined,
): Progress {
  const own = all.get(state.id) ?? new Map<string, Progress>();
  all.set(state.id, own);
  const known = own.get(metric.name);
  if (known !== undefined) return known;
  const fresh = {
    sight: undefined,
    longestMs: LONGEST_PULL_MS,
    skipTo: Number.NEGATIVE_INFINITY,
    nextAt: 0,
    toldFailure,
    isAsking: false,
  };
  own.set(metric.name, fresh);
  return fresh;
}

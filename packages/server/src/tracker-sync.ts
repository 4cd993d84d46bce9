import { type TrackedIssue, type TrackerLinks, trackerOf } from '@rampart/connectors';
import type { RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import { type Log, messageOf } from './log.ts';
import type { RolloutRun } from './rollout-run.ts';
import type { RolloutTable } from './rollout-table.ts';
import type { Store } from './store/store.ts';
import type { TrackerBook } from './tracker-book.ts';
import { type FollowJob, follow } from './tracker-follow.ts';
import { trackerLease } from './tracker-lease.ts';
import { openTrackerMemory, type TrackerCursor, type TrackerProgress } from './tracker-progress.ts';

/** How a rollout and its issue stand to each other. */
export type TrackerStanding = {
  readonly rollout: string;
  readonly flag: string;
  readonly tracker: string;
  readonly issue?: TrackedIssue;
  /** Events of the rollout that the tracker has not followed yet. */
  readonly pending: number;
  /** The last failure, while it lasts; `nextAt`: when it is tried again. */
  readonly error?: { readonly why: string; readonly at: number; readonly nextAt: number };
  /** What was refused for good and left out. */
  readonly refused: NonNullable<TrackerCursor['refused']>;
};

/**
 * Lets trackers follow rollouts: the events of each, in order, from where its stored cursor stands. What an event means is
 * done before the cursor passes it, and doing it again changes nothing, so that a crash anywhere leaves neither a gap nor a
 * double. No command ever waits for it.
 */
export type TrackerSync = {
  /** Does what there is to do now. Never rejects. */
  readonly drain: () => Promise<void>;
  readonly standings: () => readonly TrackerStanding[];
  readonly issueOf: (rollout: string) => TrackedIssue | undefined;
  readonly start: () => void;
  readonly stop: () => Promise<void>;
};

/** What a sync works with. `owner`: unique among the servers of the store. `random` in [0, 1) spreads retries. */
export type TrackerSyncOptions = TrackerLinks & {
  readonly store: Store;
  readonly table: Pick<RolloutTable, 'all'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly trackers: TrackerBook;
  readonly owner: string;
  readonly random: () => number;
};

const EVERY_MS = 1_000;

/** A sync at rest. @throws StoreError */
export async function openTrackerSync(options: TrackerSyncOptions): Promise<TrackerSync> {
  const { store, table, clock, log, trackers } = options;
  const lease = trackerLease(store, clock, options.owner);
  const memory = await openTrackerMemory(store, lease);
  const stopping = new AbortController();
  const parts = { ...options, memory, stopped: stopping.signal };
  const followAll = async (): Promise<void> => {
    const jobs = table.all().flatMap(({ state }) => jobOf(state, memory.get(state.id), trackers, clock.now()));
    if (jobs.length === 0 || !(await memory.begin())) return;
    // One after the other per tracker: a tracker that hangs holds up no other one.
    const lanes = Object.values(Object.groupBy(jobs, ({ tracker }) => tracker.name));
    await Promise.all(
      lanes.map(async (lane = []) => {
        for (const job of lane) {
          if (stopping.signal.aborted || (await follow(job, parts)) === 'paced') return;
        }
      }),
    );
  };
  const { drain, running } = repeatable(
    () =>
      followAll().catch((error: unknown) => {
        log.error({ err: error }, `trackers could not be kept: ${messageOf(error)}`);
      }),
    stopping.signal,
  );
  let timer: NodeJS.Timeout | undefined;
  let stopListening: (() => void) | undefined;
  return {
    drain,
    standings: () => table.all().flatMap(({ state }) => standingOf(state, memory.get(state.id), trackers)),
    issueOf: (rollout) => memory.get(rollout)?.cursor.issue,
    start() {
      if (trackers.names.length === 0) return;
      stopListening = store.onChange(({ streams }) => {
        if (streams.length > 0) void drain();
      });
      timer = setInterval(() => void drain(), EVERY_MS);
      void drain();
    },
    async stop() {
      stopping.abort();
      stopListening?.();
      clearInterval(timer);
      await running();
      await lease.release().catch((error: unknown) => {
        log.warn({ err: error }, `the lease on trackers could not be given back: ${messageOf(error)}`);
      });
    },
  };
}

/** Work that is done once at a time, and once more when it was asked for meanwhile. */
function repeatable(work: () => Promise<void>, stopped: AbortSignal) {
  let current: Promise<void> | undefined;
  let isAskedAgain = false;
  const drain = (): Promise<void> => {
    isAskedAgain = true;
    current ??= (async () => {
      while (isAskedAgain && !stopped.aborted) {
        isAskedAgain = false;
        await work();
      }
    })().finally(() => {
      current = undefined;
    });
    return current;
  };
  return { drain, running: async () => current };
}

/** Version of the last event that was followed, or means nothing for the tracker. */
function followedTo(progress: TrackerProgress | undefined): number {
  return Math.max(progress?.cursor.version ?? 0, progress?.state?.version ?? 0);
}

function jobOf(
  state: RolloutRun['state'],
  progress: TrackerProgress | undefined,
  trackers: TrackerBook,
  now: number,
): readonly FollowJob[] {
  const set = trackers.get(trackerOf(state)?.name ?? '');
  const isDue = followedTo(progress) < state.version && (progress?.nextAt ?? 0) <= now;
  return set !== undefined && isDue ? [{ id: state.id, tracker: set.tracker }] : [];
}

function standingOf(
  state: RolloutState,
  progress: TrackerProgress | undefined,
  trackers: TrackerBook,
): readonly TrackerStanding[] {
  const tracker = trackerOf(state)?.name;
  if (tracker === undefined) return [];
  const { issue, refused = [] } = progress?.cursor ?? {};
  const pending = Math.max(0, state.version - followedTo(progress));
  const at = state.createdAt;
  const why = `tracker ${tracker} is not in the settings of this server`;
  const error =
    trackers.get(tracker) === undefined
      ? { why, at, nextAt: at }
      : progress?.error && { ...progress.error, nextAt: progress.nextAt };
  return [
    {
      ...{ rollout: state.id, flag: state.plan.flag, tracker, pending, refused },
      ...(issue && { issue }),
      ...(error && { error }),
    },
  ];
}

import { type Tracker, type TrackerLinks, type TrackerOp, trackerOpsOf } from '@rampart/connectors';
import type { RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import { type Log, messageOf } from './log.ts';
import type { Store } from './store/store.ts';
import { performOps, type TrackerFailed } from './tracker-ops.ts';
import { atRest, eventsAfter, saveCursor, type TrackerMemory, type TrackerProgress } from './tracker-progress.ts';

/** What trackers follow rollouts with. `random` in [0, 1) spreads retries. */
export type FollowParts = TrackerLinks & {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: TrackerMemory;
  readonly random: () => number;
  readonly stopped: AbortSignal;
};

/** A rollout, and the tracker that follows it. */
export type FollowJob = { readonly id: string; readonly tracker: Tracker };

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 300_000;
/** What only a person can mend is looked at this often. */
const SETUP_RETRY_MS = 600_000;

/**
 * Follows a rollout as far as it goes now; what cannot be done is put off. `paced`: the tracker is to be asked for nothing
 * more for a while, by nobody. Never rejects.
 */
export async function follow(job: FollowJob, parts: FollowParts): Promise<'followed' | 'paced'> {
  const { id, tracker } = job;
  const { memory, log, stopped } = parts;
  try {
    return await followEvents(job, parts);
  } catch (error) {
    if (stopped.aborted) return 'followed';
    log.error({ err: error, rollout: id }, `the tracker of rollout ${id} could not be kept: ${messageOf(error)}`);
    const progress = memory.get(id) ?? atRest({ tracker: tracker.name, version: 0 });
    memory.set(id, postponed(progress, { kind: 'retry', why: messageOf(error) }, parts));
    return 'followed';
  }
}

async function followEvents(job: FollowJob, parts: FollowParts): Promise<'followed' | 'paced'> {
  const { id, tracker } = job;
  const { store, memory } = parts;
  let progress = memory.get(id) ?? atRest({ tracker: tracker.name, version: 0 });
  for (const { record, state } of await eventsAfter(store, id, progress.state)) {
    const isKnown = record.version <= progress.cursor.version;
    const ops = isKnown ? [] : trackerOpsOf(record, state, parts);
    const next = ops.length === 0 ? { ...progress, state } : await followEvent(job, { progress, ops, state }, parts);
    if (typeof next === 'string') return next;
    memory.set(id, next);
    progress = next;
  }
  await rest(id, progress, parts);
  return 'followed';
}

type Step = {
  readonly progress: TrackerProgress;
  readonly ops: readonly TrackerOp[];
  /** After the event. */
  readonly state: RolloutState;
};

/** The progress after an event; or how it ends for now. */
async function followEvent(
  { id, tracker }: FollowJob,
  { progress, ops, state }: Step,
  parts: FollowParts,
): Promise<TrackerProgress | 'followed' | 'paced'> {
  const { store, memory, log, stopped } = parts;
  const done = await performOps(
    { ops, version: state.version, tracker, cursor: progress.cursor },
    {
      stopped,
      holds: memory.holds,
      tell: ({ name }, { kind }, what) => log.warn({ tracker: name, rollout: id }, `tracker ${name}, ${kind}: ${what}`),
    },
  );
  if (done === undefined) return 'followed';
  if ('kind' in done) {
    memory.set(id, postponed(progress, done, parts));
    return done.kind === 'retry' && done.isPaced ? 'paced' : 'followed';
  }
  const stored = await saveCursor(store, id, { stored: progress.stored, cursor: done });
  if (stored !== undefined) return { cursor: done, stored, state, failures: 0, nextAt: 0 };
  memory.forget(id);
  return 'followed';
}

/** A rollout that is over is not read again at the next start. */
async function rest(id: string, progress: TrackerProgress, { store, memory }: FollowParts): Promise<void> {
  const { state, cursor, stored } = progress;
  const isOver = state?.phase === 'complete' || state?.phase === 'cancelled';
  if (state === undefined || !isOver || cursor.version >= state.version) return;
  const next = { ...cursor, version: state.version };
  const saved = await saveCursor(store, id, { stored, cursor: next });
  if (saved === undefined) memory.forget(id);
  else memory.set(id, { ...progress, cursor: next, stored: saved });
}

function postponed(progress: TrackerProgress, failed: TrackerFailed, parts: FollowParts): TrackerProgress {
  if (failed.kind === 'retry' && failed.isPaced)
    return { ...progress, nextAt: parts.clock.now() + (failed.afterMs ?? 0) };
  const failures = progress.failures + 1;
  const full = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  const asked = failed.kind === 'retry' ? (failed.afterMs ?? 0) : SETUP_RETRY_MS;
  const now = parts.clock.now();
  const { tracker } = progress.cursor;
  if (failures === 1)
    parts.log.warn({ tracker }, `tracker ${tracker} cannot follow yet and is tried again: ${failed.why}`);
  const nextAt = now + Math.max(asked, Math.round(full * (1 - parts.random() / 2)));
  return { ...progress, failures, nextAt, error: { why: failed.why, at: now } };
}

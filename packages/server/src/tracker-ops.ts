import type { TrackedIssue, Tracker, TrackerOp, TrackerResult } from '@rampart/connectors';
import { LONGEST_OPERATION_MS } from './tracker-lease.ts';
import type { TrackerCursor } from './tracker-progress.ts';

/** How an operation failed. */
export type TrackerFailed = Exclude<TrackerResult, { kind: 'done' }>;

/** One event to follow. */
export type TrackerTask = {
  readonly ops: readonly TrackerOp[];
  /** Of the event. */
  readonly version: number;
  readonly tracker: Tracker;
  /** Before the event. */
  readonly cursor: TrackerCursor;
};

/** What operations are done under. */
export type TrackerTurn = {
  readonly stopped: AbortSignal;
  /** Whether it may still be done by this server. */
  readonly holds: () => Promise<boolean>;
  /** Told what a tracker left out. */
  readonly tell: (tracker: Tracker, op: TrackerOp, what: string) => void;
};

/**
 * Does all that an event means, in order. Gives the cursor after it; how an operation failed that must be done first; or
 * nothing where this server must stop. What is refused for good is put on record in the cursor.
 */
export async function performOps(
  task: TrackerTask,
  turn: TrackerTurn,
): Promise<TrackerCursor | TrackerFailed | undefined> {
  const { ops, version, tracker, cursor } = task;
  let after: TrackerCursor = { ...cursor, version };
  for (const op of ops) {
    if (turn.stopped.aborted || !(await turn.holds())) return undefined;
    const signal = AbortSignal.any([turn.stopped, AbortSignal.timeout(LONGEST_OPERATION_MS)]);
    const result = await doneBy(tracker, op, after.issue, signal);
    if (turn.stopped.aborted && result.kind === 'retry') return undefined;
    const next = cursorAfter(after, op, result);
    if ('kind' in next) return next;
    after = next;
    for (const what of noted(result)) turn.tell(tracker, op, what);
  }
  return after;
}

type Done = TrackerResult<{ readonly issue?: TrackedIssue }>;

function cursorAfter(cursor: TrackerCursor, { kind }: TrackerOp, result: Done): TrackerCursor | TrackerFailed {
  if (result.kind === 'done') return kind === 'issue' && result.issue ? { ...cursor, issue: result.issue } : cursor;
  // Without its issue nothing of a rollout can be followed: that it is refused must be mended, as a setup must.
  const isLeftOut = result.kind === 'refused' && !result.isSetup && kind !== 'issue';
  if (!isLeftOut) return result;
  const { version, refused = [] } = cursor;
  return { ...cursor, refused: [...refused, { version, what: kind, why: result.why }] };
}

function noted(result: Done): readonly string[] {
  return result.kind === 'done' ? (result.warnings ?? []) : [`it is left out: ${result.why}`];
}

/** Before there is an issue nothing else can be done, and need not be: the rollout never started. */
async function doneBy(
  tracker: Tracker,
  op: TrackerOp,
  issue: TrackedIssue | undefined,
  signal: AbortSignal,
): Promise<Done> {
  if (op.kind === 'issue') return tracker.ensureIssue(op.draft, signal);
  if (op.kind === 'deployment') return (await tracker.deployment?.(op.deployment, signal)) ?? { kind: 'done' };
  if (issue === undefined) return { kind: 'done' };
  switch (op.kind) {
    case 'task':
      return tracker.ensureTask(issue, op.draft, signal);
    case 'comment':
      return tracker.comment(issue, op, signal);
    case 'link':
      return tracker.link(issue, op, signal);
    case 'transition':
      return tracker.transition(issue, op.transition, signal);
  }
}

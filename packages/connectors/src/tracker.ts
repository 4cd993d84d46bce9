import type { TrackerText } from './tracker-text.ts';

/** An issue in a tracker, as it is found again. Durable: plain JSON. */
export type TrackedIssue = {
  /** The tracker's own id. */
  readonly id: string;
  /** How people name it: `ROLL-12`, `#12`. */
  readonly key: string;
  /** Where people read it. */
  readonly url: string;
  /** The tracker's own id of its project. */
  readonly project: string;
};

/** Urgency of an issue: 0 none, 1 urgent, 2 high, 3 medium, 4 low. */
export type TrackerPriority = 0 | 1 | 2 | 3 | 4;

/** An issue to have. The same `externalId` again is the same issue. */
export type IssueDraft = {
  /** Our own id. Absent: every call makes an issue of its own. */
  readonly externalId?: string;
  /** Name, key or id. Default: the one of the settings. */
  readonly project?: string;
  readonly title: string;
  readonly text: TrackerText;
  readonly priority: TrackerPriority;
  readonly labels: readonly string[];
  /** Name of the state to begin in. */
  readonly state: string;
  /** When what the issue is about began, epoch milliseconds: it is not older. */
  readonly sinceAt: number;
};

/** Where a rollout stands, for the state of its issue. */
export type TrackerStatus = 'working' | 'aborted' | 'done' | 'cancelled';

/** What an issue is to be from now on. `state`: name of the one it has while work goes on. */
export type TrackerTransition = {
  readonly status: TrackerStatus;
  readonly state: string;
  /** Default: it stays as it is. */
  readonly priority?: TrackerPriority;
};

/** A stage as a deployment. The same `externalId` again is the same deployment. */
export type TrackerDeployment = {
  readonly externalId: string;
  readonly environment: string;
  /** What is deployed, where it is known by a name of the tracker (a tag, a branch). Default: that of the settings. */
  readonly ref?: string;
  readonly status: 'in_progress' | 'success' | 'failure' | 'inactive';
  readonly description: string;
  readonly url?: string;
};

/** How an operation ended. Texts carry no secret. */
export type TrackerResult<Given = unknown> =
  /** Done, now or before. `warnings`: what the tracker left out. */
  | ({ readonly kind: 'done'; readonly warnings?: readonly string[] } & Given)
  /**
   * Worth another try; not before `afterMs` (milliseconds) where the tracker said so. `isPaced`: nothing failed, it was not
   * asked, because too much was asked of it in the last minute.
   */
  | { readonly kind: 'retry'; readonly why: string; readonly afterMs?: number; readonly isPaced?: true }
  /**
   * No repetition will help. `setup`: it refuses everything until a person changes its settings (credentials, project);
   * else it is this one operation that it refuses.
   */
  | { readonly kind: 'refused'; readonly why: string; readonly isSetup: boolean };

/**
 * Where work on a rollout is tracked. Every operation may be repeated: what has been done is not done again. One at a
 * time per rollout (trackers look first, then write). None rejects; each ends as `retry` when `signal` fires.
 */
export type Tracker = {
  readonly name: string;
  /** Makes the issue, or finds the one with its external id. `isNew`: whether this call made it. */
  readonly ensureIssue: (
    draft: IssueDraft,
    signal: AbortSignal,
  ) => Promise<TrackerResult<{ readonly issue: TrackedIssue; readonly isNew: boolean }>>;
  /** Makes a task that belongs to an issue, as `ensureIssue` does. */
  readonly ensureTask: (
    parent: TrackedIssue,
    draft: IssueDraft,
    signal: AbortSignal,
  ) => Promise<TrackerResult<{ readonly issue: TrackedIssue; readonly isNew: boolean }>>;
  /** Adds a comment, once per external id; without one at every call. */
  readonly comment: (
    issue: TrackedIssue,
    comment: { readonly externalId?: string; readonly text: TrackerText },
    signal: AbortSignal,
  ) => Promise<TrackerResult>;
  readonly transition: (
    issue: TrackedIssue,
    transition: TrackerTransition,
    signal: AbortSignal,
  ) => Promise<TrackerResult>;
  readonly link: (
    issue: TrackedIssue,
    link: { readonly title: string; readonly url: string },
    signal: AbortSignal,
  ) => Promise<TrackerResult>;
  /** Absent: the tracker knows no deployments. */
  readonly deployment?: (deployment: TrackerDeployment, signal: AbortSignal) => Promise<TrackerResult>;
};

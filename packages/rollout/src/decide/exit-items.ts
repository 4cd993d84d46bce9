import type { RolloutState } from '../state.ts';

/** Exit items Rampart checks itself. */
export const SELF_CHECKED_EXIT: readonly string[] = ['ga-stable', 'no-abort'];
/** Exit item whose evidence is the link to the documentation. */
export const DOCS_UPDATED = 'docs-updated';
/** Exit item that is given by scheduling the removal of the flag. */
export const CLEANUP_SCHEDULED = 'flag-cleanup-scheduled';
/** Name of the exit item by which a person ends the quiet time although a metric is not measured. */
export function withoutItem(metric: string): string {
  return `without ${metric}`;
}

/** Whether a person has said that the quiet time ends without a metric. */
export function isGivenUp({ exit }: Pick<RolloutState, 'exit'>, metric: string): boolean {
  return Boolean(exit[withoutItem(metric)]);
}

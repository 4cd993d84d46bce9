import type { TrackerStatus } from '@rampart/api';
import type { TrackedIssue } from '@rampart/connectors';
import type { TrackerBook } from '../tracker-book.ts';
import type { TrackerSync } from '../tracker-sync.ts';
import type { Handlers } from './handler.ts';

/** Routes of trackers. */
export function trackerHandlers(trackers: TrackerBook, sync: TrackerSync): Handlers<'getTrackers'> {
  return {
    getTrackers() {
      const known = trackers.names.flatMap((name) => trackers.get(name) ?? []);
      const body: TrackerStatus = {
        trackers: known.map(({ name, kind }) => ({ name, kind })),
        rollouts: sync.standings().map(({ issue, ...standing }) => {
          const shown = shownIssue(issue);
          return { ...standing, ...(shown && { issue: shown }) };
        }),
      };
      return { body };
    },
  };
}

/** An issue as people are shown it: its name and where it is. */
export function shownIssue(
  issue: TrackedIssue | undefined,
): { readonly key: string; readonly url: string } | undefined {
  return issue && { key: issue.key, url: issue.url };
}

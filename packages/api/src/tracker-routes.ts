import type { Route } from './route.ts';
import { json, READERS } from './route-parts.ts';
import { trackerStatusSchema } from './schema/tracker-schema.ts';

/** Routes of trackers. */
export const TRACKER_ROUTES = {
  getTrackers: {
    method: 'GET',
    path: '/v1/trackers',
    tag: 'delivery',
    summary: 'Trackers of this server, and how far they follow each rollout.',
    auth: READERS,
    answers: [json(trackerStatusSchema, 'The trackers.')],
    problems: [],
  },
} as const satisfies Readonly<Record<string, Route>>;

import { z } from 'zod';
import type { Route } from './route.ts';
import { json, READERS } from './route-parts.ts';
import { rolloutStatsSchema, staleFilterSchema, staleFlagSchema, statsFilterSchema } from './schema/after-schema.ts';

/** Routes about what remains of rollouts: flags that are debt, and how rollouts went. */
export const AFTER_ROUTES = {
  listStaleFlags: {
    method: 'GET',
    path: '/v1/flags/stale',
    tag: 'flags',
    summary: 'Flags that are debt, the longest standing first.',
    auth: READERS,
    query: staleFilterSchema,
    answers: [json(z.object({ flags: z.array(staleFlagSchema) }), 'The flags.')],
    problems: [],
  },
  getStats: {
    method: 'GET',
    path: '/v1/stats',
    tag: 'rollouts',
    summary: 'How the rollouts went.',
    auth: READERS,
    query: statsFilterSchema,
    answers: [json(rolloutStatsSchema, 'The statistics.')],
    problems: [],
  },
} as const satisfies Readonly<Record<string, Route>>;

import { z } from 'zod';
import type { Route } from './route.ts';
import { empty, json, OPERATORS, READERS } from './route-parts.ts';
import { flagRemovalSchema } from './schema/after-schema.ts';
import { flagSchema, segmentSchema, servedFlagSchema } from './schema/flag-schema.ts';

/** Routes of flags and segments. */
export const FLAG_ROUTES = {
  listFlags: {
    method: 'GET',
    path: '/v1/flags',
    tag: 'flags',
    summary: 'Every flag, by key.',
    auth: READERS,
    answers: [json(z.object({ flags: z.array(servedFlagSchema) }), 'The flags.')],
    problems: [],
  },
  getFlag: {
    method: 'GET',
    path: '/v1/flags/:key',
    tag: 'flags',
    summary: 'One flag.',
    auth: READERS,
    answers: [json(servedFlagSchema, 'The flag.')],
    problems: [],
  },
  putFlag: {
    method: 'PUT',
    path: '/v1/flags/:key',
    tag: 'flags',
    summary: 'Writes a flag whole. The key in the body must be the one of the path.',
    auth: OPERATORS,
    body: flagSchema,
    answers: [json(servedFlagSchema, 'The flag as it is now.')],
    problems: ['FLAG_IN_ROLLOUT'],
  },
  deleteFlag: {
    method: 'DELETE',
    path: '/v1/flags/:key',
    tag: 'flags',
    summary: 'Removes a flag. SDKs that still evaluate it serve the fallback in the code.',
    auth: OPERATORS,
    query: flagRemovalSchema,
    answers: [empty('It is gone.')],
    problems: ['FLAG_IN_ROLLOUT', 'FLAG_IN_USE'],
  },
  listSegments: {
    method: 'GET',
    path: '/v1/segments',
    tag: 'flags',
    summary: 'Every segment, by key.',
    auth: READERS,
    answers: [json(z.object({ segments: z.array(segmentSchema) }), 'The segments.')],
    problems: [],
  },
  getSegment: {
    method: 'GET',
    path: '/v1/segments/:key',
    tag: 'flags',
    summary: 'One segment.',
    auth: READERS,
    answers: [json(segmentSchema, 'The segment.')],
    problems: [],
  },
  putSegment: {
    method: 'PUT',
    path: '/v1/segments/:key',
    tag: 'flags',
    summary: 'Writes a segment whole. The key in the body must be the one of the path.',
    auth: OPERATORS,
    body: segmentSchema,
    answers: [json(segmentSchema, 'The segment as it is now.')],
    problems: ['FLAG_IN_ROLLOUT'],
  },
  deleteSegment: {
    method: 'DELETE',
    path: '/v1/segments/:key',
    tag: 'flags',
    summary: 'Removes a segment.',
    auth: OPERATORS,
    answers: [empty('It is gone.')],
    problems: ['FLAG_IN_ROLLOUT'],
  },
} as const satisfies Readonly<Record<string, Route>>;

import { ACTORS, type Route } from './route.ts';
import { json, READERS } from './route-parts.ts';
import { gateChangeSchema, gatesViewSchema } from './schema/gate-schema.ts';

/** Routes of external gates. */
export const GATE_ROUTES = {
  listGates: {
    method: 'GET',
    path: '/v1/gates',
    tag: 'gates',
    summary: 'What was said of named gates, and what gates say to the rollouts that ask them.',
    auth: READERS,
    answers: [json(gatesViewSchema, 'The gates.')],
    problems: [],
  },
  setGate: {
    method: 'PUT',
    path: '/v1/gates/:name',
    tag: 'gates',
    summary: 'Opens or closes a gate by hand. Anyone who may lower exposure closes; a person who may raise it opens.',
    auth: ACTORS,
    body: gateChangeSchema,
    answers: [json(gatesViewSchema, 'The gates as they are now.')],
    problems: ['REASON_REQUIRED'],
  },
} as const satisfies Readonly<Record<string, Route>>;

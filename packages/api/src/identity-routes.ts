import type { Route } from './route.ts';
import { json, READERS } from './route-parts.ts';
import { identitySchema } from './schema/token-schema.ts';

/** Routes about the caller. */
export const IDENTITY_ROUTES = {
  whoAmI: {
    method: 'GET',
    path: '/v1/whoami',
    tag: 'tokens',
    summary: 'Who the token of this request belongs to.',
    auth: READERS,
    answers: [json(identitySchema, 'The holder of the token.')],
    problems: [],
  },
} as const satisfies Readonly<Record<string, Route>>;

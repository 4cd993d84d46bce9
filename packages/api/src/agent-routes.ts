import { z } from 'zod';
import type { Route } from './route.ts';
import { json, READERS } from './route-parts.ts';
import { identitySchema } from './schema/token-schema.ts';

/** Routes for those who act through a program of theirs: who they are, and the Model Context Protocol. */
export const AGENT_ROUTES = {
  whoAmI: {
    method: 'GET',
    path: '/v1/whoami',
    tag: 'tokens',
    summary: 'Who the token of this request belongs to.',
    auth: READERS,
    answers: [json(identitySchema, 'The holder of the token.')],
    problems: [],
  },
  mcp: {
    method: 'POST',
    path: '/mcp',
    tag: 'server',
    summary: 'Model Context Protocol over HTTP, stateless: versions of 2026 and of 2025.',
    auth: READERS,
    body: z.record(z.string(), z.unknown()).describe('A message of JSON-RPC 2.0.'),
    answers: [json(z.record(z.string(), z.unknown()), 'The answer in JSON-RPC, or a stream of events with it.')],
    problems: ['ORIGIN_FORBIDDEN'],
  },
} as const satisfies Readonly<Record<string, Route>>;

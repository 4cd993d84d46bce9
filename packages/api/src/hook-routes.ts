import { z } from 'zod';
import type { Route } from './route.ts';
import { hookReceiptSchema, hookSchema, hooksSchema } from './schema/hook-schema.ts';
import { HOOKS_PATH } from './wire.ts';

/** Routes of hooks: the ways in for others. */
export const HOOK_ROUTES = {
  receiveHook: {
    method: 'POST',
    path: `${HOOKS_PATH}/:name`,
    tag: 'hooks',
    summary: 'Takes what another system sends: complaints, tickets, alerts. Who sent it is told by its signature.',
    auth: [],
    body: z.unknown().describe('As the sender writes it.'),
    answers: [{ status: 202, description: 'What was counted is durable.', schema: hookReceiptSchema }],
    problems: ['HOOK_SIGNATURE_INVALID', 'TELEMETRY_INVALID'],
  },
  getHooks: {
    method: 'GET',
    path: HOOKS_PATH,
    tag: 'hooks',
    summary: 'Hooks, without their secrets.',
    auth: ['admin'],
    answers: [{ status: 200, description: 'The hooks.', schema: z.array(hookSchema) }],
    problems: [],
  },
  putHooks: {
    method: 'PUT',
    path: HOOKS_PATH,
    tag: 'hooks',
    summary: 'Writes all hooks at once.',
    auth: ['admin'],
    body: hooksSchema,
    answers: [
      { status: 200, description: 'The hooks as they are now, without their secrets.', schema: z.array(hookSchema) },
    ],
    problems: [],
  },
} as const satisfies Readonly<Record<string, Route>>;

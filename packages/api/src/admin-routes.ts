import { z } from 'zod';
import { HOOK_ROUTES } from './hook-routes.ts';
import { NOTIFY_ROUTES } from './notify-routes.ts';
import type { Route } from './route.ts';
import { empty, IDEMPOTENCY, json, OPERATORS } from './route-parts.ts';
import { deadLetterSchema, webhookSchema, webhooksSchema } from './schema/delivery-schema.ts';
import { countSchema } from './schema/primitive-schema.ts';
import { createdTokenSchema, newTokenSchema, tokenSchema } from './schema/token-schema.ts';

/** Routes of those who run the server: tokens, hooks, webhooks, the outbox. */
export const ADMIN_ROUTES = {
  ...HOOK_ROUTES,
  ...NOTIFY_ROUTES,
  listTokens: {
    method: 'GET',
    path: '/v1/tokens',
    tag: 'tokens',
    summary: 'Every token, without its secret.',
    auth: ['admin'],
    answers: [json(z.object({ tokens: z.array(tokenSchema) }), 'The tokens.')],
    problems: [],
  },
  createToken: {
    method: 'POST',
    path: '/v1/tokens',
    tag: 'tokens',
    summary: 'Makes a token, shown this once.',
    auth: ['admin'],
    headers: IDEMPOTENCY,
    body: newTokenSchema,
    answers: [json(createdTokenSchema, 'The token.', { status: 201 })],
    problems: [],
  },
  revokeToken: {
    method: 'DELETE',
    path: '/v1/tokens/:selector',
    tag: 'tokens',
    summary: 'Revokes a token at once.',
    auth: ['admin'],
    answers: [empty('It is revoked.')],
    problems: [],
  },
  listDeadLetters: {
    method: 'GET',
    path: '/v1/outbox',
    tag: 'delivery',
    summary: 'Messages that could not be delivered.',
    auth: OPERATORS,
    query: z.object({ state: z.literal('dead').optional().describe('Default: dead.') }),
    answers: [
      json(z.object({ letters: z.array(deadLetterSchema), total: countSchema }), 'The dead letters, newest first.'),
    ],
    problems: [],
  },
  retryDeadLetter: {
    method: 'POST',
    path: '/v1/outbox/:id/retry',
    tag: 'delivery',
    summary: 'Delivers a dead letter again.',
    auth: OPERATORS,
    headers: IDEMPOTENCY,
    answers: [empty('It is queued again.', 202)],
    problems: [],
  },
  getWebhooks: {
    method: 'GET',
    path: '/v1/webhooks',
    tag: 'delivery',
    summary: 'Webhooks, without their secrets.',
    auth: ['admin'],
    answers: [json(z.array(webhookSchema), 'The webhooks.')],
    problems: [],
  },
  putWebhooks: {
    method: 'PUT',
    path: '/v1/webhooks',
    tag: 'delivery',
    summary: 'Writes all webhooks at once.',
    auth: ['admin'],
    body: webhooksSchema,
    answers: [json(z.array(webhookSchema), 'The webhooks as they are now, without their secrets.')],
    problems: [],
  },
} as const satisfies Readonly<Record<string, Route>>;

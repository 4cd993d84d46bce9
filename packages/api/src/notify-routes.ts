import { z } from 'zod';
import type { Route } from './route.ts';
import { json, OPERATORS, READERS } from './route-parts.ts';
import {
  notifyFilterSchema,
  notifyTestResultSchema,
  notifyTestSchema,
  notifyViewSchema,
} from './schema/notify-schema.ts';

/** Routes of channels: who is told what, and the buttons of their messages. */
export const NOTIFY_ROUTES = {
  getNotify: {
    method: 'GET',
    path: '/v1/notify',
    tag: 'delivery',
    summary: 'Channels and webhooks, who is told what, and how deliveries go.',
    auth: READERS,
    query: notifyFilterSchema,
    answers: [json(notifyViewSchema, 'Channels, routes, and who is told of an abort.')],
    problems: ['ROLLOUT_UNKNOWN'],
  },
  testNotify: {
    method: 'POST',
    path: '/v1/notify/test',
    tag: 'delivery',
    summary: 'Sends a test message now, past the outbox, and says what the receiver answered.',
    auth: OPERATORS,
    body: notifyTestSchema,
    answers: [json(notifyTestResultSchema, 'One result per channel.')],
    problems: ['NOT_FOUND'],
  },
  receiveSlackClick: {
    method: 'POST',
    path: '/v1/slack/interactions',
    tag: 'hooks',
    summary: 'Takes a click on a button in Slack, signed by Slack. What it led to is answered in Slack.',
    auth: [],
    body: z.unknown().describe('Form with `payload`, as Slack writes it.'),
    answers: [{ status: 200, description: 'It was taken, or is for nobody here.' }],
    problems: ['HOOK_SIGNATURE_INVALID', 'NOT_FOUND'],
  },
} as const satisfies Readonly<Record<string, Route>>;

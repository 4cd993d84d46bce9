import { z } from 'zod';
import { countSchema, instantSchema, nameSchema } from './primitive-schema.ts';

const severitySchema = z.enum(['page', 'warn', 'info']);

/** How a channel, or a webhook, does. */
export const channelSchema = z.object({
  name: z.string(),
  kind: z.string().describe('Kind of the channel; admin-webhook for one of PUT /v1/webhooks.'),
  pending: countSchema,
  dead: countSchema,
  oldestDueAt: instantSchema.optional().describe('Since when the longest waiting message has been due.'),
  lastDeliveredAt: instantSchema.optional().describe('Since the start of the server.'),
  lastFailure: z.object({ at: instantSchema, why: z.string() }).optional().describe('Since the start of the server.'),
  failures: countSchema.describe('Failures in a row.'),
  waitsUntil: instantSchema.optional().describe('Nothing is sent before: it failed, asked for patience, or gathers.'),
});

const routeSchema = z.object({
  channel: z.string(),
  of: z.enum(['server', 'plan']),
  events: z.array(z.string()).optional(),
  severity: z.array(severitySchema).optional(),
  audience: z.array(z.enum(['on-call', 'stakeholders'])).optional(),
  environments: z.array(z.string()).optional(),
  digestMs: z.int().optional(),
});

/** Who is told what, and how deliveries go. */
export const notifyViewSchema = z.object({
  channels: z.array(channelSchema),
  routes: z.array(routeSchema),
  toldOfAbort: z.array(z.string()).describe('Channels and webhooks that are told of an abort; empty: nobody is.'),
});

/** Who is told what, and how deliveries go. */
export type NotifyView = z.output<typeof notifyViewSchema>;

/** Query of `GET /v1/notify`. */
export const notifyFilterSchema = z.object({
  rollout: nameSchema.optional().describe('Count the routes of its plan as well.'),
});

/** Body of `POST /v1/notify/test`. */
export const notifyTestSchema = z.strictObject({
  channel: nameSchema.optional().describe('Default: every channel and webhook.'),
  severity: severitySchema.optional().describe('Default: info.'),
});

/** A request for a test message. */
export type NotifyTest = z.output<typeof notifyTestSchema>;

/** What became of the test messages. */
export const notifyTestResultSchema = z.object({
  results: z.array(
    z.object({
      channel: z.string(),
      delivered: z.boolean(),
      answer: z.string().describe('What the receiver said, without secrets.'),
    }),
  ),
});

/** What became of the test messages. */
export type NotifyTestResult = z.output<typeof notifyTestResultSchema>;

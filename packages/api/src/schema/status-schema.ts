import { z } from 'zod';
import { instantSchema } from './primitive-schema.ts';

/** Answer of `GET /healthz`. */
export const healthSchema = z.object({ status: z.literal('ok') });

/** Answer of `GET /readyz`. */
export const readinessSchema = z.object({ status: z.literal('ready') });

/** Answer of `GET /v1/status`. */
export const statusSchema = z.object({
  version: z.string(),
  environment: z.string(),
  revision: z.int().describe('Of the ruleset.'),
  now: instantSchema.describe('Clock of the server, epoch milliseconds.'),
  connectedSdks: z.int().min(0),
  storeBytes: z.int().min(0),
});

/** What a server says of itself. */
export type ServerStatus = z.output<typeof statusSchema>;

import { z } from 'zod';
import { TOKEN_KINDS } from '../token-format.ts';
import { durationSchema, instantSchema, nameSchema } from './primitive-schema.ts';

const kind = z.enum(TOKEN_KINDS);
const principal = z.enum(['person', 'agent']);

/** Body of `POST /v1/tokens`. */
export const newTokenSchema = z
  .strictObject({
    kind,
    name: nameSchema.describe('Id of the principal who holds it, for example ana@example.com or agent:triage.'),
    principal: principal
      .optional()
      .describe('Default: person. An agent may lower exposure, but only propose to raise it.'),
    expiresInMs: durationSchema.min(1).optional().describe('Default: never.'),
  })
  .describe('A token to create.');

/** A token to create. */
export type NewToken = z.output<typeof newTokenSchema>;

/** The only answer that ever carries the token itself. */
export const createdTokenSchema = z.object({
  token: z.string().describe('Shown this once.'),
  selector: z.string(),
});

/** A token just made. */
export type CreatedToken = z.output<typeof createdTokenSchema>;

/** A token as it is listed: never its secret. */
export const tokenSchema = z.object({
  selector: z.string(),
  kind,
  name: z.string(),
  principal,
  createdAt: instantSchema,
  createdBy: z.string(),
  expiresAt: instantSchema.optional(),
  lastUsedAt: instantSchema.optional(),
  revokedAt: instantSchema.optional(),
});

/** A token as it is listed. */
export type Token = z.output<typeof tokenSchema>;

/** Answer of `GET /v1/whoami`. */
export const identitySchema = z
  .object({ kind, name: z.string().describe('Id of the principal.'), principal })
  .describe('Who the token of a request belongs to.');

/** Who the token of a request belongs to. */
export type Identity = z.output<typeof identitySchema>;

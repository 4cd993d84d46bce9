import { z } from 'zod';
import { instantSchema, keySchema, nameSchema } from './primitive-schema.ts';

const isHttpUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
};

/** A webhook that is told what happens. Either `secret` or `secretRef` signs it; on reading, `secret` is always absent. */
export const webhookSchema = z
  .strictObject({
    name: keySchema,
    url: z
      .string()
      .max(2000)
      .refine(isHttpUrl, { message: 'expected an http or https URL without user or password', abort: true }),
    secretRef: nameSchema.optional().describe('Name of the environment variable that holds the secret.'),
    secret: z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'expected "whsec_" and 24 to 64 bytes in base64')
      .optional()
      .describe('Signing secret (Standard Webhooks). Never sent back.'),
    events: z
      .array(nameSchema)
      .max(100)
      .optional()
      .describe('Types to send, for example rollout.aborted. Default: all.'),
  })
  .describe('A signed webhook (Standard Webhooks).');

/** A webhook that is told what happens. */
export type WebhookSetting = z.output<typeof webhookSchema>;

/** Body of `PUT /v1/webhooks`: all webhooks at once. One kept under its name without a secret keeps the secret it has. */
export const webhooksSchema = z
  .array(webhookSchema)
  .max(100)
  .refine((hooks) => new Set(hooks.map((hook) => hook.name)).size === hooks.length, {
    message: 'expected each name once',
  });

/** A message that could not be delivered and waits for someone to look. */
export const deadLetterSchema = z.object({
  id: z.string(),
  destination: z.string().describe('Name of the notifier or webhook.'),
  type: z.string(),
  rollout: z.string().optional(),
  createdAt: instantSchema,
  attempts: z.int().min(0),
  lastError: z.string(),
});

/** A message that could not be delivered. */
export type DeadLetter = z.output<typeof deadLetterSchema>;

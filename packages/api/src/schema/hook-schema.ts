import { z } from 'zod';
import { jsonValueSchema, keySchema, nameSchema } from './primitive-schema.ts';

/** Ways a sender can prove who it is. */
export const HOOK_SCHEMES = [
  ...['standard-webhooks', 'hmac-sha256', 'github', 'intercom', 'zendesk', 'slack'],
  ...['pagerduty', 'plane', 'sentry', 'langfuse', 'grafana', 'bearer', 'basic'],
] as const;

/** A way in for others: what they send is counted. Either `secret` or `secretRef`; on reading, `secret` is always absent. */
export const hookSchema = z
  .strictObject({
    name: keySchema.describe('Deliveries go to /v1/hooks/NAME.'),
    verify: z.strictObject({
      scheme: z.enum(HOOK_SCHEMES).describe('How the sender signs, or which authorization it sends.'),
      header: nameSchema.optional().describe('Header of the signature, where the sender lets you choose it.'),
      timestampHeader: nameSchema.optional().describe('Header of the time, where it is signed as well.'),
    }),
    secretRef: nameSchema.optional().describe('Name of the environment variable that holds the secret.'),
    secret: z.string().min(16).max(500).optional().describe('The secret. Never sent back.'),
    receives: z
      .enum(['alerts', 'signals', 'attestations', 'gates'])
      .describe(
        'Alerts: of Alertmanager or Grafana, for plans that abort on them. Signals: by `signals`. Attestations: give the pre-flight items that plans bind to the hook. Gates: by `gates`.',
      ),
    signals: z
      .record(z.string(), jsonValueSchema)
      .optional()
      .describe('Where occurrences are in a body: metric, flag, each, at, count, id, when (JSONPath).'),
    attestation: z
      .record(z.string(), jsonValueSchema)
      .optional()
      .describe('Where an attestation is in a body: flag, link, note, when (JSONPath). Default: $.flag and $.link.'),
    gates: z
      .record(z.string(), jsonValueSchema)
      .optional()
      .describe(
        'Where gates are in a body: gate, state, opens, closes, flag, environment, reason, each, at, id, when.',
      ),
  })
  .refine(({ receives, attestation }) => receives === 'attestations' || attestation === undefined, {
    path: ['attestation'],
    message: 'expected only with `receives: attestations`',
  })
  .refine(({ receives, signals }) => (receives === 'signals') === (signals !== undefined), {
    path: ['signals'],
    message: 'expected with `receives: signals`, and only there',
  })
  .refine(({ receives, gates }) => (receives === 'gates') === (gates !== undefined), {
    path: ['gates'],
    message: 'expected with `receives: gates`, and only there',
  })
  .describe('A way in for others.');

/** A way in for others. */
export type HookSetting = z.output<typeof hookSchema>;

/** Body of `PUT /v1/hooks`: all hooks at once. One kept under its name without a secret keeps the secret it has. */
export const hooksSchema = z
  .array(hookSchema)
  .max(100)
  .refine((hooks) => new Set(hooks.map((hook) => hook.name)).size === hooks.length, {
    message: 'expected each name once',
  });

/** Answer to a delivery. What is accepted is durable. */
export const hookReceiptSchema = z.object({
  status: z
    .enum(['accepted', 'duplicate', 'ignored'])
    .describe('ignored: it is about nothing that a rollout reads. Do not send it again.'),
  detail: z.string().optional(),
});

/** Answer to a delivery. */
export type HookReceipt = z.output<typeof hookReceiptSchema>;

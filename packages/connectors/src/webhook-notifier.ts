import { Webhook } from 'standardwebhooks';
import { ConnectorError } from './connector-error.ts';
import { deliveryFailureOf, deliveryOf } from './delivery-answer.ts';
import { guardedPost } from './guarded-post.ts';
import type { Notification } from './notification.ts';
import type { Notifier } from './ports.ts';
import { type AddressLookup, type UrlPolicy, urlProblem } from './url-guard.ts';

/** Settings of a signed webhook. */
export type WebhookOptions = UrlPolicy & {
  readonly name: string;
  /** A secret itself: never shown. */
  readonly url: string;
  /** `whsec_` and the key in base64. */
  readonly secret: string;
  /** Types of notifications to send. Default: all. */
  readonly events?: readonly string[];
  /** How long one delivery may take, milliseconds. Default: 10 000. */
  readonly timeoutMs?: number;
  /** A signal that fires after so many milliseconds. Default: `AbortSignal.timeout`. */
  readonly deadline?: (ms: number) => AbortSignal;
  /** Epoch milliseconds. Default: the clock of the machine. */
  readonly now?: () => number;
  /** Default: the lookup of the system. */
  readonly lookup?: AddressLookup;
};

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * A notifier that posts `{type, timestamp, data}` signed by Standard Webhooks (standardwebhooks.com); `webhook-id` is the
 * notification's id, the same in every repetition. Throws `ConnectorError` for a URL or secret that can never work.
 */
export function webhookNotifier(options: WebhookOptions): Notifier {
  const { name, url } = options;
  const wrong = urlProblem(url, options);
  if (wrong !== undefined)
    throw new ConnectorError('URL_REFUSED', `The URL of webhook ${name} cannot be used: ${wrong}.`);
  const signer = signerOf(options);
  const now = options.now ?? Date.now;
  return {
    name,
    deliver: async (message, signal) => {
      if (options.events?.includes(message.type) === false) return { kind: 'delivered' };
      const deadline = (options.deadline ?? AbortSignal.timeout)(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      try {
        const { headers, body } = signed(message, signer, now());
        const both = AbortSignal.any([signal, deadline]);
        const answer = await guardedPost({ url, headers, body, signal: both, policy: options, lookup: options.lookup });
        return deliveryOf(answer, now());
      } catch (error) {
        return deliveryFailureOf(error, signal, deadline);
      }
    },
  };
}

function signerOf({ name, secret }: WebhookOptions): Webhook {
  const wrong = new ConnectorError(
    'SECRET_INVALID',
    `The secret of webhook ${name} is not "whsec_" and a key in base64 (value withheld). Make one with: echo "whsec_$(openssl rand -base64 32)"`,
  );
  if (!secret.startsWith('whsec_')) throw wrong;
  try {
    return new Webhook(secret);
  } catch {
    throw wrong;
  }
}

function signed(message: Notification, signer: Webhook, at: number) {
  const sentAt = new Date(at);
  const { id, type, at: happenedAt, ...data } = message;
  const body = JSON.stringify({ type, timestamp: new Date(happenedAt).toISOString(), data });
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Rampart',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': signer.sign(id, sentAt, body),
  };
  return { headers, body };
}

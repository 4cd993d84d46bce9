import { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import { secretRefSchema } from './http-access.ts';
import type { Notifier } from './ports.ts';
import { schemaProblem } from './schema-problem.ts';
import type { UrlPolicy } from './url-guard.ts';
import { webhookNotifier } from './webhook-notifier.ts';

/** What a notifier remembers between deliveries, for example the thread that messages of a rollout go to. Durable. */
export type NotifierMemory = {
  /** What was put last under the key. */
  readonly get: (key: string) => Promise<unknown>;
  readonly put: (key: string, value: unknown) => Promise<void>;
};

/** What a notifier is opened with. */
export type NotifierDeps = {
  /** Name of its channel. */
  readonly name: string;
  /** Reads the secret that a `secretRef` names. */
  readonly secretOf: (ref: string) => string | undefined;
  readonly policy: UrlPolicy;
  /** Origin that links of messages begin with. Default: messages carry no links. */
  readonly publicUrl?: string;
  readonly memory: NotifierMemory;
  /** Epoch milliseconds. */
  readonly now: () => number;
};

/** One kind of channel. */
export type NotifierKind = {
  /** @throws ConnectorError `CHANNEL_INVALID`, `URL_REFUSED`, `SECRET_INVALID`, which name the place and repeat no secret */
  readonly open: (settings: unknown, deps: NotifierDeps) => Notifier;
};

const webhookSettings = z.strictObject({ url: z.string().min(1), secret: secretRefSchema });

const webhook: NotifierKind = {
  open(settings, { name, secretOf, policy, now }) {
    const read = webhookSettings.safeParse(settings);
    if (!read.success)
      throw new ConnectorError('CHANNEL_INVALID', `notify.channels.${name}: ${schemaProblem(read.error)}`);
    const secret = secretOf(read.data.secret.secretRef) ?? '';
    return webhookNotifier({ ...policy, name, url: read.data.url, secret, now });
  },
};

/** Every kind of channel by the name that settings give it. */
export const NOTIFIER_KINDS: Readonly<Record<string, NotifierKind>> = { webhook };

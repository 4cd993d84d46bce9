import { ProblemError, type WebhookSetting } from '@rampart/api';
import { ConnectorError, type Notifier, type UrlPolicy, webhookNotifier } from '@rampart/connectors';
import type { Store } from './store/store.ts';

const KIND = 'webhooks';
const KEY = 'all';

/** The webhooks of this server, as set by an admin. */
export type Webhooks = {
  /** Without their secrets. */
  readonly list: () => readonly WebhookSetting[];
  /** Replaces all. @throws ProblemError `BODY_INVALID` for one that can never work */
  readonly replace: (settings: readonly WebhookSetting[]) => Promise<readonly WebhookSetting[]>;
  /** Names of those who want a type of notification. */
  readonly wanting: (type: string) => readonly string[];
  /** Who delivers to a webhook; `undefined` when it is no more. */
  readonly notifierOf: (name: string) => Notifier | undefined;
};

/** What webhooks work with. `secretOf` reads the environment variable that a `secretRef` names. */
export type WebhookDeps = {
  readonly store: Store;
  readonly policy: UrlPolicy;
  readonly secretOf: (name: string) => string | undefined;
};

/** Webhooks as stored. @throws StoreError */
export async function openWebhooks({ store, policy, secretOf }: WebhookDeps): Promise<Webhooks> {
  // JSON edge: written by `replace` only, after validation.
  let settings = ((await store.getDocument(KIND, KEY))?.value ?? []) as readonly WebhookSetting[];
  const notifier = (setting: WebhookSetting): Notifier => {
    const { name, url, secretRef } = setting;
    const secret = setting.secret ?? (secretRef === undefined ? undefined : secretOf(secretRef)) ?? '';
    // Which events it wants was asked before: a test message goes to every one.
    return webhookNotifier({ ...policy, name, url, secret });
  };
  return {
    list: () => settings.map(withoutSecret),
    async replace(given) {
      const next = given.map((one) => withKnownSecret(one, settings));
      for (const setting of next) check(setting, notifier);
      await store.putDocuments({ documents: [{ kind: KIND, key: KEY, value: next }] });
      settings = next;
      return next.map(withoutSecret);
    },
    wanting: (type) => settings.filter(({ events }) => events?.includes(type) ?? true).map(({ name }) => name),
    notifierOf(name) {
      const setting = settings.find((one) => one.name === name);
      return setting && notifier(setting);
    },
  };
}

function withoutSecret({ secret, ...setting }: WebhookSetting): WebhookSetting {
  return setting;
}

function withKnownSecret(setting: WebhookSetting, known: readonly WebhookSetting[]): WebhookSetting {
  if (setting.secret !== undefined || setting.secretRef !== undefined) return setting;
  const secret = known.find(({ name }) => name === setting.name)?.secret;
  return secret === undefined ? setting : { ...setting, secret };
}

function check(setting: WebhookSetting, notifier: (setting: WebhookSetting) => Notifier): void {
  if (setting.secret === undefined && setting.secretRef === undefined) {
    throw new ProblemError(
      'BODY_INVALID',
      `webhook ${setting.name} has neither secret nor secretRef; give one of them`,
    );
  }
  try {
    notifier(setting);
  } catch (error) {
    if (error instanceof ConnectorError) throw new ProblemError('BODY_INVALID', error.message);
    throw error;
  }
}

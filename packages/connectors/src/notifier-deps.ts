import type { Notifier } from './ports.ts';
import type { UrlPolicy } from './url-guard.ts';

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
  /** A signal that fires after so many milliseconds. Default: `AbortSignal.timeout`. */
  readonly deadline?: (ms: number) => AbortSignal;
};

/** One kind of channel. */
export type NotifierKind = {
  /** @throws ConnectorError `CHANNEL_INVALID`, `URL_REFUSED`, `SECRET_INVALID`, which name the place and repeat no secret */
  readonly open: (settings: unknown, deps: NotifierDeps) => Notifier;
};

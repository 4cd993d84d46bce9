import type { UrlPolicy } from '@rampart/connectors';
import type { Clock } from './clock.ts';
import type { HistoryLookup } from './history-reading.ts';
import type { Log } from './log.ts';

/** How a server is started. Give `dataDir` or `file`. */
export type ServerOptions = {
  /** Directory of the store, made if absent; the store is `rampart.db` in it. */
  readonly dataDir?: string;
  /** The store itself, in place of `dataDir`. */
  readonly file?: string;
  /** Cap on the size of the store in pages of 4 KiB. Default: none. */
  readonly maxPages?: number;
  /** Default: `127.0.0.1`. */
  readonly host?: string;
  /** 0: any free one. Default: 4180. */
  readonly port?: number;
  /** Default: `production`. */
  readonly environment?: string;
  /** How long the evidence of a rollout that is complete or cancelled is kept; its events stay for ever. Default: 400 days. */
  readonly retentionMs?: number;
  /** Default: JSON lines on stderr. */
  readonly log?: Log;
  /** Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Where webhooks may go. Default: the public internet only. */
  readonly webhookPolicy?: UrlPolicy;
  /** Where the past of metrics can be read. Default: nowhere. */
  readonly historyOf?: HistoryLookup;
  /** The file of settings as read (`server-settings.ts`): sources and other connectors. Default: none. */
  readonly settings?: unknown;
  /** Reads the secrets that webhooks and sources name by `secretRef`. Default: the environment of the process. */
  readonly secretOf?: (name: string) => string | undefined;
};

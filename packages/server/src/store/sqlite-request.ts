import type { ClaimedMessage, Conflict, OutboxClaim, Prune, Pruned } from './store.ts';
import type { StoreErrorCode } from './store-error.ts';

/** A write, checked and with every opaque value already JSON text (that of evidence packed), so the writer thread only runs SQL. */
export type WriteRequest = {
  readonly op: 'write';
  readonly append?: {
    readonly stream: string;
    readonly expectedVersion: number;
    readonly events: readonly { at: number; by: string; type: string; data: string }[];
    readonly projection?: { readonly kind: string; readonly key: string; readonly value: string | null };
  };
  readonly documents: readonly { kind: string; key: string; value: string | null; expectedVersion?: number }[];
  readonly checkpoint?: { readonly key: string; readonly expectedVersion: number; readonly value: string };
  readonly evidence?: { readonly rollout: string; readonly seq: number; readonly value: Uint8Array };
  readonly telemetryFolded?: { readonly rollout: string; readonly throughSeq: number };
  readonly outbox: readonly {
    key: string;
    destination: string;
    kind: string;
    body: string;
    dueAt: number;
    priority: number;
    group: string | null;
  }[];
  readonly reply?: { readonly key: string; readonly value: string; readonly at: number; readonly expiresAt: number };
};

/** A telemetry batch to keep. */
export type TelemetryRequest = {
  readonly op: 'telemetry';
  readonly batchId: string;
  readonly sender?: { readonly id: string; readonly sequence: number };
  readonly receivedAt: number;
  readonly rollouts: readonly string[];
  /** One for all rollouts, or one for each in their order. */
  readonly bodies: readonly string[];
};

/** A telemetry batch to keep, with documents that change with it. */
export type TelemetryWithRequest = Omit<TelemetryRequest, 'op'> & {
  readonly op: 'telemetryWith';
  readonly documents: WriteRequest['documents'];
};

/** What becomes of a claimed message. */
export type SettleRequest = {
  readonly op: 'settle';
  readonly id: number;
  readonly owner: string;
  readonly state: 'pending' | 'done' | 'dead';
  readonly dueAt: number | null;
  readonly error: string | null;
};

/** All the writer thread can be asked. */
export type Request =
  | WriteRequest
  | TelemetryRequest
  | TelemetryWithRequest
  | SettleRequest
  | ({ readonly op: 'claim' } & OutboxClaim)
  | { readonly op: 'revive'; readonly id: number }
  | ({ readonly op: 'prune' } & Required<Prune>);

/** A claimed message with its body still JSON text. */
type ClaimedRow = Omit<ClaimedMessage, 'body'> & { readonly body: string };

/** What the writer answers, by operation. */
export type Results = {
  readonly write:
    | { readonly ok: true; readonly events: readonly { seq: number; version: number; hash: string }[] }
    | Conflict;
  readonly telemetry: 'accepted' | 'duplicate';
  readonly telemetryWith: 'accepted' | 'duplicate' | Conflict;
  readonly settle: boolean;
  readonly claim: readonly ClaimedRow[];
  readonly revive: boolean;
  readonly prune: Pruned;
};

/** A failure as it crosses the thread. */
export type Failure = { readonly code: StoreErrorCode; readonly message: string };

/** One answer; a refusal by conflict is a value, not an error. */
export type Outcome = { readonly value: Results[keyof Results] } | { readonly error: Failure };

/** From the store to the writer thread. */
export type ToWriter = { readonly id: number; readonly request: Request } | 'close';

/** From the writer thread to the store: opened, failed to open, or the answers of one committed group. */
export type FromWriter =
  | { readonly opened: true }
  | { readonly failed: Failure }
  | { readonly answers: readonly { readonly id: number; readonly outcome: Outcome }[] };

/** How the writer thread is started. `maxPages` caps the size of the file in pages of 4 KiB (default: no cap). */
export type WriterOptions = { readonly file: string; readonly maxPages?: number };

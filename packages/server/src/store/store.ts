/** One recorded event. `seq` is its place among all events of the store: 1, 2, … without gaps, in commit order. */
export type StoredEvent = {
  readonly stream: string;
  /** Place in its stream: 1, 2, … without gaps. */
  readonly version: number;
  readonly seq: number;
  readonly at: number;
  readonly by: string;
  readonly type: string;
  readonly data: unknown;
  /** SHA-256 in hex over the hash of event `seq - 1` and this event (`event-hash.ts`). */
  readonly hash: string;
};

/** An event to record; `at` in epoch ms, `by` a principal's id, `data` plain JSON. */
export type NewEvent = { readonly at: number; readonly by: string; readonly type: string; readonly data: unknown };

/** A message to send outside, at least once. */
export type OutboxMessage = {
  /** Idempotency key: a second message with a known key is dropped without an error (remembered `DONE_KEEP_MS`). */
  readonly key: string;
  readonly destination: string;
  readonly kind: string;
  readonly body: unknown;
  /** Not delivered before this instant. */
  readonly dueAt: number;
  /** How urgent, a whole number from 0 (first). Default: 2. */
  readonly priority?: number;
  /**
   * Messages of one matter. One is not given out while an earlier one of its group and destination, as urgent or more so,
   * waits for another try or is with another owner: what ends a matter does not overtake what began it. Priority 0 waits
   * for nobody. Default: none.
   */
  readonly group?: string;
};

/** Write of one keyed document; `value: null` deletes it (its version goes on counting). */
export type DocumentWrite = {
  readonly kind: string;
  readonly key: string;
  readonly value: unknown;
  /**
   * Refuse the whole write unless the document stands at this version; 0 for one never written. Needed wherever the new
   * value was worked out from the old one by a writer that shares the document with other streams (a ruleset).
   */
  readonly expectedVersion?: number;
};

/** A document as read; `version` counts its writes, or is the version of the stream whose projection it is. */
export type StoredDocument = {
  readonly kind: string;
  readonly key: string;
  readonly version: number;
  readonly value: unknown;
};

/** New accumulators of a fold. `expectedVersion` 0 for the first, so two replicas cannot both fold the same increment. */
export type CheckpointWrite = { readonly key: string; readonly expectedVersion: number; readonly value: unknown };

/** A closed batch of evidence; refused unless `seq` follows the last one stored for the rollout (the first is 1). */
export type EvidenceWrite = { readonly rollout: string; readonly seq: number; readonly value: unknown };

/** Raw telemetry of a rollout up to and with `throughSeq` is folded into evidence, so `prune` may remove it. */
export type TelemetryFolded = { readonly rollout: string; readonly throughSeq: number };

/** The answer given under an idempotency key; refused while another one stands that has not expired at `at`. */
export type ReplyWrite = {
  readonly key: string;
  readonly value: unknown;
  readonly at: number;
  readonly expiresAt: number;
};

/** Everything one decision changes, written in one transaction or not at all. */
export type Append = {
  readonly stream: string;
  /** Version of the stream the decision was made on: 0 for a new one. Too low and too high are both refused. */
  readonly expectedVersion: number;
  /** At least one. */
  readonly events: readonly NewEvent[];
  /** The stream's own document: stored at the stream's new version. Write it by appends only. */
  readonly projection?: { readonly kind: string; readonly key: string; readonly value: unknown };
  /** Other documents that change with it. */
  readonly documents?: readonly DocumentWrite[];
  readonly checkpoint?: CheckpointWrite;
  readonly evidence?: EvidenceWrite;
  readonly telemetryFolded?: TelemetryFolded;
  readonly outbox?: readonly OutboxMessage[];
  readonly reply?: ReplyWrite;
};

/** A fold that led to no event. */
export type CheckpointSave = {
  readonly checkpoint: CheckpointWrite;
  readonly evidence?: EvidenceWrite;
  readonly telemetryFolded?: TelemetryFolded;
};

/** Documents that belong to no stream: tokens, webhooks, settings. */
export type DocumentsSave = {
  readonly documents: readonly DocumentWrite[];
  readonly outbox?: readonly OutboxMessage[];
  readonly reply?: ReplyWrite;
};

/** Nothing was written: what stands in the store is not what the writer expected. Read again and decide again. */
export type Conflict = {
  readonly ok: false;
  /** The version that stands: of the stream, document or checkpoint, the last evidence batch, or 1 for a reply. */
  readonly conflict: number;
  readonly on: 'stream' | 'document' | 'checkpoint' | 'evidence' | 'reply';
  /** Key of what conflicts; `kind/key` for a document. */
  readonly key: string;
};

/** A telemetry batch as it arrived. */
export type TelemetryBatch = {
  /** Chosen by the sender; the same id again is answered `duplicate` (remembered `BATCH_ID_KEEP_MS`). */
  readonly batchId: string;
  /**
   * Given where the sender delivers one batch after the other, each until it is acknowledged. The batch is then known by
   * its place: at or below the sender's last one it is `duplicate`. One row per sender is remembered, not one per batch.
   */
  readonly sender?: { readonly id: string; readonly sequence: number };
  readonly receivedAt: number;
  /** Rollouts that will read it. With none, only the id is kept. */
  readonly rollouts: readonly string[];
  /**
   * Plain JSON that was checked when it came in; it is not checked again. A function gives each rollout a body of its
   * own, so that with many rollouts each reads its part and not the whole.
   */
  readonly body: unknown | ((rollout: string) => unknown);
};

/** A stored telemetry batch as one rollout reads it. A higher `seq` was committed later, never before. */
export type StoredTelemetry = { readonly seq: number; readonly receivedAt: number; readonly body: unknown };

/** A closed evidence batch as read. */
export type StoredEvidence = { readonly seq: number; readonly value: unknown };

/** `pending` waits or is being delivered, `done` was delivered, `dead` was given up until someone revives it. */
export type OutboxState = 'pending' | 'done' | 'dead';

/** An outbox message with its fate. */
export type OutboxEntry = OutboxMessage & {
  readonly id: number;
  readonly state: OutboxState;
  /** Deliveries begun since it was added or revived. */
  readonly attempts: number;
  /** What the last failed delivery said. */
  readonly error?: string;
};

/** A message leased to one owner, who must finish, retry or bury it before `leasedUntil`. */
export type ClaimedMessage = OutboxMessage & {
  readonly id: number;
  readonly priority: number;
  /** Number of this delivery: 1, 2, … */
  readonly attempts: number;
  readonly leasedUntil: number;
};

/** What to claim of one destination. A claimed message is free for others again at `now + leaseMs`. */
export type OutboxClaim = {
  readonly destination: string;
  /** Priorities to claim, both inclusive. */
  readonly priorities: readonly [first: number, last: number];
  readonly now: number;
  readonly limit: number;
  readonly leaseMs: number;
  readonly owner: string;
};

/** What waits in the outbox at an instant. */
export type OutboxOutlook = {
  /** Destinations with a message that is due and not leased, the most urgent first. Some may wait for others of their group. */
  readonly due: readonly string[];
  /** When the next other message falls due, or a lease ends; after the instant asked about. Absent: no other waits. */
  readonly nextAt?: number;
};

/** The outbox of one destination, without what was delivered. */
export type OutboxCount = {
  readonly destination: string;
  readonly pending: number;
  readonly dead: number;
  /** Due time of the pending message that has been due the longest. */
  readonly oldestDueAt?: number;
};

/** What a commit of this process changed. A hint to read again: commits of other processes are not announced. */
export type StoreChange = {
  readonly streams: readonly string[];
  readonly telemetryRollouts: readonly string[];
  readonly documents: readonly { readonly kind: string; readonly key: string }[];
  /** Messages were added to the outbox or have another fate than before (delivered, put off, given up, revived). */
  readonly outbox: boolean;
};

/** What to prune, as of an instant. */
export type Prune = {
  readonly now: number;
  /** Most rows of each sort. Default: 1000. */
  readonly limit?: number;
  /** Rollouts whose evidence is not kept any longer: no batch may be added to them any more. Default: none. */
  readonly evidenceOf?: readonly string[];
};

/** Rows a `prune` removed; `more` when it stopped at its limit. */
export type Pruned = {
  /** Telemetry batches folded by every rollout that reads them. */
  readonly telemetry: number;
  /** Batch ids, and senders, that are remembered no longer. */
  readonly batchIds: number;
  /** Evidence batches of the rollouts named. */
  readonly evidence: number;
  readonly outbox: number;
  readonly replies: number;
  readonly more: boolean;
};

/** Size of the store. */
export type StoreStats = {
  /** On disk, with the write-ahead log. */
  readonly bytes: number;
  readonly events: number;
  /** Raw telemetry batches not pruned. */
  readonly telemetry: number;
  readonly outboxPending: number;
  readonly outboxDead: number;
};

/** Outcome of `verifyChain`. `head` is worth noting down elsewhere: it proves later that nothing before it changed. */
export type ChainReport =
  | { readonly ok: true; readonly events: number; readonly head: string }
  | { readonly ok: false; readonly at: number; readonly why: string };

/** How long the ids of telemetry batches are remembered, and senders after their last batch. */
export const BATCH_ID_KEEP_MS = 7 * 24 * 3_600_000;
/** How long delivered outbox messages, and with them their idempotency keys, are kept. */
export const DONE_KEEP_MS = 7 * 24 * 3_600_000;

/**
 * The system of record. A promise resolves only after its write is durable; each write happens whole or not at all.
 * Several stores, in one process or many, may be open on the same data. Values are plain JSON and read back as JSON
 * (absent for `undefined`). Instants are epoch ms and come from the caller. Failures reject with `StoreError`;
 * a lost race is no failure but a `Conflict`. After a rejection with `STORE_UNAVAILABLE` it is unknown whether the
 * write happened: read again (versions, batch ids and idempotency keys make a repeat harmless).
 */
export type Store = {
  /** Records events with all that follows from them. */
  append(append: Append): Promise<{ readonly ok: true; readonly events: readonly StoredEvent[] } | Conflict>;
  /** Events of a stream after a version (default 0: all), oldest first. */
  readStream(stream: string, afterVersion?: number): Promise<readonly StoredEvent[]>;
  /** Events of all streams after `afterSeq`, in commit order. */
  readEvents(afterSeq: number, limit: number): Promise<readonly StoredEvent[]>;

  getDocument(kind: string, key: string): Promise<StoredDocument | undefined>;
  /** All documents of a kind, by key. */
  listDocuments(kind: string): Promise<readonly StoredDocument[]>;
  putDocuments(save: DocumentsSave): Promise<{ readonly ok: true } | Conflict>;

  putTelemetry(batch: TelemetryBatch): Promise<'accepted' | 'duplicate'>;
  /** As `putTelemetry`, and in the same transaction what its receiver has to remember of it. A duplicate writes nothing. */
  putTelemetryWith(
    batch: TelemetryBatch,
    documents: readonly DocumentWrite[],
  ): Promise<'accepted' | 'duplicate' | Conflict>;
  /** Telemetry of a rollout after a seq, in commit order. What was read once is never followed by a lower seq. */
  telemetryAfter(rollout: string, seq: number, limit: number): Promise<readonly StoredTelemetry[]>;
  /**
   * Evidence batches of a rollout after a seq, in order; at most `limit` (default: all). Kept until `prune` is told to
   * let go of them, oldest first: a rollout whose first batch is there has all of them.
   */
  evidenceAfter(rollout: string, seq: number, limit?: number): Promise<readonly StoredEvidence[]>;
  getCheckpoint(key: string): Promise<{ readonly version: number; readonly value: unknown } | undefined>;
  /** Saves a fold; answers with the checkpoint's new version. */
  saveCheckpoint(save: CheckpointSave): Promise<{ readonly ok: true; readonly version: number } | Conflict>;

  /** Leases messages that are due and not leased, the most urgent first, then in the order they were added. */
  claimOutbox(claim: OutboxClaim): Promise<readonly ClaimedMessage[]>;
  /** Delivered. False, and nothing changes, when the lease has gone to another owner. */
  finishOutbox(id: number, owner: string): Promise<boolean>;
  /** Deliver again later; gives the lease back. False as above. */
  retryOutbox(id: number, owner: string, retry: { readonly dueAt: number; readonly error: string }): Promise<boolean>;
  /** Give up: a dead letter, kept until revived. False as above. */
  buryOutbox(id: number, owner: string, error: string): Promise<boolean>;
  /** The newest messages in a state, the oldest of them first; at most `limit` (default 1000). */
  listOutbox(state: OutboxState, limit?: number): Promise<readonly OutboxEntry[]>;
  /** Messages whose key begins with a text, whatever their state, by key. */
  findOutbox(keyPrefix: string): Promise<readonly OutboxEntry[]>;
  /** Makes a dead letter pending again, due at once, with its attempts counted anew. False when it is not dead. */
  reviveOutbox(id: number): Promise<boolean>;
  /** What can be claimed at `now`, and when there will be more. */
  outboxOutlook(now: number): Promise<OutboxOutlook>;
  /** Destinations with pending or dead messages, by name. */
  countOutbox(): Promise<readonly OutboxCount[]>;

  /** The answer stored under an idempotency key, unless expired at `now`. */
  getReply(key: string, now: number): Promise<unknown>;

  stats(): Promise<StoreStats>;
  /** Removes what is no longer needed. */
  prune(prune: Prune): Promise<Pruned>;
  /** Calls back after each commit of this store that changed something; returns the way to stop. Must not throw. */
  onChange(listener: (change: StoreChange) => void): () => void;
  /** Recomputes every hash; also finds removed events, gaps, and streams that lost their end. */
  verifyChain(): Promise<ChainReport>;
  /** Finishes what was asked before, then refuses everything. */
  close(): Promise<void>;
};

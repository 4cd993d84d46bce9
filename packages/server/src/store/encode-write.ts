import { canonicalJson } from './canonical-json.ts';
import { packJson } from './packed-json.ts';
import type { TelemetryRequest, TelemetryWithRequest, WriteRequest } from './sqlite-request.ts';
import type { Append, DocumentWrite, OutboxMessage, TelemetryBatch } from './store.ts';
import { StoreError } from './store-error.ts';

/** Of a message that names none. */
const DEFAULT_PRIORITY = 2;

/** Parts of the three writing calls of `Store`, any of which may be absent. */
export type AnyWrite = Partial<Omit<Append, 'stream' | 'expectedVersion' | 'events' | 'projection'>>;

/** Checks an append and turns its values into JSON text. @throws StoreError `NOT_STORABLE` */
export function encodeAppend(append: Append): WriteRequest {
  if (append.events.length === 0) {
    throw new StoreError(
      'NOT_STORABLE',
      `append to "${append.stream}" has no event; use putDocuments or saveCheckpoint`,
    );
  }
  const { projection } = append;
  const events = append.events.map((event) => ({
    at: integer('event.at', event.at),
    by: text('event.by', event.by),
    type: text('event.type', event.type),
    data: canonicalJson(event.data),
  }));
  return {
    ...encodeWrite(append),
    append: {
      stream: text('stream', append.stream),
      expectedVersion: integer('expectedVersion', append.expectedVersion),
      events,
      ...(projection && { projection: encodeDocument(projection) }),
    },
  };
}

/** Checks the rest of a write and turns its values into JSON text. @throws StoreError `NOT_STORABLE` */
export function encodeWrite(write: AnyWrite): WriteRequest {
  const { checkpoint, evidence, telemetryFolded, reply } = write;
  return {
    op: 'write',
    documents: (write.documents ?? []).map(encodeDocument),
    outbox: (write.outbox ?? []).map(encodeMessage),
    ...(checkpoint && {
      checkpoint: {
        key: text('checkpoint.key', checkpoint.key),
        expectedVersion: integer('checkpoint.expectedVersion', checkpoint.expectedVersion),
        value: canonicalJson(checkpoint.value),
      },
    }),
    ...(evidence && {
      evidence: {
        rollout: text('evidence.rollout', evidence.rollout),
        seq: integer('evidence.seq', evidence.seq),
        value: packJson(canonicalJson(evidence.value)),
      },
    }),
    ...(telemetryFolded && {
      telemetryFolded: {
        rollout: text('telemetryFolded.rollout', telemetryFolded.rollout),
        throughSeq: integer('telemetryFolded.throughSeq', telemetryFolded.throughSeq),
      },
    }),
    ...(reply && {
      reply: {
        key: text('reply.key', reply.key),
        value: canonicalJson(reply.value),
        at: integer('reply.at', reply.at),
        expiresAt: integer('reply.expiresAt', reply.expiresAt),
      },
    }),
  };
}

/** Checks what names a telemetry batch and turns its body, which is bulky and was checked before, into JSON text. @throws StoreError `NOT_STORABLE` */
export function encodeTelemetry(batch: TelemetryBatch): TelemetryRequest {
  const { sender, body } = batch;
  const rollouts = [...new Set(batch.rollouts)].map((rollout) => text('rollouts', rollout));
  return {
    op: 'telemetry',
    batchId: text('batchId', batch.batchId),
    ...(sender && {
      sender: { id: text('sender.id', sender.id), sequence: integer('sender.sequence', sender.sequence) },
    }),
    receivedAt: integer('receivedAt', batch.receivedAt),
    rollouts,
    bodies: (typeof body === 'function' ? rollouts.map((rollout) => body(rollout)) : [body]).map((one) =>
      JSON.stringify(one),
    ),
  };
}

/** Checks a telemetry batch and the documents beside it. @throws StoreError `NOT_STORABLE` */
export function encodeTelemetryWith(batch: TelemetryBatch, documents: readonly DocumentWrite[]): TelemetryWithRequest {
  return { ...encodeTelemetry(batch), op: 'telemetryWith', documents: documents.map(encodeDocument) };
}

function encodeDocument(write: DocumentWrite) {
  return {
    kind: text('document.kind', write.kind),
    key: text('document.key', write.key),
    value: write.value === null ? null : canonicalJson(write.value),
    ...(write.expectedVersion !== undefined && {
      expectedVersion: integer('document.expectedVersion', write.expectedVersion),
    }),
  };
}

function encodeMessage(message: OutboxMessage) {
  return {
    key: text('outbox.key', message.key),
    destination: text('outbox.destination', message.destination),
    kind: text('outbox.kind', message.kind),
    body: canonicalJson(message.body),
    dueAt: integer('outbox.dueAt', message.dueAt),
    priority: integer('outbox.priority', message.priority ?? DEFAULT_PRIORITY),
    group: message.group === undefined ? null : text('outbox.group', message.group),
  };
}

/** Instants, versions and seqs: whole, not negative, exact in a double. @throws StoreError `NOT_STORABLE` */
export function integer(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new StoreError('NOT_STORABLE', `${name} is ${String(value)}; give a whole number from 0 to 2^53 - 1`);
}

/** Lone surrogates would not survive UTF-8, and their hash would no longer match. */
function text(name: string, value: string): string {
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value;
  throw new StoreError(
    'NOT_STORABLE',
    `${name} is ${JSON.stringify(value)}; give a text that is not empty and is valid Unicode`,
  );
}

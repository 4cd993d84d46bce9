import { type Notification, notificationsOfDecision, type Told } from '@rampart/connectors';
import {
  type EventRecord,
  type EvidenceBatch,
  type EvidenceState,
  evolve,
  type Plan,
  type RolloutEvent,
  type RolloutState,
} from '@rampart/rollout';
import { newEventOf, streamOf } from './event-records.ts';
import type { Carried } from './evidence-batcher.ts';
import { type Checkpoint, LAYOUT, ROLLOUT_KIND, type RolloutRun } from './rollout-run.ts';
import type { Append, CheckpointSave, OutboxMessage, ReplyWrite } from './store/store.ts';

/** An event and who caused it. */
export type Cause = { readonly event: RolloutEvent; readonly by: string };

/** A fold that goes into the transaction of the decision it led to. */
export type Fold = {
  readonly evidence: EvidenceState;
  readonly batch: EvidenceBatch;
  readonly throughSeq: number;
  readonly carried: Carried;
};

/** Everything one decision changes. */
export type Change = {
  readonly rollout: string;
  readonly before: RolloutRun | undefined;
  readonly causes: readonly Cause[];
  readonly at: number;
  readonly fold?: Fold;
  /** The answer to keep under an idempotency key, given the records as they will stand. */
  readonly reply?: (records: readonly EventRecord[], state: RolloutState) => ReplyWrite;
};

/** A change worked out: what will stand in the store, and the state after it. */
export type Prepared = {
  readonly records: readonly EventRecord[];
  readonly state: RolloutState;
  readonly append: Append;
};

/** Outbox messages of a notification of a rollout, one per receiver that wants it. */
export type Addressing = (notification: Notification, plan: Plan) => readonly OutboxMessage[];

/** The append of a change with at least one event. */
export function prepare(change: Change, addressing: Addressing): Prepared {
  const { rollout, before, at } = change;
  const version = before?.state.version ?? 0;
  const records: EventRecord[] = [];
  const told: Told[] = [];
  let state = before?.state;
  for (const [i, { event, by }] of change.causes.entries()) {
    const record = { version: version + 1 + i, at, by, event };
    const after = evolve(state, record);
    records.push(record);
    told.push({ record, state: after, ...(state && { before: state }) });
    state = after;
  }
  if (state === undefined) throw new TypeError(`rollout ${rollout} was to be changed without an event`);
  const append: Append = {
    stream: streamOf(rollout),
    expectedVersion: version,
    events: change.causes.map(({ event, by }) => newEventOf(event, by, at)),
    projection: { kind: ROLLOUT_KIND, key: rollout, value: state },
    outbox: notificationsOfDecision(told).flatMap((one) => addressing(one, state.plan)),
    ...(change.fold && before && foldWrites(rollout, before, change.fold)),
    ...(change.reply && { reply: change.reply(records, state) }),
  };
  return { records, state, append };
}

/** The parts of a write that belong to a fold. */
export function foldWrites(rollout: string, before: RolloutRun, fold: Fold): CheckpointSave {
  const { evidence, throughSeq, carried } = fold;
  const { pulledTo } = carried;
  const value: Checkpoint = { layout: LAYOUT, evidence, throughSeq, closedAt: fold.batch.toAt, pulledTo };
  return {
    checkpoint: { key: rollout, expectedVersion: before.checkpointVersion, value },
    evidence: { rollout, seq: fold.batch.seq, value: fold.batch },
    telemetryFolded: { rollout, throughSeq: fold.throughSeq },
  };
}

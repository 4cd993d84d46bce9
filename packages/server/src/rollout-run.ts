import { isDeepStrictEqual } from 'node:util';
import {
  type EventRecord,
  type EvidenceBatch,
  type EvidenceState,
  NO_EVIDENCE,
  openRefold,
  type Reconciled,
  type RolloutState,
  replay,
} from '@rampart/rollout';
import { recordOf, streamOf } from './event-records.ts';
import { type Carried, emptyBatch, type OpenBatch } from './evidence-batcher.ts';
import { messageOf } from './log.ts';
import { ServerError } from './server-error.ts';
import type { Store, StoredDocument } from './store/store.ts';

/** Kind of the document a rollout's state is projected to. */
export const ROLLOUT_KIND = 'rollout';

/** Evidence batches read at once. */
const BATCHES = 500;

/** A rollout in memory: its state as stored, and its evidence as checkpointed. Replaced as a whole, never changed. */
export type RolloutRun = {
  readonly state: RolloutState;
  readonly evidence: EvidenceState;
  readonly checkpointVersion: number;
  /** End of the last closed batch; before any, when the rollout was created. */
  readonly closedAt: number;
  readonly open: OpenBatch;
  /** What its baseline from history waits for, in words; absent while it waits for nothing of that. */
  readonly pastWait?: string;
  /** The last look at it; its judgement is worked out when someone asks for it. */
  readonly look?: Pick<Reconciled, 'judgement'>;
};

/**
 * What the sums in a checkpoint mean: one more with every change of `EvidenceState`, or of what a stream sums under its key. Sums
 * of another layout would be judged for what they are not, so that they are folded again from the batches.
 */
export const LAYOUT = 3;

/** What is checkpointed with a fold. */
export type Checkpoint = {
  /** See `LAYOUT`; absent in those of the first. */
  readonly layout?: number;
  readonly evidence: EvidenceState;
  readonly throughSeq: number;
  readonly closedAt: number;
  /** Absent in checkpoints of before sources were pulled. */
  readonly pulledTo?: Carried['pulledTo'];
};

/** A rollout from the store: its events replayed, which must make the state stored beside them. @throws ServerError */
export async function loadRun(store: Store, stored: StoredDocument): Promise<RolloutRun> {
  const [events, checkpoint] = await Promise.all([
    store.readStream(streamOf(stored.key)),
    store.getCheckpoint(stored.key),
  ]);
  const records = events.map(recordOf);
  const state = replayed(stored, records);
  // JSON edge: written by `foldWrites` only.
  const saved = checkpoint?.value as Checkpoint | undefined;
  return {
    state,
    evidence: saved === undefined ? NO_EVIDENCE : await evidenceIn(saved, store, state, records),
    checkpointVersion: checkpoint?.version ?? 0,
    closedAt: saved?.closedAt ?? state.createdAt,
    open: emptyBatch(saved?.throughSeq ?? 0, {
      failures: saved?.evidence.failures ?? {},
      pulledTo: saved?.pulledTo ?? {},
    }),
  };
}

/** Evidence as the sums of today have it. Of a rollout that has ended nothing is judged again, and its batches may be gone. */
async function evidenceIn(
  { layout, evidence }: Checkpoint,
  store: Store,
  { id, phase }: RolloutState,
  records: readonly EventRecord[],
): Promise<EvidenceState> {
  if (layout === LAYOUT || phase === 'complete' || phase === 'cancelled') return evidence;
  const refold = openRefold(records);
  for (let after = 0; after < evidence.throughSeq; ) {
    const batches = await store.evidenceAfter(id, after, BATCHES);
    const last = batches.at(-1);
    if (last === undefined) throw lostBatch(id, after + 1);
    // JSON edge: written by the reconciler only.
    for (const { value } of batches) refold.feed(value as EvidenceBatch);
    after = last.seq;
  }
  return refold.evidence();
}

function lostBatch(id: string, seq: number): ServerError {
  const message = `batch ${seq} of rollout "${id}" is not in the store, and its evidence has to be folded again; start the version of Rampart that wrote this store, or restore a backup, and report it`;
  return new ServerError('REPLAY_MISMATCH', message);
}

/** Every rollout of the store, in the order they were created. @throws ServerError `REPLAY_MISMATCH` */
export async function loadRuns(store: Store): Promise<readonly RolloutRun[]> {
  const documents = await store.listDocuments(ROLLOUT_KIND);
  const runs = await Promise.all(documents.map((document) => loadRun(store, document)));
  return runs.toSorted((one, other) => one.state.createdAt - other.state.createdAt);
}

/** A rollout of which nothing but its first events is known. */
export function newRun(state: RolloutState): RolloutRun {
  return { state, evidence: NO_EVIDENCE, checkpointVersion: 0, closedAt: state.createdAt, open: emptyBatch(0) };
}

function replayed(stored: StoredDocument, records: Parameters<typeof replay>[0]): RolloutState {
  const refuse = (why: string, cause?: unknown) => {
    const message = `the events of rollout "${stored.key}" do not make its stored state (${why}); start the version of Rampart that wrote this store, or restore a backup, and report it`;
    return new ServerError('REPLAY_MISMATCH', message, { cause });
  };
  let state: RolloutState | undefined;
  try {
    state = replay(records);
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
  if (state === undefined) throw refuse('it has no events');
  // Through JSON, as the stored one went: a property that is `undefined` is none.
  const plain: unknown = JSON.parse(JSON.stringify(state));
  if (!isDeepStrictEqual(plain, stored.value)) throw refuse(`${differenceOf(plain, stored.value)} differs`);
  return state;
}

/** First property in which two states differ. */
function differenceOf(one: unknown, other: unknown): string {
  const left = new Map(Object.entries(one ?? {}));
  const right = new Map(Object.entries(other ?? {}));
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names].find((name) => !isDeepStrictEqual(left.get(name), right.get(name))) ?? 'the shape';
}

import { isDeepStrictEqual } from 'node:util';
import { type EvidenceState, NO_EVIDENCE, type Reconciled, type RolloutState, replay } from '@rampart/rollout';
import { recordOf, streamOf } from './event-records.ts';
import { type Carried, emptyBatch, type OpenBatch } from './evidence-batcher.ts';
import { messageOf } from './log.ts';
import { ServerError } from './server-error.ts';
import type { Store, StoredDocument } from './store/store.ts';

/** Kind of the document a rollout's state is projected to. */
export const ROLLOUT_KIND = 'rollout';

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

/** What is checkpointed with a fold. */
export type Checkpoint = {
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
  const state = replayed(stored, events.map(recordOf));
  // JSON edge: written by `checkpointOf` only.
  const saved = checkpoint?.value as Checkpoint | undefined;
  return {
    state,
    evidence: saved?.evidence ?? NO_EVIDENCE,
    checkpointVersion: checkpoint?.version ?? 0,
    closedAt: saved?.closedAt ?? state.createdAt,
    open: emptyBatch(saved?.throughSeq ?? 0, {
      failures: saved?.evidence.failures ?? {},
      pulledTo: saved?.pulledTo ?? {},
    }),
  };
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

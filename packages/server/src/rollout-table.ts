import { ProblemError } from '@rampart/api';
import type { Flag, Ruleset } from '@rampart/flags';
import type { EventRecord, RolloutState } from '@rampart/rollout';
import type { MonotoneClock } from './clock.ts';
import { streamOf } from './event-records.ts';
import { emptyBatch } from './evidence-batcher.ts';
import { INSTANCE_TTL_MS } from './instance-registry.ts';
import { type Addressing, type Change, type Fold, foldWrites, type Prepared, prepare } from './rollout-commit.ts';
import { loadRun, loadRuns, newRun, ROLLOUT_KIND, type RolloutRun } from './rollout-run.ts';
import { createRulesetBook, type RulesetBook } from './ruleset-book.ts';
import { servingKey } from './ruleset-of.ts';
import { createSerialQueue, type SerialQueue } from './serial-queue.ts';
import type { Conflict, DocumentWrite, Store } from './store/store.ts';
import { StoreError } from './store/store-error.ts';

/** A change that stands in the store, or why it does not. */
type Committed =
  | { readonly ok: true; readonly records: readonly EventRecord[]; readonly state: RolloutState }
  | Conflict;

/** How long an abort that the SDKs have confirmed is watched for people who still see the feature. */
const WATCHED_MS = 600_000;

/** An abort that is not known to have taken everywhere: SDKs must evaluate by `revision` or later. */
type PendingEffect = {
  readonly incident: number;
  readonly revision: number;
  readonly notBefore: number;
  /** When it is watched no longer, epoch milliseconds; absent while SDKs have not confirmed it. */
  readonly until?: number;
};

/** Every rollout in memory, and the only way to change one. */
export type RolloutTable = {
  readonly book: RulesetBook;
  readonly get: (id: string) => RolloutRun | undefined;
  readonly all: () => readonly RolloutRun[];
  /** Runs a job on a rollout when no other runs; what is in doubt is read again before. */
  readonly exclusively: <T>(id: string, job: () => Promise<T>) => Promise<T>;
  /** Writes a change and what follows from it in one transaction; memory changes only once it stands. */
  readonly commit: (change: Change, newFlag?: Flag) => Promise<Committed>;
  /** Writes a fold that led to no event. */
  readonly saveFold: (before: RolloutRun, fold: Fold) => Promise<{ readonly ok: true } | Conflict>;
  /** Keeps what was only read or judged, unless the rollout was replaced meanwhile. */
  readonly keep: (before: RolloutRun, now: Pick<RolloutRun, 'open'> & Partial<Pick<RolloutRun, 'look'>>) => void;
  /** Notes what the baseline of a rollout waits for, in words; `undefined`: nothing any more. */
  readonly notePast: (id: string, wait: string | undefined) => void;
  readonly pendingEffect: (id: string) => PendingEffect | undefined;
  /** Reads again what others have changed. */
  readonly refresh: () => Promise<void>;
  /** Refreshes when another process on the same store has changed a rollout; cheap when none has. */
  readonly catchUp: () => Promise<void>;
  /** Resolves when no job runs. */
  readonly idle: () => Promise<void>;
};

/** What a table works with. */
export type TableOptions = {
  readonly store: Store;
  readonly environment: string;
  readonly clock: MonotoneClock;
  readonly addressing: Addressing;
  /** Told each new revision at once. */
  readonly publish: (ruleset: Ruleset) => void;
};

/** Loads every rollout by replaying its events. @throws ServerError @throws StoreError */
export async function openRolloutTable(options: TableOptions): Promise<RolloutTable> {
  const { store, clock } = options;
  const runs = new Map((await loadRuns(store)).map((run) => [run.state.id, run]));
  for (const { state, closedAt } of runs.values()) clock.advanceTo(Math.max(closedAt, lastAtOf(state)));
  const book = createRulesetBook({
    ...options,
    rollouts: () => [...runs.values()].map((run) => run.state),
    reloadRollouts: () => reloadChanged(store, runs),
  });
  await book.refresh();
  const effects = createEffects(runs, book, clock);
  const jobs = createJobs(store, runs);
  return {
    book,
    get: (id) => runs.get(id),
    all: () => [...runs.values()],
    exclusively: jobs.exclusively,
    async commit(change, newFlag) {
      const prepared = prepare(change, options.addressing);
      const write = async (documents: readonly DocumentWrite[]) => {
        const result = await store.append({ ...prepared.append, documents });
        if (result.ok) runs.set(change.rollout, after(change, prepared));
        return result;
      };
      const result = await jobs.guarded(change.rollout, () => writeWith(book, write, change, prepared, newFlag));
      if (!result.ok) return result;
      effects.note(prepared.state);
      return { ok: true, records: prepared.records, state: prepared.state };
    },
    saveFold: (before, fold) =>
      jobs.guarded(before.state.id, async () => {
        const { id } = before.state;
        const result = await store.saveCheckpoint(foldWrites(id, before, fold));
        if (result.ok) runs.set(id, { ...before, ...folded(before, fold) });
        return result;
      }),
    keep(before, { open, look }) {
      const { id } = before.state;
      const current = runs.get(id);
      if (current?.state !== before.state || current.checkpointVersion !== before.checkpointVersion) return;
      runs.set(id, { ...current, open, ...(look && { look }) });
    },
    notePast(id, wait) {
      const run = runs.get(id);
      if (run === undefined || run.pastWait === wait) return;
      const { pastWait: _before, ...rest } = run;
      runs.set(id, { ...rest, ...(wait !== undefined && { pastWait: wait }) });
    },
    pendingEffect: effects.of,
    refresh: book.refresh,
    catchUp: createCatchUp(store, runs, book, (await store.stats()).events),
    idle: jobs.idle,
  };
}

type Runs = Map<string, RolloutRun>;

/** Only what is served differently needs a new revision; writing one waits for other changes of the ruleset. */
function writeWith<T extends { readonly ok: true } | Conflict>(
  book: RulesetBook,
  write: (documents: readonly DocumentWrite[]) => Promise<T>,
  { before }: Change,
  { state }: Prepared,
  newFlag: Flag | undefined,
): Promise<T> {
  const servesTheSame = servingKey(before?.state) === servingKey(state);
  if (servesTheSame && newFlag === undefined) return write([]);
  return book.change({ rollout: state, ...(newFlag && { flags: { [newFlag.key]: newFlag } }) }, write);
}

function after(change: Change, { state }: Prepared): RolloutRun {
  const run = change.before ?? newRun(state);
  return { ...run, ...(change.fold && folded(run, change.fold)), state };
}

function folded(run: RolloutRun, { evidence, batch, throughSeq, carried }: Fold): Omit<RolloutRun, 'state' | 'look'> {
  const checkpointVersion = run.checkpointVersion + 1;
  return { evidence, checkpointVersion, closedAt: batch.toAt, open: emptyBatch(throughSeq, carried) };
}

/** Latest instant that a state shows to have passed. */
function lastAtOf({ createdAt, attempts, history, incidents }: RolloutState): number {
  const attempted = attempts.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt ?? 0]);
  const served = history.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt ?? 0]);
  return Math.max(createdAt, ...attempted, ...served, ...incidents.map(({ openedAt }) => openedAt));
}

async function reloadChanged(store: Store, runs: Runs): Promise<void> {
  const documents = await store.listDocuments(ROLLOUT_KIND);
  const changed = documents.filter(({ key, version }) => runs.get(key)?.state.version !== version);
  for (const document of changed) runs.set(document.key, await loadRun(store, document));
}

const EVENTS_AT_ONCE = 500;

/** Looks at the events since the last look: one that memory does not have came from elsewhere. */
function createCatchUp(store: Store, runs: Runs, book: RulesetBook, fromSeq: number): () => Promise<void> {
  let seq = fromSeq;
  return async () => {
    const events = await store.readEvents(seq, EVENTS_AT_ONCE);
    if (events.length === 0) return;
    const known = new Map([...runs.values()].map(({ state }) => [streamOf(state.id), state.version]));
    if (events.some(({ stream, version }) => version > (known.get(stream) ?? 0))) await book.refresh();
    seq = events.at(-1)?.seq ?? seq;
  };
}

type Jobs = Pick<RolloutTable, 'exclusively' | 'idle'> & {
  /**
   * A write whose failure leaves it unknown what stands, or that met what another process had written: the rollout is read
   * again before it is used next.
   */
  readonly guarded: <T extends { readonly ok: boolean }>(id: string, write: () => Promise<T>) => Promise<T>;
};

function createJobs(store: Store, runs: Runs): Jobs {
  const queues = new Map<string, SerialQueue>();
  const doubtful = new Set<string>();
  const queueOf = (id: string): SerialQueue => {
    const queue = queues.get(id) ?? createSerialQueue();
    queues.set(id, queue);
    return queue;
  };
  const readAgain = async (id: string): Promise<void> => {
    const document = await store.getDocument(ROLLOUT_KIND, id);
    if (document === undefined) runs.delete(id);
    else runs.set(id, await loadRun(store, document));
    doubtful.delete(id);
  };
  return {
    exclusively: (id, job) =>
      queueOf(id).run(async () => {
        if (doubtful.has(id)) await readAgain(id);
        return job();
      }),
    async guarded(id, write) {
      try {
        const result = await write();
        if (!result.ok) doubtful.add(id);
        return result;
      } catch (error) {
        const isWithoutTrace = error instanceof StoreError && error.code === 'STORAGE_FULL';
        if (!isWithoutTrace) doubtful.add(id);
        throw error;
      }
    },
    async idle() {
      await Promise.all([...queues.values()].map((queue) => queue.idle()));
    },
  };
}

/** Aborts that are followed. Of those before the start it is unknown who was connected: they wait until all had time to come back. */
function createEffects(runs: Runs, book: RulesetBook, clock: MonotoneClock) {
  const pending = new Map<string, PendingEffect>();
  const note = (state: RolloutState, notBefore = 0): void => {
    const incident = state.incidents.at(-1);
    const isOpen = state.phase === 'aborted' && incident !== undefined && incident.exposureFellAt === undefined;
    if (!isOpen) return void pending.delete(state.id);
    const known = pending.get(state.id);
    const { revision } = book.ruleset();
    const effect = known?.incident === incident.number ? known : { incident: incident.number, revision, notBefore };
    const { tookEffectAt } = incident;
    pending.set(state.id, { ...effect, ...(tookEffectAt !== undefined && { until: tookEffectAt + WATCHED_MS }) });
  };
  const loadedNotBefore = clock.now() + INSTANCE_TTL_MS;
  for (const { state } of runs.values()) note(state, loadedNotBefore);
  return {
    of(id: string): PendingEffect | undefined {
      const effect = pending.get(id);
      if (effect?.until !== undefined && clock.now() >= effect.until) pending.delete(id);
      return pending.get(id);
    },
    note,
  };
}

/** A rollout of the table. @throws ProblemError `ROLLOUT_UNKNOWN` */
export function runOf(table: RolloutTable, id: string): RolloutRun {
  const run = table.get(id);
  if (run === undefined) throw new ProblemError('ROLLOUT_UNKNOWN', `There is no rollout ${JSON.stringify(id)}.`);
  return run;
}

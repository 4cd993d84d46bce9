import { type EvidenceBatch, mustCloseNow, RAMPART, type RolloutState, reconcile, stuckDueAt } from '@rampart/rollout';
import type { Aftermath } from './abort-aftermath.ts';
import { followAbort } from './abort-effect.ts';
import type { Clock } from './clock.ts';
import { addTelemetry, closeBatch, type OpenBatch, type TelemetryBody } from './evidence-batcher.ts';
import type { InstanceRegistry } from './instance-registry.ts';
import { type Log, messageOf } from './log.ts';
import { giveOwn } from './own-command.ts';
import { createPacedLooks } from './paced-looks.ts';
import type { Fold } from './rollout-commit.ts';
import type { RolloutRun } from './rollout-run.ts';
import type { RolloutTable } from './rollout-table.ts';
import type { Conflict, Store } from './store/store.ts';
import { StoreError } from './store/store-error.ts';

const LONGEST_BATCH_MS = 60_000;
const SHORTEST_BATCH_MS = 200;
const LONGEST_TICK_MS = 1_000;
/** Interval at which changes by other processes on the same store are looked for. */
const CATCH_UP_MS = 1_000;
/** Telemetry batches read at once; after a crash there may be thousands. */
const ROWS = 100;

/** Longest time evidence waits for its batch to close: 60 s, scaled with the plan, never under 200 ms. */
export function batchMsOf(timeScale: number): number {
  return Math.min(LONGEST_BATCH_MS, Math.max(SHORTEST_BATCH_MS, LONGEST_BATCH_MS * timeScale));
}

/** Interval of looks at a rollout without news: 1 s, less for short demos, never under 200 ms. */
export function tickMsOf(timeScale: number): number {
  return Math.min(LONGEST_TICK_MS, batchMsOf(timeScale));
}

/** The loop that looks at rollouts: evidence, verdicts, decision. */
export type Reconciler = {
  /** Looks at a rollout as soon as it is free. Calls that come before it begins are one. Never rejects. */
  readonly wake: (id: string) => Promise<void>;
  /** Looks at every rollout now. */
  readonly wakeAll: () => Promise<void>;
  /** Looks regularly from now on, and whenever telemetry arrives. */
  readonly start: () => void;
  /** Looks no more; resolves when the last look has ended. */
  readonly stop: () => Promise<void>;
};

/** What a reconciler works with. `onTick` is told how long each look took, in seconds. */
export type ReconcilerOptions = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly instances: InstanceRegistry;
  readonly aftermath: Aftermath;
  readonly log: Log;
  readonly onTick: (seconds: number) => void;
};

/** A reconciler at rest. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, table, log } = options;
  const queued = new Map<string, Promise<void>>();
  const dueAt = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let stopListening: (() => void) | undefined;

  // A failure that lasts is told once, not at every look.
  const told = new Map<string, string>();
  const tell = (id: string, error: unknown): void => {
    const code = error instanceof StoreError ? error.code : 'INTERNAL';
    if (told.get(id) === code) return;
    told.set(id, code);
    log.error({ code, rollout: id, err: error }, `rollout ${id} could not be reconciled: ${messageOf(error)}`);
  };
  const look = async (id: string): Promise<void> => {
    queued.delete(id);
    const startedAt = performance.now();
    await lookAt(id, options).then(
      () => void told.delete(id),
      (error: unknown) => tell(id, error),
    );
    options.onTick((performance.now() - startedAt) / 1000);
  };
  const wake = (id: string): Promise<void> => {
    const waiting = queued.get(id);
    if (waiting !== undefined) return waiting;
    // The queue reads a rollout in doubt again before the look, which can fail as well.
    const turn = table
      .exclusively(id, () => look(id))
      .catch((error: unknown) => {
        queued.delete(id);
        log.error({ rollout: id, err: error }, `rollout ${id} could not be read: ${messageOf(error)}`);
      });
    queued.set(id, turn);
    return turn;
  };
  const paced = createPacedLooks(wake);
  let caughtUpAt = 0;
  const catchUp = (now: number): void => {
    if (now - caughtUpAt < CATCH_UP_MS) return;
    caughtUpAt = now;
    table.catchUp().catch((error: unknown) => tell('*', error));
  };
  const beat = (): void => {
    const now = performance.now();
    catchUp(now);
    for (const { state, open } of table.all()) {
      // What arrived last of a rollout that has ended is still to be closed into its batch.
      if ((open.isEmpty && !isWatched(state, table, options.clock.now())) || now < (dueAt.get(state.id) ?? 0)) continue;
      dueAt.set(state.id, now + tickMsOf(state.plan.timeScale));
      void wake(state.id);
    }
  };

  return {
    wake,
    async wakeAll() {
      await Promise.all(table.all().map(({ state }) => wake(state.id)));
    },
    start() {
      for (const { state } of table.all()) {
        if (state.blindSince === undefined) continue;
        // It may not have been blind since the last server was there: that is on record before the first look.
        giveOwn(state.id, () => ({ type: 'ResumeWatch' }), options).catch((error) => tell(state.id, error));
      }
      timer = setInterval(beat, SHORTEST_BATCH_MS);
      stopListening = store.onChange(({ telemetryRollouts }) => {
        for (const id of telemetryRollouts) paced.ask(id);
      });
    },
    async stop() {
      clearInterval(timer);
      stopListening?.();
      await paced.stop();
      await Promise.all(queued.values());
      await table.idle();
    },
  };
}

/** Whether time alone can change something. Before and after the stages nothing does, but that people are told of what lies. */
function isWatched(state: RolloutState, table: RolloutTable, now: number): boolean {
  const { id, phase } = state;
  if (phase === 'aborted' && table.pendingEffect(id) !== undefined) return true;
  if (phase === 'aborted' || phase === 'preflight') return now >= (stuckDueAt(state) ?? Number.POSITIVE_INFINITY);
  return phase === 'baseline' || phase === 'exposing' || phase === 'monitoring';
}

async function lookAt(id: string, options: ReconcilerOptions): Promise<void> {
  const { store, table, clock } = options;
  const run = table.get(id);
  if (run === undefined) return;
  const open = await pull(store, run);
  const isIdle = open.isEmpty && !isWatched(run.state, table, clock.now());
  if (isIdle) {
    options.aftermath.forget(id);
    return table.keep(run, { open });
  }
  const conflict = await turn({ ...run, open }, table, clock.now());
  if (conflict !== undefined) return table.refresh();
  await followAbort(id, options);
}

/** The open batch with all that has arrived since. */
async function pull(store: Store, run: RolloutRun): Promise<OpenBatch> {
  let open = run.open;
  for (;;) {
    const rows = await store.telemetryAfter(run.state.id, open.throughSeq, ROWS);
    // JSON edge: written by `ingest.ts` only, after validation.
    const read = rows.map(({ seq, body }) => ({ seq, body: body as TelemetryBody }));
    if (rows.length > 0) open = addTelemetry(open, read, run.state);
    if (rows.length < ROWS) return open;
    // Requests have their turn between two readings.
    await new Promise(setImmediate);
  }
}

/** The open batch closed, where it is due or must not wait. One that may wait is not asked again until something changes. */
function batchToClose({ state, evidence, open, closedAt }: RolloutRun, now: number): EvidenceBatch | undefined {
  const isDue = now - closedAt >= batchMsOf(state.plan.timeScale);
  if (open.isEmpty || (!isDue && open.mayWaitAt === state.version)) return undefined;
  // A batch has a duration even while the clock stands still.
  const toAt = Math.max(now, closedAt + 1);
  const look = { at: now, version: state.version };
  const batch = { ...closeBatch(open, evidence.throughSeq + 1, closedAt, toAt), look };
  return isDue || mustCloseNow(state, evidence, batch, now) ? batch : undefined;
}

/** One turn of the loop: batch, evidence, verdicts, decision, and all of it in one transaction. */
async function turn(run: RolloutRun, table: RolloutTable, now: number): Promise<Conflict | undefined> {
  const { state, evidence, open } = run;
  const batch = batchToClose(run, now);
  const outcome = reconcile(state, evidence, batch, now);
  const fold: Fold | undefined = batch && {
    ...{ evidence: outcome.evidence, batch },
    ...{ throughSeq: open.throughSeq, carried: open.carried },
  };
  const causes = outcome.events.map((event) => ({ event, by: RAMPART.id }));
  const change = { rollout: state.id, before: run, causes, at: now, ...(fold && { fold }) };
  if (causes.length > 0) {
    const committed = await table.commit(change);
    if (!committed.ok) return committed;
  } else if (fold !== undefined) {
    const saved = await table.saveFold(run, fold);
    if (!saved.ok) return saved;
  }
  const after = table.get(state.id);
  if (causes.length === 0 && fold === undefined)
    table.keep(run, { open: { ...open, mayWaitAt: state.version }, look: outcome });
  else if (after !== undefined) table.keep(after, { open: after.open, look: outcome });
  return undefined;
}

import {
  type BaselineRequest,
  type BaselinesView,
  type BaselineVersion,
  type CommandAnswer,
  ProblemError,
  type WriteOptions,
} from '@rampart/api';
import {
  type Baseline,
  decide,
  type EvidenceBatch,
  joinBaselines,
  openControlBaseline,
  type Principal,
  type RolloutCommand,
  type RolloutState,
} from '@rampart/rollout';
import { type ControlPlaneOptions, commanding } from './control-plane.ts';
import { recordOf, streamOf } from './event-records.ts';
import {
  exposedByOthers,
  type HistoryLookup,
  HistoryUnavailable,
  type ReadingProgress,
  readHistory,
  recordedIn,
} from './history-reading.ts';
import type { Store } from './store/store.ts';

/** What can be done with baselines. Every refusal is a `ProblemError`, every failure of the store a `StoreError`. */
export type BaselineDesk = {
  /** Every version, oldest first; with `current`, what those who see the old variant show now. */
  readonly list: (id: string, options?: { readonly current?: boolean }) => Promise<BaselinesView>;
  /** Takes a new version: of metrics whose past can be read from there, of the others from control of the running stage. */
  readonly capture: (
    id: string,
    request: BaselineRequest,
    by: Principal,
    options?: WriteOptions,
  ) => Promise<CommandAnswer>;
};

/** What a desk works with. */
export type BaselineDeskOptions = ControlPlaneOptions & { readonly historyOf: HistoryLookup };

/** Evidence batches read at once. */
const BATCHES = 500;

/** A desk for the baselines of the rollouts of a table. */
export function createBaselineDesk(options: BaselineDeskOptions): BaselineDesk {
  const { store, table, clock } = options;
  const give = commanding<RolloutCommand>(options);
  const readings = new Map<string, ReadingProgress>();
  const stateOf = (id: string): RolloutState => {
    const run = table.get(id);
    if (run !== undefined) return run.state;
    throw new ProblemError('ROLLOUT_UNKNOWN', `There is no rollout ${JSON.stringify(id)}.`);
  };
  return {
    async list(id, { current = false } = {}) {
      const state = stateOf(id);
      const reading = readings.get(id);
      return {
        versions: await versionsOf(store, id),
        ...(reading && { reading }),
        ...(current && { current: await controlNow(store, state, clock.now()) }),
      };
    },
    async capture(id, request, by, write) {
      const state = stateOf(id);
      refuseAtOnce(state, request.reason, by, clock.now());
      const onProgress = (progress: ReadingProgress) => void readings.set(id, progress);
      const baseline = await newBaseline(state, options, onProgress).finally(() => readings.delete(id));
      const { reason } = request;
      return give(id, { type: 'CaptureBaseline', baseline, reason }, by, write, { type: 'CaptureBaseline', reason });
    },
  };
}

/**
 * What needs no look at the evidence. The first one is not taken by hand: it would end the wait for it, and with that expose
 * people.
 */
function refuseAtOnce(state: RolloutState, reason: string, by: Principal, now: number): void {
  const { id, phase, baseline } = state;
  if (baseline !== undefined) {
    const standIn = { ...baseline, source: 'history' as const };
    const decision = decide(state, { type: 'CaptureBaseline', baseline: standIn, reason }, by, now);
    if (!decision.ok) throw new ProblemError(decision.code, decision.message);
    return;
  }
  throw new ProblemError(
    'WRONG_PHASE',
    `Rollout ${id} is in phase "${phase}" and has no baseline yet. Rampart captures the first one by itself; \`rampart status\` says what it waits for.`,
  );
}

async function versionsOf(store: Store, id: string): Promise<readonly BaselineVersion[]> {
  const records = (await store.readStream(streamOf(id), 0)).map(recordOf);
  return records.flatMap(({ at, by, event }) => {
    if (event.type !== 'BaselineCaptured') return [];
    const { baseline, reason } = event;
    return [{ baseline, at, by, ...(reason !== undefined && { reason }) }];
  });
}

async function newBaseline(
  state: RolloutState,
  { store, table, clock, historyOf }: BaselineDeskOptions,
  onProgress: (progress: ReadingProgress) => void,
): Promise<Baseline> {
  const [toAt, recorded] = [clock.now(), recordedIn(state.plan, historyOf) ?? {}];
  const exposed = exposedByOthers(
    state,
    table.all().map((run) => run.state),
  );
  const { signal } = new AbortController();
  try {
    const past = await readHistory(state, { historyOf, recorded, exposed, toAt, onProgress, signal });
    const live = await controlNow(store, state, clock.now());
    const [first = live, ...rest] = past;
    return past.length === 0 ? live : joinBaselines([first, ...rest, live]);
  } catch (error) {
    if (!(error instanceof HistoryUnavailable)) throw error;
    throw new ProblemError(
      'BASELINE_UNAVAILABLE',
      `The history could not be read; nothing was changed. ${error.message}`,
    );
  }
}

/** Those who see the old variant now, from the stored evidence of the running exposure. */
async function controlNow(store: Store, state: RolloutState, now: number): Promise<Baseline> {
  const control = openControlBaseline(state, now);
  for (let after = 0; ; ) {
    const stored = await store.evidenceAfter(state.id, after, BATCHES);
    for (const { seq, value } of stored) {
      // JSON edge: written by the reconciler only.
      control.feed(value as EvidenceBatch);
      after = seq;
    }
    if (stored.length < BATCHES) return control.finish();
  }
}

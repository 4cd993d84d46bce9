import {
  type Baseline,
  baselineDue,
  baselineOf,
  decide,
  formatElapsed,
  joinBaselines,
  RAMPART,
  type RolloutState,
  readsHistory,
  watchedLive,
} from '@rampart/rollout';
import type { Clock } from './clock.ts';
import {
  exposedByOthers,
  type HistoryLookup,
  HistoryUnavailable,
  type ReadingProgress,
  readHistory,
} from './history-reading.ts';
import { type Log, messageOf } from './log.ts';
import type { RolloutRun } from './rollout-run.ts';
import type { RolloutTable } from './rollout-table.ts';

/** Captures the baselines of rollouts that wait for a recorded past. */
export type BaselineWatch = {
  /** Looks at every rollout that waits, as far as a source that failed need not be left in peace. Never rejects. */
  readonly wakeAll: () => Promise<void>;
  /** Looks regularly from now on. */
  readonly start: () => void;
  /** Looks no more; resolves when the last look has ended. */
  readonly stop: () => Promise<void>;
};

/** What a watch works with. `wake` is told of a rollout that may go on. */
export type BaselineWatchOptions = {
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly historyOf: HistoryLookup;
  readonly log: Log;
  readonly wake: (id: string) => void;
};

const EVERY_MS = 1_000;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

/** What has been read for a rollout, and how often in a row it could not be. `next`: not before, on the clock of the server. */
type Past = { readonly parts?: readonly Baseline[]; readonly failures: number; readonly next: number };

/** A watch at rest. */
export function createBaselineWatch(options: BaselineWatchOptions): BaselineWatch {
  const { table, clock } = options;
  const pasts = new Map<string, Past>();
  const busy = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const lookAt = async (id: string): Promise<void> => {
    const run = table.get(id);
    const past = pasts.get(id) ?? { failures: 0, next: 0 };
    if (run === undefined || clock.now() < past.next) return;
    try {
      const parts = past.parts ?? (await read(run.state, options, stopping.signal));
      pasts.set(id, { parts, failures: 0, next: 0 });
      table.notePast(id, undefined);
      await captureWhereDue(id, parts, options);
    } catch (error) {
      if (stopping.signal.aborted) return;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** past.failures);
      pasts.set(id, { failures: past.failures + 1, next: clock.now() + pauseMs });
      tell(id, error, past.failures === 0, pauseMs, options);
    }
  };
  const wake = (id: string): Promise<void> => {
    const turn = busy.get(id) ?? lookAt(id).finally(() => busy.delete(id));
    busy.set(id, turn);
    return turn;
  };
  const wakeAll = async (): Promise<void> => {
    const waiting = table.all().filter(({ state }) => readsHistory(state));
    const ids = new Set(waiting.map(({ state }) => state.id));
    for (const id of pasts.keys()) if (!ids.has(id)) pasts.delete(id);
    await Promise.all([...ids].map(wake));
  };
  return {
    wakeAll,
    start() {
      timer = setInterval(() => void wakeAll(), EVERY_MS);
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await Promise.all(busy.values());
    },
  };
}

function read(state: RolloutState, options: BaselineWatchOptions, signal: AbortSignal): Promise<readonly Baseline[]> {
  const { table, clock, historyOf } = options;
  const onProgress = (progress: ReadingProgress) => table.notePast(state.id, readingWords(state, progress));
  const { recorded = {} } = state;
  const exposed = exposedByOthers(
    state,
    table.all().map((run) => run.state),
  );
  return readHistory(state, { historyOf, recorded, exposed, toAt: clock.now(), onProgress, signal });
}

/** What is waited for while a history is read: `the baseline: reading 7 d of prometheus, 42 %`. */
export function readingWords({ plan }: RolloutState, { source, share }: ReadingProgress): string {
  const { windowMs, historyMs = windowMs } = plan.baseline;
  return `the baseline: reading ${formatElapsed(historyMs)} of ${source}, ${Math.floor(100 * share)} %`;
}

/** With all that checks need in the histories the baseline is complete; else the rest is watched live first. */
async function captureWhereDue(id: string, parts: readonly Baseline[], options: BaselineWatchOptions): Promise<void> {
  const { table, clock, wake } = options;
  const captured = await table.exclusively(id, async () => {
    const run = table.get(id);
    if (run === undefined || !readsHistory(run.state)) return false;
    const now = clock.now();
    const baseline = completeBaseline(run, parts, now);
    if (baseline === undefined) return false;
    const decision = decide(run.state, { type: 'CaptureBaseline', baseline }, RAMPART, now);
    if (!decision.ok) return false;
    const causes = decision.events.map((event) => ({ event, by: RAMPART.id }));
    const committed = await table.commit({ rollout: id, before: run, causes, at: now });
    if (!committed.ok) await table.refresh();
    return committed.ok;
  });
  if (captured) wake(id);
}

function completeBaseline(
  { state, evidence }: RolloutRun,
  parts: readonly Baseline[],
  now: number,
): Baseline | undefined {
  const found = new Set(parts.flatMap(({ metrics }) => Object.keys(metrics)));
  const isDue = baselineDue(evidence, state, now);
  if (!isDue && (found.size === 0 || watchedLive(state, found).length > 0)) return undefined;
  // What was seen live before its window has passed is too little to be a baseline.
  const [first, ...rest] = isDue ? [...parts, baselineOf(evidence, state, now)] : parts;
  return first && joinBaselines([first, ...rest]);
}

/** A source that fails holds the baseline and says why; it is told to the log once. */
function tell(
  id: string,
  error: unknown,
  isFirst: boolean,
  pauseMs: number,
  { table, log }: BaselineWatchOptions,
): void {
  const message = messageOf(error);
  if (!(error instanceof HistoryUnavailable)) {
    log.error({ rollout: id, err: error }, `the baseline of rollout ${id} could not be captured: ${message}`);
    return;
  }
  table.notePast(id, `the baseline, which waits for ${message} (asked again in ${formatElapsed(pauseMs)})`);
  if (isFirst) log.warn({ rollout: id }, `the baseline of rollout ${id} waits for ${message}`);
}

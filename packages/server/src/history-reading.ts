import { HistoryError, type HistorySource, historySteps } from '@rampart/connectors';
import {
  type Baseline,
  type ExposedTime,
  type Metric,
  openHistoryBaseline,
  type Plan,
  type RolloutState,
} from '@rampart/rollout';

/** Where the past of metrics can be read, by the name a plan gives the source. */
export type HistoryLookup = (source: string) => HistorySource | undefined;

/** How far a reading is: which source is being read, and the share of it that has been, in [0, 1]. */
export type ReadingProgress = { readonly source: string; readonly share: number };

/** A source whose history could not be read; its message begins with the name of the source. */
export class HistoryUnavailable extends Error {
  override readonly name = 'HistoryUnavailable';
}

const LONGEST_STEP_MS = 60_000;
const SHORTEST_STEP_MS = 15_000;
/** Steps that a range is divided into at least, as far as steps may be short. */
const LEAST_STEPS = 100;
/** Steps read at once: some MB of answer for a hundred series. */
const PART_STEPS = 1_000;

/** Metrics of a plan whose past can be read, with the name of their source; `undefined` for none. */
export function recordedIn({ metrics }: Plan, historyOf: HistoryLookup): Readonly<Record<string, string>> | undefined {
  const found = Object.values(metrics).filter(({ source }) => historyOf(source) !== undefined);
  return found.length === 0 ? undefined : Object.fromEntries(found.map(({ name, source }) => [name, source]));
}

/** When others of these rollouts exposed the flag of one. A completed one goes on doing so. */
export function exposedByOthers({ id, plan }: RolloutState, all: readonly RolloutState[]): readonly ExposedTime[] {
  const others = all.filter((one) => one.id !== id && one.plan.flag === plan.flag);
  return others.flatMap(({ history, phase }) =>
    history.map(({ startedAt, endedAt }, index) => {
      const lasts = endedAt === undefined || (phase === 'complete' && index === history.length - 1);
      return { fromAt: startedAt, ...(!lasts && { toAt: endedAt }) };
    }),
  );
}

/** What is read, and who is told how far it is. */
export type Reading = {
  readonly historyOf: HistoryLookup;
  /** Names of the sources of the metrics to read. */
  readonly recorded: Readonly<Record<string, string>>;
  /** When other rollouts of the flag exposed it. */
  readonly exposed: readonly ExposedTime[];
  /** End of the range, epoch milliseconds. */
  readonly toAt: number;
  readonly onProgress: (progress: ReadingProgress) => void;
  /** Nobody waits for the result any more. */
  readonly signal: AbortSignal;
};

/**
 * Reads the past of metrics over the window of the plan, one baseline for each source. Metrics that were never observed are
 * absent from it. @throws HistoryUnavailable
 */
export async function readHistory(state: RolloutState, reading: Reading): Promise<readonly Baseline[]> {
  const wanted = Object.values(state.plan.metrics).filter(({ name }) => reading.recorded[name] !== undefined);
  const groups = [...Map.groupBy(wanted, ({ name }) => reading.recorded[name] ?? '')];
  const baselines: Baseline[] = [];
  for (const [name, metrics] of groups) baselines.push(await readSource(state, name, metrics, reading));
  return baselines;
}

async function readSource(
  state: RolloutState,
  name: string,
  metrics: readonly Metric[],
  { historyOf, exposed, toAt, onProgress, signal }: Reading,
): Promise<Baseline> {
  const source = historyOf(name);
  if (source === undefined) throw new HistoryUnavailable(`${name}: it is no longer configured on this server`);
  const range = rangeOf(state.plan, toAt);
  const baseline = openHistoryBaseline(state, { ...range, metrics, exposed });
  const { treatment, control } = state.plan;
  onProgress({ source: name, share: 0 });
  const asked = { ...range, metrics, treatment, control, partSteps: PART_STEPS, signal };
  try {
    for await (const part of historySteps(source, asked)) {
      if (signal.aborted) throw new HistoryUnavailable(`${name}: the server stops`);
      for (const step of part.steps) baseline.feed(step);
      onProgress({ source: name, share: (part.toAt - range.fromAt) / (range.toAt - range.fromAt) });
    }
  } catch (cause) {
    if (cause instanceof HistoryError) throw new HistoryUnavailable(`${name}: ${cause.message}`, { cause });
    throw cause;
  }
  return baseline.finish();
}

/** Whole steps that end at or before `toAt`, so that the same range is read the same way whenever it is asked for. */
function rangeOf({ baseline: { windowMs, historyMs = windowMs } }: Plan, toAt: number) {
  const wanted = Math.floor(historyMs / LEAST_STEPS / SHORTEST_STEP_MS) * SHORTEST_STEP_MS;
  const stepMs = Math.min(LONGEST_STEP_MS, Math.max(SHORTEST_STEP_MS, wanted));
  const end = Math.floor(toAt / stepMs) * stepMs;
  return { fromAt: end - Math.max(1, Math.round(historyMs / stepMs)) * stepMs, toAt: end, stepMs };
}

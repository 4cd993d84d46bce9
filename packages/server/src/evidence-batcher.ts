import type { TelemetrySeries } from '@rampart/api';
import type { EvidenceBatch, Occurrence, RolloutState } from '@rampart/rollout';
import { SeriesSums } from './series-sums.ts';

/** A stored telemetry batch as one or more rollouts read it. */
export type TelemetryBody =
  | { readonly type: 'telemetry'; readonly instance: string; readonly series: readonly TelemetrySeries[] }
  | { readonly type: 'signals'; readonly occurrences: readonly Occurrence[] };

/** Telemetry of one rollout that is not folded yet, merged as it arrives. */
export type OpenBatch = {
  /** Seq of the last telemetry batch in it; that of the last one folded while it is empty. */
  readonly throughSeq: number;
  readonly merged: SeriesSums;
  readonly occurrences: readonly Occurrence[];
  readonly instances: ReadonlySet<string>;
  readonly isEmpty: boolean;
  /** Version of the rollout at which a look found no reason to close it; absent while nobody has looked since it grew. */
  readonly mayWaitAt?: number;
};

/** An open batch with nothing in it. */
export function emptyBatch(throughSeq: number): OpenBatch {
  return { throughSeq, merged: new SeriesSums(), occurrences: [], instances: new Set(), isEmpty: true };
}

const USERS: readonly string[] = ['assigned', 'reported'];

/** Whether a series is about this rollout, in an epoch it has had and a metric it judges. */
function isOf(series: TelemetrySeries, state: RolloutState): boolean {
  if (series.rollout !== state.id || series.epoch > state.epoch) return false;
  return USERS.includes(series.metric) || Object.hasOwn(state.plan.metrics, series.metric);
}

/** A telemetry batch at its place in the store. */
type Row = { readonly seq: number; readonly body: TelemetryBody };

/** An open batch with more telemetry batches in it, in the order of `seq`. What is not of the rollout is left out. */
export function addTelemetry(open: OpenBatch, rows: readonly Row[], state: RolloutState): OpenBatch {
  // One copy for all rows. Nothing is added to sums that the caller keeps: were it, and the next read failed, these rows
  // would be read and added again.
  const { throughSeq, isEmpty } = open;
  const into: Growing = {
    throughSeq,
    isEmpty,
    merged: open.merged.copy(),
    occurrences: [...open.occurrences],
    instances: new Set(open.instances),
  };
  for (const { seq, body } of rows) {
    into.throughSeq = seq;
    addBody(into, body, state);
  }
  return into;
}

type Growing = {
  throughSeq: number;
  readonly merged: SeriesSums;
  readonly occurrences: Occurrence[];
  readonly instances: Set<string>;
  isEmpty: boolean;
};

function addBody(into: Growing, body: TelemetryBody, state: RolloutState): void {
  if (body.type === 'signals') {
    const known = body.occurrences.filter(({ metric }) => Object.hasOwn(state.plan.metrics, metric));
    into.occurrences.push(...known);
    into.isEmpty &&= known.length === 0;
    return;
  }
  const series = body.series.filter((one) => isOf(one, state));
  if (series.length === 0) return;
  for (const one of series) into.merged.add(one);
  into.instances.add(body.instance);
  into.isEmpty = false;
}

/** The evidence batch that an open batch makes when it is closed at `toAt`: one series per metric, arm, epoch and stratum. */
export function closeBatch(open: OpenBatch, seq: number, fromAt: number, toAt: number): EvidenceBatch {
  const { merged, occurrences, instances } = open;
  return {
    seq,
    fromAt,
    toAt,
    series: merged.toSeries(),
    ...(occurrences.length > 0 && { occurrences }),
    ...(instances.size > 0 && { instances: instances.size }),
  };
}

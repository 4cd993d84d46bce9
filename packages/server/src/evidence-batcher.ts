import type { TelemetrySeries } from '@rampart/api';
import {
  type EvidenceBatch,
  type EvidenceSeries,
  metricOfSeries,
  type Occurrence,
  type RolloutState,
} from '@rampart/rollout';
import { OTLP_SOURCE } from './otlp/conventions.ts';
import { SeriesSums } from './series-sums.ts';

/** A stored telemetry batch as one or more rollouts read it; `instance` is the SDK process, where one sent it. */
export type TelemetryBody =
  | {
      readonly type: 'telemetry';
      readonly instance?: string;
      readonly series: readonly TelemetrySeries[];
      readonly priceBook?: string;
      /** Sources that are there while nobody came. */
      readonly idle?: readonly string[];
    }
  /** From evaluators: they see no users come and go, so they are no process that reports them. */
  | { readonly type: 'scores'; readonly series: readonly TelemetrySeries[] }
  | { readonly type: 'signals'; readonly occurrences: readonly Occurrence[] }
  | PulledBody;

/**
 * What was pulled of one metric for one interval, epoch milliseconds. An interval that begins before the end of the one
 * before it is left out whole: two replicas, or one after a crash, cannot count the same growth twice.
 */
export type PulledBody = {
  readonly type: 'pulled';
  readonly metric: string;
  /** Absent: the source could not say anything of it, and `failure` says why. */
  readonly interval?: {
    readonly fromAt: number;
    readonly toAt: number;
    readonly series: readonly EvidenceSeries[];
    readonly occurrences: readonly Occurrence[];
  };
  /** Why the metric cannot be judged now (`EvidenceBatch.failures`); it lasts until a pull of the metric says otherwise. */
  readonly failure?: string;
};

/** Telemetry of one rollout that is not folded yet, merged as it arrives. */
export type OpenBatch = {
  /** Seq of the last telemetry batch in it; that of the last one folded while it is empty. */
  readonly throughSeq: number;
  readonly merged: SeriesSums;
  readonly occurrences: readonly Occurrence[];
  readonly instances: ReadonlySet<string>;
  readonly priceBooks: ReadonlySet<string>;
  /** Sources that were there and had nothing to report. */
  readonly idle: ReadonlySet<string>;
  readonly isEmpty: boolean;
  readonly carried: Carried;
  /** Version of the rollout at which a look found no reason to close it; absent while nobody has looked since it grew. */
  readonly mayWaitAt?: number;
};

/** What an open batch takes over from the one before it, by metric. */
export type Carried = {
  /** Why a metric cannot be judged now. */
  readonly failures: Readonly<Record<string, string>>;
  /** End of the last interval pulled, epoch milliseconds. */
  readonly pulledTo: Readonly<Record<string, number>>;
};

/** Nothing pulled yet. */
export const NOTHING_CARRIED: Carried = { failures: {}, pulledTo: {} };

/** An open batch with nothing in it. */
export function emptyBatch(throughSeq: number, carried = NOTHING_CARRIED): OpenBatch {
  const nothing = {
    occurrences: [],
    instances: new Set<string>(),
    priceBooks: new Set<string>(),
    idle: new Set<string>(),
  };
  return { throughSeq, merged: new SeriesSums(), ...nothing, isEmpty: true, carried };
}

const USERS: readonly string[] = ['assigned', 'reported'];

/** Whether a series is about this rollout, in an epoch it has had and a metric it judges from there. */
function isOf(
  series: Pick<TelemetrySeries, 'rollout' | 'epoch' | 'metric'>,
  state: RolloutState,
  isFromSdk: boolean,
): boolean {
  if (series.rollout !== state.id || series.epoch > state.epoch) return false;
  if (USERS.includes(series.metric)) return true;
  const name = metricOfSeries(series.metric);
  const metric = Object.hasOwn(state.plan.metrics, name) ? state.plan.metrics[name] : undefined;
  // Where a plan asks for OpenTelemetry, what the SDK saw of the same requests would count them twice.
  return metric !== undefined && !(isFromSdk && metric.source === OTLP_SOURCE);
}

/** A telemetry batch at its place in the store. */
type Row = { readonly seq: number; readonly body: TelemetryBody };

/** An open batch with more telemetry batches in it, in the order of `seq`. What is not of the rollout is left out. */
export function addTelemetry(open: OpenBatch, rows: readonly Row[], state: RolloutState): OpenBatch {
  // One copy for all rows. Nothing is added to sums that the caller keeps: were it, and the next read failed, these rows
  // would be read and added again.
  const { throughSeq, isEmpty, carried } = open;
  const into: Growing = {
    ...{ throughSeq, isEmpty, carried },
    merged: open.merged.copy(),
    occurrences: [...open.occurrences],
    instances: new Set(open.instances),
    priceBooks: new Set(open.priceBooks),
    idle: new Set(open.idle),
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
  readonly priceBooks: Set<string>;
  readonly idle: Set<string>;
  isEmpty: boolean;
  carried: Carried;
};

function addBody(into: Growing, body: TelemetryBody, state: RolloutState): void {
  if (body.type === 'signals') {
    const known = body.occurrences.filter(({ metric }) => Object.hasOwn(state.plan.metrics, metric));
    into.occurrences.push(...known);
    into.isEmpty &&= known.length === 0;
    return;
  }
  if (body.type === 'pulled') {
    addPulled(into, body, state);
    return;
  }
  const isFromSdk = body.type === 'telemetry' && body.instance !== undefined;
  if (body.type === 'telemetry' && body.idle !== undefined) {
    for (const source of body.idle) into.idle.add(source);
    into.isEmpty = false;
  }
  const series = body.series.filter((one) => isOf(one, state, isFromSdk));
  if (series.length === 0) return;
  for (const one of series) into.merged.add(one);
  into.isEmpty = false;
  if (body.type === 'scores') return;
  if (body.instance !== undefined) into.instances.add(body.instance);
  if (body.priceBook !== undefined) into.priceBooks.add(body.priceBook);
}

function addPulled(into: Growing, { metric, interval, failure }: PulledBody, state: RolloutState): void {
  const { failures, pulledTo } = into.carried;
  const { [metric]: known, ...others } = failures;
  if (!Object.hasOwn(state.plan.metrics, metric)) return;
  if (interval !== undefined && interval.fromAt < (pulledTo[metric] ?? Number.NEGATIVE_INFINITY)) return;
  const series = (interval?.series ?? []).filter((one) => isOf({ ...one, rollout: state.id }, state, false));
  for (const one of series) into.merged.add(one);
  const occurrences = interval?.occurrences ?? [];
  into.occurrences.push(...occurrences);
  // A source that answered with no growth is there; while it is caught up with, what it says is not of now.
  const source = interval !== undefined && failure === undefined ? state.plan.metrics[metric]?.source : undefined;
  if (source !== undefined) into.idle.add(source);
  into.isEmpty &&= series.length === 0 && occurrences.length === 0 && failure === known && source === undefined;
  into.carried = {
    failures: failure === undefined ? others : { ...others, [metric]: failure },
    pulledTo: interval === undefined ? pulledTo : { ...pulledTo, [metric]: interval.toAt },
  };
}

/** The evidence batch that an open batch makes when it is closed at `toAt`: one series per metric, arm, epoch and stratum. */
export function closeBatch(open: OpenBatch, seq: number, fromAt: number, toAt: number): EvidenceBatch {
  const { merged, occurrences, instances, priceBooks, idle } = open;
  const series = merged.toSeries();
  const failures = Object.entries(open.carried.failures).map(([metric, message]) => ({ metric, message }));
  return {
    seq,
    fromAt,
    toAt,
    series,
    // Beside series it would say nothing.
    ...(idle.size > 0 && series.length === 0 && { idle: [...idle] }),
    ...(occurrences.length > 0 && { occurrences }),
    ...(instances.size > 0 && { instances: instances.size }),
    ...(failures.length > 0 && { failures }),
    ...(priceBooks.size > 0 && { priceBooks: [...priceBooks] }),
  };
}

import type { TelemetrySeries } from '@rampart/api';
import {
  type EvidenceBatch,
  type EvidenceSeries,
  metricOfSeries,
  type Occurrence,
  type RolloutState,
} from '@rampart/rollout';

/** A stored telemetry batch as one or more rollouts read it. */
export type TelemetryBody =
  | {
      readonly type: 'telemetry';
      readonly instance: string;
      readonly series: readonly TelemetrySeries[];
      readonly priceBook?: string;
    }
  /** From evaluators: they see no users come and go, so they are no process that reports them. */
  | { readonly type: 'scores'; readonly series: readonly TelemetrySeries[] }
  | { readonly type: 'signals'; readonly occurrences: readonly Occurrence[] };

type Cell = { count: number; sum: number; sumSquares: number; readonly bins: Map<number, number> };
type Merged = Pick<EvidenceSeries, 'metric' | 'arm' | 'epoch' | 'stratum'> & {
  readonly hasBins: boolean;
  readonly cells: Map<number, Cell>;
};

/** Telemetry of one rollout that is not folded yet, merged as it arrives. */
export type OpenBatch = {
  /** Seq of the last telemetry batch in it; that of the last one folded while it is empty. */
  readonly throughSeq: number;
  readonly merged: ReadonlyMap<string, Merged>;
  readonly occurrences: readonly Occurrence[];
  readonly instances: ReadonlySet<string>;
  readonly priceBooks: ReadonlySet<string>;
  readonly isEmpty: boolean;
};

/** An open batch with nothing in it. */
export function emptyBatch(throughSeq: number): OpenBatch {
  return { throughSeq, merged: new Map(), occurrences: [], instances: new Set(), priceBooks: new Set(), isEmpty: true };
}

const USERS: readonly string[] = ['assigned', 'reported'];

/** Whether a series is about this rollout, in an epoch it has had and a metric it judges. */
function isOf(series: TelemetrySeries, state: RolloutState): boolean {
  if (series.rollout !== state.id || series.epoch > state.epoch) return false;
  return USERS.includes(series.metric) || Object.hasOwn(state.plan.metrics, metricOfSeries(series.metric));
}

/** An open batch with one more telemetry batch in it. What is not of the rollout is left out. */
export function addTelemetry(open: OpenBatch, seq: number, body: TelemetryBody, state: RolloutState): OpenBatch {
  if (body.type === 'signals') {
    const known = body.occurrences.filter(({ metric }) => Object.hasOwn(state.plan.metrics, metric));
    const isEmpty = open.isEmpty && known.length === 0;
    return { ...open, throughSeq: seq, occurrences: [...open.occurrences, ...known], isEmpty };
  }
  const series = body.series.filter((one) => isOf(one, state));
  if (series.length === 0) return { ...open, throughSeq: seq };
  const merged = new Map(open.merged);
  for (const one of series) mergeInto(merged, one);
  const added = { ...open, throughSeq: seq, merged, isEmpty: false };
  if (body.type === 'scores') return added;
  const { instance, priceBook } = body;
  return {
    ...added,
    instances: new Set([...open.instances, instance]),
    ...(priceBook !== undefined && { priceBooks: new Set([...open.priceBooks, priceBook]) }),
  };
}

/** Series with and without a histogram stay apart, so that a histogram always holds all of its series. */
function mergeInto(merged: Map<string, Merged>, series: TelemetrySeries): void {
  const { metric, arm, epoch, stratum } = series;
  const hasBins = series.bins !== undefined;
  const key = JSON.stringify([metric, arm, epoch, stratum, hasBins]);
  const cells = new Map(merged.get(key)?.cells);
  for (const [i, bucket] of series.bucket.entries()) cells.set(bucket, plus(cells.get(bucket), series, i));
  merged.set(key, { metric, arm, epoch, stratum, hasBins, cells });
}

function plus(before: Cell | undefined, series: TelemetrySeries, i: number): Cell {
  const bins = new Map(before?.bins);
  for (const [bin, count] of series.bins?.[i] ?? []) bins.set(bin, (bins.get(bin) ?? 0) + count);
  return {
    count: (before?.count ?? 0) + (series.count[i] ?? 0),
    sum: (before?.sum ?? 0) + (series.sum[i] ?? 0),
    sumSquares: (before?.sumSquares ?? 0) + (series.sumSquares[i] ?? 0),
    bins,
  };
}

function seriesOf({ metric, arm, epoch, stratum, hasBins, cells }: Merged): EvidenceSeries {
  const entries = [...cells].sort(([one], [other]) => one - other);
  const pick = (field: 'count' | 'sum' | 'sumSquares') => entries.map(([, cell]) => cell[field]);
  const pairs = ({ bins }: Cell) => [...bins].sort(([one], [other]) => one - other);
  return {
    metric,
    arm,
    epoch,
    stratum,
    bucket: entries.map(([bucket]) => bucket),
    count: pick('count'),
    sum: pick('sum'),
    sumSquares: pick('sumSquares'),
    ...(hasBins && { bins: entries.map(([, cell]) => pairs(cell)) }),
  };
}

/** The evidence batch that an open batch makes when it is closed at `toAt`: one series per metric, arm, epoch and stratum. */
export function closeBatch(open: OpenBatch, seq: number, fromAt: number, toAt: number): EvidenceBatch {
  const { merged, occurrences, instances, priceBooks } = open;
  return {
    seq,
    fromAt,
    toAt,
    series: [...merged.values()].map(seriesOf),
    ...(occurrences.length > 0 && { occurrences }),
    ...(instances.size > 0 && { instances: instances.size }),
    ...(priceBooks.size > 0 && { priceBooks: [...priceBooks] }),
  };
}

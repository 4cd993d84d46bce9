import type { Arm } from '@rampart/flags';
import type { EvidenceBatch, EvidenceSeries, UserCount } from '../evidence.ts';
import { armSums, type MetricBatch, type PreparedBatch, UNKNOWN, type UserSum, WIDTH } from './prepared-batch.ts';
import { emptyTally, total } from './tally.ts';

type Growing = {
  readonly n: number[];
  readonly x: number[];
  readonly xx: number[];
  bins?: { bucket: number[]; bin: number[]; count: number[] };
};
type Place = { readonly epoch: number; readonly stratum: number; readonly arms: Record<Arm, Growing | undefined> };

function growing(): Growing {
  return { n: emptyTally(WIDTH), x: emptyTally(WIDTH), xx: emptyTally(WIDTH) };
}

const NOTHING = armSums(growing());

function add(into: Growing, series: EvidenceSeries): void {
  series.bucket.forEach((bucket, index) => {
    const at = bucket >= 0 ? bucket : UNKNOWN;
    into.n[at] += series.count[index];
    into.x[at] += series.sum[index];
    into.xx[at] += series.sumSquares[index];
    for (const [bin, count] of series.bins?.[index] ?? []) {
      into.bins ??= { bucket: [], bin: [], count: [] };
      into.bins.bucket.push(at);
      into.bins.bin.push(bin);
      into.bins.count.push(count);
    }
  });
}

function metricOf(series: readonly EvidenceSeries[]): MetricBatch {
  const places = new Map<string, Place>();
  for (const one of series) {
    const { epoch, stratum } = one;
    const key = `${epoch}/${stratum}`;
    const place = places.get(key) ?? {
      epoch,
      stratum,
      arms: { treatment: undefined, control: undefined, targeted: undefined },
    };
    places.set(key, place);
    const sums = place.arms[one.arm] ?? growing();
    place.arms[one.arm] = sums;
    add(sums, one);
  }
  const all = [...places.values()];
  return {
    strata: all.map(({ epoch, stratum, arms }) => ({
      epoch,
      stratum,
      treatment: arms.treatment ? armSums(arms.treatment) : NOTHING,
      control: arms.control ? armSums(arms.control) : NOTHING,
    })),
    targeted: all.flatMap(({ epoch, arms: { targeted } }) => (targeted ? [{ epoch, sums: armSums(targeted) }] : [])),
  };
}

function usersOf(series: readonly EvidenceSeries[], metric: UserCount): readonly UserSum[] {
  return series
    .filter((one) => one.metric === metric)
    .map(({ arm, epoch, stratum, count }) => ({ arm, epoch, stratum, count: total(count) }));
}

/** A closed batch laid out for folding. */
export function prepareBatch(batch: EvidenceBatch): PreparedBatch {
  const { series, ...rest } = batch;
  const byMetric = Map.groupBy(series, (one) => one.metric);
  const metrics = [...byMetric].filter(([name]) => name !== 'assigned' && name !== 'reported');
  return {
    ...rest,
    hasSeries: series.length > 0,
    metrics: Object.fromEntries(metrics.map(([name, own]) => [name, metricOf(own)])),
    users: { assigned: usersOf(series, 'assigned'), reported: usersOf(series, 'reported') },
  };
}

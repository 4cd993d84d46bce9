import type { EvidenceBatch, EvidenceSeries } from '@rampart/rollout';
import type { Store } from '@rampart/server';

/** Sums of one metric, arm, epoch and stratum of one rollout. */
type Place = { readonly count: Float64Array; readonly sum: Float64Array; readonly bins: Map<number, number> };
type Series = Omit<EvidenceSeries, 'attempt'>;

const USER_BUCKETS = 64;

/** What was reported, cell by cell, so that it can be held against what a store has. */
export class CellLedger {
  readonly #places = new Map<string, Place>();

  /** Adds a series, `times` over. */
  add(rollout: string, series: Series, times = 1): void {
    const { metric, arm, epoch, stratum, bucket, count, sum, bins } = series;
    const place = this.#placeOf([rollout, metric, arm, epoch, stratum].join('/'));
    for (const [i, at] of bucket.entries()) {
      place.count[at] = (place.count[at] ?? 0) + times * (count[i] ?? 0);
      place.sum[at] = (place.sum[at] ?? 0) + times * (sum[i] ?? 0);
      for (const [bin, n] of bins?.[i] ?? []) place.bins.set(bin, (place.bins.get(bin) ?? 0) + times * n);
    }
  }

  /** Cells that differ between the two: counts and histograms exactly, sums up to the order of addition. */
  differences(other: CellLedger): number {
    const keys = new Set([...this.#places.keys(), ...other.#places.keys()]);
    return [...keys].reduce((total, key) => total + differing(this.#placeOf(key), other.#placeOf(key)), 0);
  }

  /** Observations of all metrics. */
  get observations(): number {
    const counts = [...this.#places.values()].flatMap(({ count }) => [...count]);
    return counts.reduce((total, count) => total + count, 0);
  }

  #placeOf(key: string): Place {
    const place = this.#places.get(key) ?? {
      count: new Float64Array(USER_BUCKETS),
      sum: new Float64Array(USER_BUCKETS),
      bins: new Map<number, number>(),
    };
    this.#places.set(key, place);
    return place;
  }
}

function differing(one: Place, other: Place): number {
  const isFar = (a: number, b: number) => Math.abs(a - b) > 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
  const cells = [...one.count.keys()].filter(
    (at) => one.count[at] !== other.count[at] || isFar(one.sum[at] ?? 0, other.sum[at] ?? 0),
  );
  const bins = new Set([...one.bins.keys(), ...other.bins.keys()]);
  return cells.length + [...bins].filter((bin) => one.bins.get(bin) !== other.bins.get(bin)).length;
}

/** Everything a store has of some rollouts: its closed batches, and the telemetry after the last of them. */
export async function ledgerOf(store: Store, rollouts: readonly string[]): Promise<CellLedger> {
  const ledger = new CellLedger();
  for (const rollout of rollouts) {
    for (const { value } of await store.evidenceAfter(rollout, 0)) {
      for (const series of (value as EvidenceBatch).series) ledger.add(rollout, series);
    }
    const folded = (await store.getCheckpoint(rollout))?.value as { readonly throughSeq: number } | undefined;
    for (const { body } of await store.telemetryAfter(rollout, folded?.throughSeq ?? 0, Number.MAX_SAFE_INTEGER)) {
      const { series } = body as { readonly series: readonly (Series & { readonly rollout: string })[] };
      for (const one of series) if (one.rollout === rollout) ledger.add(rollout, one);
    }
  }
  return ledger;
}

import type { TelemetrySeries } from '@rampart/api';
import type { Metric } from '@rampart/rollout';
import type { Place } from './arm-of.ts';
import type { Sums } from './sums-of-point.ts';

type Cell = { count: number; sum: number; sumSquares: number; readonly bins: Map<number, number> };
type Row = {
  readonly head: Omit<TelemetrySeries, Columns>;
  readonly hasBins: boolean;
  readonly cells: Map<number, Cell>;
};
type Columns = 'bucket' | 'count' | 'sum' | 'sumSquares' | 'bins';

/** Most different reasons of one request, and the length each is shown with: they quote what was sent. */
const MOST_REASONS = 20;
const LONGEST_REASON = 300;

function note(reasons: Map<string, number>, why: string): void {
  const short = why.slice(0, LONGEST_REASON);
  const key = reasons.has(short) || reasons.size < MOST_REASONS ? short : 'other reasons';
  reasons.set(key, (reasons.get(key) ?? 0) + 1);
}

/** What one request holds for the rollouts: sums by place and metric, and what was left out. */
export class Observations {
  readonly #rows = new Map<string, Row>();
  readonly #rejected = new Map<string, number>();
  readonly #warnings = new Map<string, number>();
  /** Points, records or spans that name no rollout, or nothing that one measures. */
  ignored = 0;

  /** Adds sums to a cell. */
  add(place: Place, metric: Metric, sums: Sums): void {
    const { bucket } = place;
    const { cells } = this.#rowOf(place, metric, sums.bins !== undefined);
    const cell = cells.get(bucket) ?? { count: 0, sum: 0, sumSquares: 0, bins: new Map() };
    cells.set(bucket, cell);
    cell.count += sums.count;
    cell.sum += sums.sum;
    cell.sumSquares += sums.sumSquares;
    for (const [bin, count] of sums.bins ?? []) cell.bins.set(bin, (cell.bins.get(bin) ?? 0) + count);
  }

  /** Counts a point, record or span that cannot be counted although it names a rollout. */
  reject(why: string): void {
    note(this.#rejected, why);
  }

  /** Notes why a point that is counted for one metric is not for another. */
  warn(why: string): void {
    note(this.#warnings, why);
  }

  /** Points, records and spans left out, and the reasons and warnings with their numbers. */
  get rejected(): { readonly count: number; readonly why: string } {
    const reasons = [...this.#rejected, ...this.#warnings].toSorted(([, one], [, other]) => other - one);
    const count = [...this.#rejected.values()].reduce((total, own) => total + own, 0);
    return { count, why: reasons.map(([why, own]) => `${own}: ${why}`).join('; ') };
  }

  /** The sums as telemetry carries them. */
  get series(): readonly TelemetrySeries[] {
    return [...this.#rows.values()].map(({ head, hasBins, cells }) => {
      const entries = [...cells].sort(([one], [other]) => one - other);
      const pick = (field: 'count' | 'sum' | 'sumSquares') => entries.map(([, cell]) => cell[field]);
      return {
        ...head,
        bucket: entries.map(([bucket]) => bucket),
        ...{ count: pick('count'), sum: pick('sum'), sumSquares: pick('sumSquares') },
        ...(hasBins && { bins: entries.map(([, { bins }]) => [...bins].sort(([one], [other]) => one - other)) }),
      };
    });
  }

  #rowOf({ rollout, attempt, epoch, stratum, arm }: Place, { name: metric }: Metric, hasBins: boolean): Row {
    const head = { flag: rollout.plan.flag, rollout: rollout.id, attempt, epoch, stratum, arm, metric };
    const key = JSON.stringify([head, hasBins]);
    const row = this.#rows.get(key) ?? { head, hasBins, cells: new Map() };
    this.#rows.set(key, row);
    return row;
  }
}

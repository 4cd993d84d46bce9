import type { TelemetrySeries } from '@rampart/api';
import type { Metric } from '@rampart/rollout';
import type { Place } from './arm-of.ts';
import { HistogramPile } from './histogram-pile.ts';
import type { HistogramValue, Sums } from './sums-of-point.ts';

/** How a histogram is added: into bins, by its sums alone, or as one of two parts of which every value is made. */
type HistogramUse = 'bins' | 'sums' | 'part' | 'further-part';

/** A histogram for a metric; `factor` takes its unit to that of the metric. */
type AddedHistogram = { readonly value: HistogramValue; readonly factor: number; readonly use: HistogramUse };

type Cell = {
  count: number;
  sum: number;
  sumSquares: number;
  readonly bins: Map<number, number>;
  /** Histograms, which become sums at the end. */
  readonly piles: Map<HistogramUse, HistogramPile>;
};
type Row = {
  readonly head: Omit<TelemetrySeries, 'bucket' | 'count' | 'sum' | 'sumSquares' | 'bins'>;
  readonly hasBins: boolean;
  readonly cells: Map<number, Cell>;
};

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
  readonly #present = new Map<string, Set<string>>();
  /** Points, records or spans that name no rollout, or nothing that one measures. */
  ignored = 0;

  /** Adds sums to a cell. */
  add(place: Place, metric: Metric, sums: Sums): void {
    addSums(this.#cellOf(place, metric, sums.bins !== undefined), sums);
  }

  /** Adds a histogram to a cell. */
  addHistogram(place: Place, metric: Metric, { value, factor, use }: AddedHistogram): void {
    const { piles } = this.#cellOf(place, metric, use === 'bins');
    const pile = piles.get(use) ?? new HistogramPile();
    piles.set(use, pile);
    pile.add(value, factor);
  }

  /** Notes that a source of a rollout is there now, whether or not it has counted anything since. */
  notePresent(rollout: string, source: string): void {
    const sources = this.#present.get(rollout) ?? new Set();
    this.#present.set(rollout, sources.add(source));
  }

  /** Sources that were there, by rollout. */
  get present(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#present;
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
      const entries = [...cells]
        .sort(([one], [other]) => one - other)
        .map(([bucket, cell]) => [bucket, closed(cell)] as const);
      const pick = (field: 'count' | 'sum' | 'sumSquares') => entries.map(([, cell]) => cell[field]);
      return {
        ...head,
        bucket: entries.map(([bucket]) => bucket),
        ...{ count: pick('count'), sum: pick('sum'), sumSquares: pick('sumSquares') },
        ...(hasBins && { bins: entries.map(([, { bins }]) => [...bins].sort(([one], [other]) => one - other)) }),
      };
    });
  }

  #cellOf({ rollout, attempt, epoch, stratum, arm, bucket }: Place, { name: metric }: Metric, hasBins: boolean): Cell {
    const head = { flag: rollout.plan.flag, rollout: rollout.id, attempt, epoch, stratum, arm, metric };
    const key = `${rollout.id}\n${metric}\n${epoch}\n${stratum}\n${arm}\n${hasBins}`;
    const row = this.#rows.get(key) ?? { head, hasBins, cells: new Map<number, Cell>() };
    this.#rows.set(key, row);
    const cell = row.cells.get(bucket) ?? { ...NOTHING, bins: new Map(), piles: new Map() };
    row.cells.set(bucket, cell);
    return cell;
  }
}

const NOTHING = { count: 0, sum: 0, sumSquares: 0 };

function addSums(cell: Cell, { count, sum, sumSquares, bins }: Sums): void {
  cell.count += count;
  cell.sum += sum;
  cell.sumSquares += sumSquares;
  for (const [bin, own] of bins ?? []) cell.bins.set(bin, (cell.bins.get(bin) ?? 0) + own);
}

/** A cell with its histograms in its sums. */
function closed(cell: Cell): Cell {
  const whole: Cell = { ...cell, bins: new Map(cell.bins), piles: new Map() };
  for (const [use, pile] of cell.piles) {
    const { bins, ...sums } = pile.sums;
    if (use === 'bins') addSums(whole, { ...sums, bins });
    else if (use === 'sums') addSums(whole, sums);
    // (a + b)² is at most 2a² + 2b²: the spread of a sum of two parts is never taken for smaller than it is.
    else addSums(whole, { ...sums, count: use === 'part' ? sums.count : 0, sumSquares: 2 * sums.sumSquares });
  }
  return whole;
}

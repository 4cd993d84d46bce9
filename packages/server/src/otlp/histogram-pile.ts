import { upperEdgeOf } from '@rampart/rollout';
import { binsOf, type HistogramValue, type Sums } from './sums-of-point.ts';

type Explicit = Extract<HistogramValue, { kind: 'explicit' }>;
type Layer = { readonly bounds: readonly number[]; readonly factor: number; readonly counts: number[] };

/** Histograms laid on one another: those of the same bounds are added up first, and spread over log bins once. */
export class HistogramPile {
  readonly #layers = new Map<string, Layer>();
  readonly #bins = new Map<number, number>();
  #count = 0;
  #sum = 0;

  /** Adds a histogram; `factor` takes its unit to that of the metric. */
  add(value: HistogramValue, factor: number): void {
    this.#count += value.count;
    this.#sum += sumOf(value, factor);
    if (value.kind === 'explicit') this.#addExplicit(value, factor);
    else addBins(this.#bins, binsOf(value, factor));
  }

  #addExplicit({ bounds, counts }: Explicit, factor: number): void {
    const key = `${factor} ${bounds.join(' ')}`;
    const layer = this.#layers.get(key) ?? { bounds, factor, counts: new Array<number>(bounds.length + 1).fill(0) };
    this.#layers.set(key, layer);
    for (const [i, count] of counts.entries()) layer.counts[i] = (layer.counts[i] ?? 0) + count;
  }

  /**
   * Its sums. Squares are not on record: they are taken at the upper edges of the bins, at most 9 % too much within a bin,
   * so that a spread is never taken for smaller than it is.
   */
  get sums(): Sums & { readonly bins: ReadonlyMap<number, number> } {
    const bins = new Map(this.#bins);
    for (const { bounds, factor, counts } of this.#layers.values()) {
      addBins(bins, binsOf({ kind: 'explicit', count: 0, bounds, counts }, factor));
    }
    const squares = [...bins].reduce((total, [bin, count]) => total + count * upperEdgeOf(bin) ** 2, 0);
    const least = this.#count === 0 ? 0 : this.#sum ** 2 / this.#count;
    return { count: this.#count, sum: this.#sum, sumSquares: Math.max(squares, least), bins };
  }
}

function addBins(into: Map<number, number>, bins: ReadonlyMap<number, number>): void {
  for (const [bin, count] of bins) into.set(bin, (into.get(bin) ?? 0) + count);
}

/** Sum of the values; where it was not sent, as if each stood at the upper edge of its bin. */
function sumOf(value: HistogramValue, factor: number): number {
  if (value.sum !== undefined) return value.sum * factor;
  return [...binsOf(value, factor)].reduce((total, [bin, count]) => total + count * upperEdgeOf(bin), 0);
}

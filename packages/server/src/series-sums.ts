import { type EvidenceSeries, LOWEST_BIN, USER_BUCKETS } from '@rampart/rollout';

/** Place of observations whose users are unknown (bucket -1), after the 64 user buckets. */
const UNKNOWN = USER_BUCKETS;
const WIDTH = USER_BUCKETS + 1;
/** Room at both ends of a histogram, so that it is not copied at every new bin. */
const SPARE_BINS = 8;

/** Counts of neighbouring bins; the first is that of `from`. */
type Bins = { readonly from: number; readonly counts: Float64Array };

/** Sums of one metric in one arm, epoch and stratum, by user bucket. */
type Sums = Pick<EvidenceSeries, 'metric' | 'arm' | 'epoch' | 'stratum'> & {
  readonly present: Uint8Array;
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly sumSquares: Float64Array;
  readonly bins?: (Bins | undefined)[];
};

/**
 * Series merged into one per metric, arm, epoch and stratum. Their size depends on how many of these there are, not on how
 * many series were added. Series with and without a histogram stay apart, so that a histogram always holds all of its series.
 */
export class SeriesSums {
  readonly #all: Map<string, Sums>;

  constructor(all: ReadonlyMap<string, Sums> = new Map()) {
    this.#all = new Map(all);
  }

  /** The same sums, to be added to without changing these. */
  copy(): SeriesSums {
    return new SeriesSums(new Map([...this.#all].map(([key, sums]) => [key, copyOf(sums)])));
  }

  add(series: EvidenceSeries): void {
    const { present, count, sum, sumSquares, bins } = this.#sumsOf(series);
    for (let i = 0; i < series.bucket.length; i += 1) {
      const bucket = series.bucket[i] ?? -1;
      const at = bucket >= 0 ? bucket : UNKNOWN;
      present[at] = 1;
      count[at] = (count[at] ?? 0) + (series.count[i] ?? 0);
      sum[at] = (sum[at] ?? 0) + (series.sum[i] ?? 0);
      sumSquares[at] = (sumSquares[at] ?? 0) + (series.sumSquares[i] ?? 0);
      if (bins !== undefined) bins[at] = withPairs(bins[at], series.bins?.[i] ?? []);
    }
  }

  toSeries(): readonly EvidenceSeries[] {
    return [...this.#all.values()].map(seriesOf);
  }

  #sumsOf({ metric, arm, epoch, stratum, bins }: EvidenceSeries): Sums {
    const key = `${metric}\n${arm}\n${epoch}\n${stratum}\n${bins !== undefined}`;
    const known = this.#all.get(key);
    if (known !== undefined) return known;
    const numbers = () => new Float64Array(WIDTH);
    const sums: Sums = {
      ...{ metric, arm, epoch, stratum, present: new Uint8Array(WIDTH) },
      ...{ count: numbers(), sum: numbers(), sumSquares: numbers() },
      ...(bins !== undefined && { bins: new Array<undefined>(WIDTH).fill(undefined) }),
    };
    this.#all.set(key, sums);
    return sums;
  }
}

function copyOf(sums: Sums): Sums {
  return {
    ...sums,
    present: sums.present.slice(),
    count: sums.count.slice(),
    sum: sums.sum.slice(),
    sumSquares: sums.sumSquares.slice(),
    ...(sums.bins && { bins: sums.bins.map((own) => own && { from: own.from, counts: own.counts.slice() }) }),
  };
}

/** Adds to the counts in place where they reach far enough. */
function withPairs(own: Bins | undefined, pairs: readonly (readonly [number, number])[]): Bins | undefined {
  if (pairs.length === 0) return own;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [bin] of pairs) {
    if (bin < least) least = bin;
    if (bin > most) most = bin;
  }
  const { from, counts } = reaching(own, least, most);
  for (const [bin, count] of pairs) counts[bin - from] = (counts[bin - from] ?? 0) + count;
  return { from, counts };
}

function reaching(own: Bins | undefined, least: number, most: number): Bins {
  const end = own === undefined ? least : own.from + own.counts.length;
  if (own !== undefined && least >= own.from && most < end) return own;
  const from = Math.max(LOWEST_BIN, Math.min(own?.from ?? least, least - SPARE_BINS));
  const counts = new Float64Array(Math.max(end, most + 1 + SPARE_BINS) - from);
  if (own !== undefined) counts.set(own.counts, own.from - from);
  return { from, counts };
}

function seriesOf({ metric, arm, epoch, stratum, present, count, sum, sumSquares, bins }: Sums): EvidenceSeries {
  const places: number[] = [];
  // Unknown users come first, as the smallest bucket.
  if (present[UNKNOWN] === 1) places.push(UNKNOWN);
  for (let at = 0; at < USER_BUCKETS; at += 1) if (present[at] === 1) places.push(at);
  const pick = (column: Float64Array) => places.map((at) => column[at] ?? 0);
  return {
    ...{ metric, arm, epoch, stratum },
    bucket: places.map((at) => (at === UNKNOWN ? -1 : at)),
    ...{ count: pick(count), sum: pick(sum), sumSquares: pick(sumSquares) },
    ...(bins && { bins: places.map((at) => pairsOf(bins[at])) }),
  };
}

function pairsOf(own: Bins | undefined): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  if (own === undefined) return pairs;
  for (let i = 0; i < own.counts.length; i += 1) {
    const count = own.counts[i] ?? 0;
    if (count > 0) pairs.push([own.from + i, count]);
  }
  return pairs;
}

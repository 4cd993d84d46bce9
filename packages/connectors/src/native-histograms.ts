import type { PrometheusSeries } from './prometheus-api.ts';

/** One bucket of a native histogram: `count` values between two edges. */
type Bucket = { readonly low: number; readonly high: number; readonly count: number };
/** A native histogram as scraped at an instant, epoch milliseconds. */
type Sample = { readonly at: number; readonly count: number; readonly buckets: readonly Bucket[] };

/**
 * A series of native histograms as the `_bucket` series of a classic one: cumulative counters by upper edge (`le`), at every
 * edge that all of its samples have. Its resolution may change from one scrape to the next; an edge inside a bucket of some
 * sample is left out, so that what grows is only what was observed. `histograms` as the API of Prometheus gives them.
 */
export function classicSeriesOf(
  labels: PrometheusSeries['labels'],
  histograms: readonly unknown[],
): readonly PrometheusSeries[] {
  const samples = histograms.flatMap(sampleOf);
  const all = samples.flatMap(({ buckets }) => buckets);
  const candidates = new Set(all.flatMap(({ low, high }) => [low, high]));
  const edges = [...candidates].filter((edge) => !all.some(({ low, high }) => low < edge && edge < high));
  const finite = edges.filter(Number.isFinite).sort((one, other) => one - other);
  const upTo = (edge: number, { buckets }: Sample) =>
    buckets.reduce((sum, { high, count }) => (high <= edge ? sum + count : sum), 0);
  return [
    ...finite.map((edge) => ({
      labels: { ...labels, le: String(edge) },
      samples: samples.map((sample) => [sample.at, upTo(edge, sample)] as const),
    })),
    { labels: { ...labels, le: '+Inf' }, samples: samples.map(({ at, count }) => [at, count] as const) },
  ];
}

/** Pairs of an instant in seconds and a histogram whose numbers are texts; what is none is left out. */
function sampleOf(pair: unknown): readonly Sample[] {
  if (!Array.isArray(pair)) return [];
  const [seconds, histogram]: readonly unknown[] = pair;
  if (typeof seconds !== 'number' || typeof histogram !== 'object' || histogram === null) return [];
  const { count, buckets = [] }: { readonly count?: unknown; readonly buckets?: unknown } = histogram;
  const total = Number(count);
  if (!Number.isFinite(total) || !Array.isArray(buckets)) return [];
  return [{ at: Math.round(seconds * 1000), count: total, buckets: buckets.flatMap(bucketOf) }];
}

/** A bucket as [rule of its edges, low, high, count]. Which edge belongs to it is below the resolution of evidence. */
function bucketOf(item: unknown): readonly Bucket[] {
  if (!Array.isArray(item)) return [];
  const [low = Number.NaN, high = Number.NaN, count = Number.NaN] = item.slice(1).map(Number);
  return Number.isNaN(low + high + count) ? [] : [{ low, high, count }];
}

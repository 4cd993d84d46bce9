import type { Arm } from '@rampart/flags';

/**
 * Edges per octave of the log histogram: bin `i` holds values in (2^(i/16), 2^((i+1)/16)], a relative width of 4.4 %
 * (an OpenTelemetry exponential histogram of scale 4). Values of 0 and below go to `LOWEST_BIN`.
 */
export const BINS_PER_OCTAVE = 16;
/** The bin of every value below 2^-40. */
export const LOWEST_BIN = -40 * BINS_PER_OCTAVE;

/** Number of hash buckets of users; sums per bucket make every check cluster-robust (`reference: statistics f2`). */
export const USER_BUCKETS = 64;

/** Pseudo-metrics of the SDK: users first evaluated, and users with at least one measured outcome. Counted once per user, epoch and process. */
export type UserCount = 'assigned' | 'reported';

/**
 * Sufficient statistics of one metric in one arm and stratum between two instants, one entry per user bucket that had
 * data (parallel arrays). A disjoint increment: each observation is in exactly one series, ever.
 */
export type EvidenceSeries = {
  readonly metric: string;
  readonly arm: Arm;
  readonly epoch: number;
  /** Split weight that applied, in thousandths of a percent. Arms are compared within (epoch, stratum) only. */
  readonly stratum: number;
  /** User bucket of each entry in [0, 64); -1 where the source cannot say who the users are. */
  readonly bucket: readonly number[];
  /** Observations (requests, queries) per entry. */
  readonly count: readonly number[];
  /** Sum of observed values; for a proportion the number of bad events. */
  readonly sum: readonly number[];
  readonly sumSquares: readonly number[];
  /** Histogram per entry as [bin, count] pairs, for metrics aggregated as histograms. */
  readonly bins?: readonly (readonly (readonly [number, number])[])[];
};

/**
 * Series about how a metric was measured, beside its own and under a name no metric can have: `unmeasured` counts
 * measurements that failed, `sampling` sums the share of answers scored, one per score, `cost` sums what judging cost, in USD.
 */
export type Companion = 'unmeasured' | 'sampling' | 'cost';

/** Name of a companion series: `faithfulness#cost`. */
export function companionOf(metric: string, companion: Companion): string {
  return `${metric}#${companion}`;
}

/** The metric that a series is about: its own name, or the one it accompanies. */
export function metricOfSeries(name: string): string {
  const end = name.indexOf('#');
  return end < 0 ? name : name.slice(0, end);
}

/** A closed batch of evidence: what arrived for one rollout since the batch before it. */
export type EvidenceBatch = {
  /** 1, 2, … per rollout; folded in this order, each once. */
  readonly seq: number;
  /** Instants between which the evidence arrived; `toAt` of a batch is `fromAt` of the next. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly series: readonly EvidenceSeries[];
  /** Occurrences of count metrics (complaints, tickets) with their own instants. */
  readonly occurrences?: readonly Occurrence[];
  /** SDK processes that reported; users seen by several are counted by each of them. */
  readonly instances?: number;
  /** Metrics whose source does not give what it should now, with the reason: an error, or no data (`noDataFailure`). */
  readonly failures?: readonly { readonly metric: string; readonly message: string }[];
  /**
   * Sources, by the name metrics have them under, that were there and had nothing to report: zero events from a live source is
   * 0, not silence (semantics §2). An SDK says so only where nobody was evaluated.
   */
  readonly idle?: readonly string[];
  /** Price books that costs in it were worked out by. */
  readonly priceBooks?: readonly string[];
  /** The look it was folded at: its instant, and the rollout's version before it. A server always says it, so that a replay is exact. */
  readonly look?: { readonly at: number; readonly version: number };
};

const NO_DATA = 'no data: ';

/** The message of a failure that is no error: the source answers, and has nothing of the metric. Its checks stand at `no-data`. */
export function noDataFailure(why: string): string {
  return NO_DATA + why;
}

/** Why there is no data, where that is what the message of a failure says. */
export function noDataReason(message: string): string | undefined {
  return message.startsWith(NO_DATA) ? message.slice(NO_DATA.length) : undefined;
}

/** Something that happened `count` times at an instant: a complaint, a ticket. */
export type Occurrence = { readonly metric: string; readonly at: number; readonly count: number };

/** Bin of a value (see `BINS_PER_OCTAVE`). */
export function binOf(value: number): number {
  if (!(value > 0)) return LOWEST_BIN;
  return Math.max(LOWEST_BIN, Math.ceil(Math.log2(value) * BINS_PER_OCTAVE) - 1);
}

/** Upper edge of a bin: every value in it is at most this. */
export function upperEdgeOf(bin: number): number {
  return 2 ** ((bin + 1) / BINS_PER_OCTAVE);
}

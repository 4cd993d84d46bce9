import { metricOfSeries, type TelemetryBatch, type TelemetrySeries } from '@rampart/api/wire';
import { userBucketOf } from '@rampart/flags';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import type { EventHub } from './event.ts';
import { ASSIGNED, REPORTED, SeenUsers } from './seen-users.ts';
import type { Slot } from './slot.ts';
import { TelemetrySender } from './telemetry-sender.ts';
import { SeriesTable } from './telemetry-series.ts';

/** Most numbers in one batch (about 300 kB of JSON); a flush with more becomes several batches. */
const NUMBERS_PER_BATCH = 40_000;
/** Numbers a series costs before its entries: names and the like. */
const SERIES_OVERHEAD = 20;
/** Longest wait of `close` for telemetry to be delivered, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2000;

/** A user in a place, found by one evaluation. */
export type Assignment = {
  readonly slot: Slot;
  /** Undefined when the context names no unit: only audiences, never a random split, take such contexts. */
  readonly unit: string | undefined;
};

/** `isLast`: the process ends. `evaluated`: what it evaluates the flags of drills to. */
type Cut = { readonly isLast?: boolean; readonly evaluated?: Readonly<Record<string, boolean>> };

/** What telemetry needs from its surroundings. */
export type TelemetryOptions = {
  readonly connection: Connection;
  readonly events: EventHub;
  readonly random: () => number;
  /** Name and version of the SDK. */
  readonly sdk: string;
  /** Interval of flushes now; it may change with the ruleset. */
  readonly flushIntervalMs: () => number;
  /** Revision evaluated by now; 0 before the first ruleset. */
  readonly revision: () => number;
  /** Whether a rollout is in the ruleset now. */
  readonly serves: (rollout: string) => boolean;
  readonly seen?: SeenUsers;
  readonly table?: SeriesTable;
};

/** Sums up who was placed where and how it went, and delivers the sums. */
export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #clock: Clock;
  readonly #seen: SeenUsers;
  readonly #table: SeriesTable;
  readonly #sender: TelemetrySender;
  #cancelFlush: () => void = () => undefined;
  #flushAtMs = Number.POSITIVE_INFINITY;
  #fromAt: number;
  #batches = 0;
  #toldRevision = 0;
  #dropped = 0;
  #closed = false;
  #priceBook: string | undefined;
  /** Rollouts evaluated so far, and those evaluated since the last cut. */
  readonly #known = new Set<string>();
  #met = new Set<string>();

  constructor(options: TelemetryOptions) {
    this.#options = options;
    this.#clock = options.connection.clock;
    this.#seen = options.seen ?? new SeenUsers();
    this.#table = options.table ?? new SeriesTable();
    this.#fromAt = Math.trunc(this.#clock.now());
    this.#sender = new TelemetrySender(options.connection, options.events, options.random, (batch) =>
      this.#table.drop(observationsIn(batch)),
    );
  }

  /** Flushes regularly from now on. The first time comes early and at random: processes started together spread out. */
  start(): void {
    this.#flushAfter(this.#options.random() * this.#options.flushIntervalMs());
  }

  /** Brings the next flush forward where the interval became shorter; at random, as all processes hear of it together. */
  adapt(): void {
    const intervalMs = this.#options.flushIntervalMs();
    if (this.#closed || this.#flushAtMs - this.#clock.monotonicMs() <= intervalMs) return;
    this.#cancelFlush();
    this.#flushAfter(this.#options.random() * intervalMs);
  }

  /** Observations lost so far. */
  get dropped(): number {
    return this.#dropped + this.#table.dropped;
  }

  /** Counts a user as placed, once per flag and epoch. */
  assigned(assignment: Assignment): void {
    this.#met.add(assignment.slot.place.rollout);
    this.#countUser(assignment, 'assigned', ASSIGNED);
  }

  /** Counts a user as one whose outcome is known, once per flag and epoch. */
  reported(assignment: Assignment): void {
    this.#countUser(assignment, 'reported', REPORTED);
  }

  /** Adds an observation, if the rollout judges this metric or the one it accompanies. */
  observe(assignment: Assignment, metric: string, value: number): void {
    const { slot } = assignment;
    this.#met.add(slot.place.rollout);
    if (this.#closed || !Object.hasOwn(slot.metrics, metricOfSeries(metric))) return;
    // A companion is no metric of its own: it is summed.
    this.#table.add(slot, metric, slot.metrics[metric] ?? 'sum', bucketOf(assignment), value);
  }

  /** Names the price book that costs are worked out by from now on. */
  set priceBook(version: string) {
    this.#priceBook = version;
  }

  /** Counts observations that cannot be used. */
  drop(count: number): void {
    if (!this.#closed) this.#table.drop(count);
  }

  /** Tells at once what this process evaluates the flags of drills to. */
  confirm(evaluated: Readonly<Record<string, boolean>>): void {
    if (this.#closed || !this.#sender.hasRoom) return;
    this.#cut({ evaluated });
    if (!this.#sender.isBackingOff) void this.#sender.drain();
  }

  /** Delivers everything recorded so far. True when the server has it all; false when it is still being retried. */
  flush(): Promise<boolean> {
    if (this.#sender.hasRoom) this.#cut();
    return this.#sender.drain();
  }

  /** Delivers what it can within 2 s, tells that this process is gone, and stops. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelFlush();
    let cancel: () => void = () => undefined;
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#clock.after(CLOSE_TIMEOUT_MS, 'close', resolve);
    });
    // Two tries: a connection that the server had closed while idle fails once.
    this.#cut({ isLast: true });
    const delivered = this.#sender.drain().then((done) => done || this.#sender.drain());
    await Promise.race([delivered, timeout]);
    cancel();
    this.#sender.stop();
    for (const batch of this.#sender.waiting) this.#dropped += observationsIn(batch);
  }

  #countUser(assignment: Assignment, metric: 'assigned' | 'reported', mark: number): void {
    if (this.#closed || assignment.unit === undefined) return;
    const { slot, unit } = assignment;
    if (!this.#seen.isFirst(slot.track, unit, mark)) return;
    this.#table.add(slot, metric, 'sum', bucketOf(assignment), 1);
  }

  #flushAfter(delayMs: number): void {
    this.#flushAtMs = this.#clock.monotonicMs() + delayMs;
    this.#cancelFlush = this.#clock.after(delayMs, 'flush', () => {
      this.#flushAfter(this.#options.flushIntervalMs());
      if (this.#sender.hasRoom) this.#cut();
      if (!this.#sender.isBackingOff) void this.#sender.drain();
    });
  }

  /** Rollouts known to this process that nobody was evaluated for since the last cut; none where older batches wait, or it ends. */
  #idle(isLast: boolean): readonly string[] {
    const met = this.#met;
    this.#met = new Set();
    for (const rollout of met) this.#known.add(rollout);
    if (isLast || this.#sender.waiting.length > 0) return [];
    for (const rollout of this.#known) if (!this.#options.serves(rollout)) this.#known.delete(rollout);
    return [...this.#known].filter((rollout) => !met.has(rollout));
  }

  /** Closes the sums so far into batches. While too many wait it is not called and summing goes on: nothing is lost, only coarser. */
  #cut({ isLast = false, evaluated }: Cut = {}): void {
    const revision = this.#options.revision();
    const { series, dropped } = this.#table.take();
    const idle = this.#idle(isLast);
    const isNews =
      series.length > 0 || dropped > 0 || idle.length > 0 || revision !== this.#toldRevision || evaluated !== undefined;
    if (!isLast && !isNews) return;
    this.#dropped += dropped;
    const fromAt = this.#fromAt;
    // A clock that was set back must not give an interval that ends before it starts.
    const toAt = Math.max(fromAt, Math.trunc(this.#clock.now()));
    this.#fromAt = toAt;
    this.#toldRevision = revision;
    const { connection, sdk } = this.#options;
    const parts = split(series);
    for (const [index, part] of parts.entries()) {
      this.#batches += 1;
      const batchId = `${connection.instance}-${this.#batches}`;
      this.#sender.enqueue({
        ...{ schema: 1, batchId, instance: connection.instance, sequence: this.#batches },
        ...{ sdk, fromAt, toAt, revision },
        ...(this.#priceBook !== undefined && { priceBook: this.#priceBook }),
        ...(idle.length > 0 && index === 0 && { idle }),
        ...(evaluated !== undefined && index === 0 && { evaluated }),
        ...{ dropped: index === 0 ? dropped : 0, series: part },
        ...(isLast && index === parts.length - 1 && { closing: true as const }),
      });
    }
  }
}

/** User bucket of an assignment, in [0, 64). */
export function bucketOf(assignment: Assignment): number {
  // Without a unit all share one bucket: treated as one user, they can only make a verdict more careful.
  return assignment.unit === undefined ? 0 : userBucketOf(assignment.unit);
}

function split(series: readonly TelemetrySeries[]): readonly (readonly TelemetrySeries[])[] {
  const parts: TelemetrySeries[][] = [[]];
  let weight = 0;
  for (const each of series) {
    const cost = weightOf(each);
    if (weight > 0 && weight + cost > NUMBERS_PER_BATCH) {
      parts.push([]);
      weight = 0;
    }
    parts.at(-1)?.push(each);
    weight += cost;
  }
  return parts;
}

function weightOf(series: TelemetrySeries): number {
  const bins = series.bins?.reduce((sum, pairs) => sum + 2 * pairs.length, 0) ?? 0;
  return SERIES_OVERHEAD + 4 * series.bucket.length + bins;
}

function observationsIn(batch: TelemetryBatch): number {
  return batch.series.reduce((sum, series) => sum + series.count.reduce((total, count) => total + count, 0), 0);
}

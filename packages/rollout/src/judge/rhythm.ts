import { originOf } from '../baseline/origin.ts';
import type { Metric } from '../plan.ts';
import { type Baseline, type BaselineMetric, WEEK_SLOTS, type WeekProfile } from '../verdict.ts';

const HOUR_MS = 3_600_000;
const HOURS_OF_DAY = 24;
const SLOTS = Array.from({ length: WEEK_SLOTS }, (_, slot) => slot);
/** Events that stand for "as always" in every slot: an hour with few of its own says little about itself. */
const PRIOR_EVENTS = 100;

/** Factor on a baseline's value at an instant on the plan's clock: how that hour of the week compares with all of them. */
export type Rhythm = (at: number) => number;

/** Slot of an instant on the plan's clock in a `WeekProfile`. */
export function slotOf(at: number): number {
  const hour = Math.floor(at / HOUR_MS);
  return ((hour % WEEK_SLOTS) + WEEK_SLOTS) % WEEK_SLOTS;
}

type Sums = { readonly n: number; readonly x: number; readonly seenMs: number };

function sumOf({ n, x, seenMs }: WeekProfile, slots: readonly number[]): Sums {
  const total = (values: readonly number[]) => slots.reduce((sum, slot) => sum + values[slot], 0);
  return { n: total(n), x: total(x), seenMs: total(seenMs) };
}

/** What a slot is known by: its own hour, else the same hour of the days that were seen. */
function sumsAt(week: WeekProfile, slot: number): Sums {
  const own = sumOf(week, [slot]);
  if (own.seenMs >= HOUR_MS / 2) return own;
  const sameHour = Array.from(
    { length: WEEK_SLOTS / HOURS_OF_DAY },
    (_, day) => (slot % HOURS_OF_DAY) + day * HOURS_OF_DAY,
  );
  return sumOf(week, sameHour);
}

/** Observations that a slot would have if every hour were as busy. */
function evenPart({ seenMs }: Sums, all: Sums): number {
  return (all.n * seenMs) / all.seenMs;
}

/**
 * What part of the usual is expected at an instant at which nobody came: nothing in an hour of the week that was never seen, or
 * was seen without events, so that an hour that is always idle is no fall of traffic. Never drawn towards 1.
 */
export function idleRhythmOf({ value, week }: BaselineMetric): Rhythm {
  if (week === undefined) return () => 0;
  return (at) => {
    const { n, seenMs } = sumOf(week, [slotOf(at)]);
    return seenMs < HOUR_MS / 2 || value <= 0 ? 0 : Math.min(1, (n * 1000) / (value * seenMs));
  };
}

/**
 * The rhythm of a frozen baseline, so that it is replayed at the same hour of the week (statistics a4): of shares and rates,
 * where they were observed by hour. Slots with few events are drawn towards 1, slots never seen are 1.
 */
export function rhythmOf({ kind }: Metric, baseline: BaselineMetric | undefined): Rhythm | undefined {
  if (baseline?.week === undefined || (kind !== 'proportion' && kind !== 'rate' && kind !== 'count')) return undefined;
  const { week, value } = baseline;
  const all = sumOf(week, SLOTS);
  const factors = SLOTS.map((slot) => {
    const own = sumsAt(week, slot);
    if (own.seenMs < HOUR_MS / 2) return 1;
    const [events, expected] = kind === 'proportion' ? [own.x, value * own.n] : [own.n, evenPart(own, all)];
    return (events + PRIOR_EVENTS) / (expected + PRIOR_EVENTS);
  });
  return (at) => factors[slotOf(at)];
}

/**
 * Tells sums by the hours of one baseline from those of another. A metric that a later version keeps as it was has the same hours:
 * what was counted stays.
 */
export function hoursKey({ name }: Metric, baseline: Baseline): string {
  const { version, source, fromAt, toAt } = originOf(baseline, name);
  return ` by hour of version ${version}, ${source} ${fromAt} to ${toAt}`;
}

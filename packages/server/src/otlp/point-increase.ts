import type { IndexedCounts, PointValue } from './point-value.ts';

/** Why two points of a stream cannot be subtracted: a value went down, or they are not counted in the same way. */
export type NoIncrease = 'went-down' | 'other-shape';

/** What was added between two points of a cumulative stream with one start. */
export function increaseOf(before: PointValue, now: PointValue): PointValue | NoIncrease {
  if (before.kind === 'number' && now.kind === 'number') {
    return now.value < before.value ? 'went-down' : { kind: 'number', value: now.value - before.value };
  }
  if (before.kind === 'explicit' && now.kind === 'explicit') return explicitIncrease(before, now);
  if (before.kind === 'exponential' && now.kind === 'exponential') return exponentialIncrease(before, now);
  return 'other-shape';
}

type Explicit = Extract<PointValue, { kind: 'explicit' }>;
type Exponential = Extract<PointValue, { kind: 'exponential' }>;

function explicitIncrease(before: Explicit, now: Explicit): PointValue | NoIncrease {
  const isSame =
    now.bounds.length === before.bounds.length && now.bounds.every((bound, i) => bound === before.bounds[i]);
  const counts = now.counts.map((count, i) => count - (before.counts[i] ?? 0));
  const count = now.count - before.count;
  if (!isSame) return 'other-shape';
  if (count < 0 || counts.some((one) => one < 0)) return 'went-down';
  return { kind: 'explicit', count, bounds: now.bounds, counts, ...sumIncrease(before, now) };
}

function exponentialIncrease(before: Exponential, now: Exponential): PointValue | NoIncrease {
  const scale = Math.min(before.scale, now.scale);
  const [old, fresh] = [coarser(before, scale), coarser(now, scale)];
  const count = now.count - before.count;
  const low = now.low - before.low;
  const counts = fresh.counts.map((one, i) => one - countAt(old, fresh.offset + i));
  const oldInFresh = fresh.counts.reduce((total, _, i) => total + countAt(old, fresh.offset + i), 0);
  // A bucket of before that is nowhere now went down as well.
  const isLost = oldInFresh < before.count - before.low;
  if (count < 0 || low < 0 || isLost || counts.some((one) => one < 0)) return 'went-down';
  return {
    ...{ kind: 'exponential', count, scale, low, positive: { offset: fresh.offset, counts } },
    ...sumIncrease(before, now),
  };
}

function sumIncrease(before: { readonly sum?: number }, now: { readonly sum?: number }) {
  return before.sum === undefined || now.sum === undefined ? {} : { sum: now.sum - before.sum };
}

function countAt({ offset, counts }: IndexedCounts, index: number): number {
  return counts[index - offset] ?? 0;
}

/** The same counts at a lower scale: two buckets become one with every step down. */
export function coarser({ scale, positive }: Exponential, to: number): IndexedCounts {
  const shift = scale - to;
  const { offset, counts } = positive;
  if (shift <= 0 || counts.length === 0) return positive;
  const first = Math.floor(offset / 2 ** shift);
  const last = Math.floor((offset + counts.length - 1) / 2 ** shift);
  const merged = new Array<number>(last - first + 1).fill(0);
  for (const [i, count] of counts.entries()) {
    const at = Math.floor((offset + i) / 2 ** shift) - first;
    merged[at] = (merged[at] ?? 0) + count;
  }
  return { offset: first, counts: merged };
}

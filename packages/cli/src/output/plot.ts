import { padEnd } from './text.ts';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `share` (in [0, 1]) of `width` characters, to an eighth of one; anything above 0 shows. */
export function bar(share: number, width: number): string {
  const eighths = Math.max(share > 0 ? 1 : 0, Math.round(Math.min(1, share) * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

/** One row of a plot of bars. */
export type BarRow = { readonly label: string; readonly value: number; readonly note: string };

/** Rows of bars over a common scale: labels, bars, notes. The largest value fills the room. */
export function renderBars(rows: readonly BarRow[], width: number): string {
  const labels = Math.max(0, ...rows.map(({ label }) => label.length));
  const notes = Math.max(0, ...rows.map(({ note }) => note.length));
  const room = Math.max(8, Math.min(48, width - labels - notes - 6));
  const most = Math.max(...rows.map(({ value }) => value), Number.MIN_VALUE);
  return rows
    .map(({ label, value, note }) => `  ${padEnd(label, labels)}  ${padEnd(bar(value / most, room), room)}  ${note}`)
    .join('\n');
}

/** Bounds and count of one class of values. */
export type HistogramClass = { readonly from: number; readonly to: number; readonly count: number };

/** Values of at least 0 in classes of one size, from that of the least to that of the largest; every value is in one. */
export function histogram(values: readonly number[], size: number): readonly HistogramClass[] {
  if (values.length === 0) return [];
  const [first, last] = [Math.min(...values), Math.max(...values)].map((value) => Math.floor(value / size));
  const counts = new Array<number>(last - first + 1).fill(0);
  for (const value of values) counts[Math.floor(value / size) - first] += 1;
  return counts.map((count, index) => ({ from: (first + index) * size, to: (first + index + 1) * size, count }));
}

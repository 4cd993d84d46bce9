import { type Column, firedShare, type Mean, meanOf } from './experiment.ts';
import type { Results } from './pool.ts';
import type { Section, Trial } from './sections.ts';

/** Mean delay and mean excess of a trial; runs that never fired count as the whole horizon. */
export function delayOf(times: Float64Array, { horizon, onset = 0, excessRate }: Trial) {
  const delay = meanOf(times, (time) => Math.max(0, Math.min(time, horizon) - onset));
  const excess: Mean | undefined =
    excessRate === undefined ? undefined : { mean: delay.mean * excessRate, se: delay.se * excessRate };
  return { delay, excess };
}

/** `3.2 % ± 0.3`. */
export function percent(share: number, se: number): string {
  return `${(100 * share).toFixed(1)} % ± ${(100 * se).toFixed(1)}`;
}

/** About three digits. */
export function rounded(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(1);
}

function cell(times: Float64Array, trial: Trial): string {
  const { share, se } = firedShare(times);
  if (trial.kind === 'null') return percent(share, se);
  const found = `${(100 * share).toFixed(share < 1 ? 1 : 0)} %`;
  const { delay, excess } = delayOf(times, trial);
  const parts = [found, share === 0 ? '–' : `${rounded(delay.mean)} ${trial.unit}`];
  if (excess !== undefined) parts.push(`${rounded(excess.mean)} ± ${excess.se.toFixed(1)}`);
  return parts.join(' / ');
}

function heading(trial: Trial): string {
  if (trial.kind === 'null') return trial.label;
  return `${trial.label}: found / mean ${trial.unit}${trial.excessRate === undefined ? '' : ' / excess errors'}`;
}

function nameOf({ name, isOurs, isModel }: Column): string {
  if (isOurs) return `**${name}**`;
  return isModel ? `${name} _[model]_` : name;
}

/** The section's table: one row per way to decide, one column per trial. */
export function tableOf(
  { trials }: Section,
  results: Results,
  more: readonly (readonly string[])[] = [],
): readonly string[] {
  const { columns } = trials[0].experiment;
  const rows = columns.map((column) => [
    nameOf(column),
    ...trials.map((trial) => cell(results.get(trial.experiment.name)?.[column.key] ?? new Float64Array(), trial)),
  ]);
  return markdownTable(['rule', ...trials.map(heading)], [...rows, ...more]);
}

/** Padded as the repository's formatter pads it. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((cells) => cells[i].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

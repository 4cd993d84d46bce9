import type { BaselineVersion } from '@rampart/api';
import type { BaselineChange, BaselineMetric, BaselineRow } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { formatCount, formatDate, formatLength, formatMeasured, NOTHING } from './format.ts';
import { renderTable } from './table.ts';
import { oneLine, plural } from './text.ts';

/** One version of the baseline of a rollout. */
export type BaselinePage = {
  readonly rollout: string;
  readonly found: BaselineVersion;
  readonly rows: readonly BaselineRow[];
};

/** A baseline: value, bounds, sample size and origin of every metric. */
export function renderBaseline({ rollout, found, rows }: BaselinePage, width: number, paint: Paint): string {
  const { baseline, at, by, reason } = found;
  const why = reason === undefined ? '' : `: ${oneLine(reason)}`;
  const head = `${paint.bold(`Baseline ${baseline.version ?? 1}`)} of ${rollout}, captured ${formatDate(at)} by ${oneLine(by)}${why}`;
  if (rows.length === 0) return `${head}\n\nNo metric had been observed.`;
  const table = renderTable<BaselineRow>(
    {
      rows,
      columns: [
        { title: 'METRIC', cell: ({ metric }) => oneLine(metric) },
        { title: 'VALUE', cell: ({ value, unit }) => formatMeasured(value, unit) },
        {
          title: 'LOW – HIGH',
          cell: ({ low, high, unit }) => `${formatMeasured(low, unit)} – ${formatMeasured(high, unit)}`,
        },
        { title: 'COUNT', cell: ({ count }) => formatCount(count) },
        { title: 'SOURCE', keep: 3, cell: ({ source }) => oneLine(source) },
        {
          title: 'WINDOW',
          keep: 2,
          cell: ({ origin: { fromAt, toAt } }) => `${formatLength(toAt - fromAt)} to ${formatDate(toAt)}`,
        },
        { title: 'VERSION', keep: 1, cell: ({ origin }) => String(origin.version) },
      ],
    },
    width,
    paint,
  );
  return `${head}\n\n${table}`;
}

/** What differs between two baselines, and how the two are called. */
export type ChangesPage = {
  readonly names: readonly [before: string, after: string];
  readonly changes: readonly BaselineChange[];
};

function changeWords({ change, isOutside }: BaselineChange, paint: Paint): string {
  const words = change === undefined ? NOTHING : `${change < 0 ? '−' : '+'}${(100 * Math.abs(change)).toFixed(1)} %`;
  return isOutside ? paint.yellow(words) : words;
}

/** Two baselines side by side; what lies outside the bounds of the first is said. */
export function renderChanges({ names, changes }: ChangesPage, width: number, paint: Paint): string {
  const cell = (of: BaselineMetric | undefined, { unit }: BaselineChange) => formatMeasured(of?.value, unit);
  const table = renderTable<BaselineChange>(
    {
      rows: changes,
      columns: [
        { title: 'METRIC', cell: ({ metric }) => oneLine(metric) },
        { title: names[0].toUpperCase(), cell: (row) => cell(row.before, row) },
        { title: names[1].toUpperCase(), cell: (row) => cell(row.after, row) },
        { title: 'CHANGE', cell: (row) => changeWords(row, paint) },
        { title: 'BOUNDS', cell: ({ isOutside, before, after }) => boundsWords(isOutside, before, after) },
        { title: 'COUNTS', keep: 1, cell: ({ before, after }) => `${countOf(before)} / ${countOf(after)}` },
      ],
    },
    width,
    paint,
  );
  const outside = changes.filter(({ isOutside }) => isOutside).length;
  const summary =
    outside === 0
      ? 'Nothing lies outside the bounds.'
      : `${plural(outside, 'metric')} outside the bounds of ${names[0]}.`;
  return `${table}\n${summary}`;
}

function boundsWords(
  isOutside: boolean,
  before: BaselineMetric | undefined,
  after: BaselineMetric | undefined,
): string {
  if (before === undefined || after === undefined) return NOTHING;
  return isOutside ? 'outside' : 'within';
}

function countOf(metric: BaselineMetric | undefined): string {
  return metric === undefined ? NOTHING : formatCount(metric.count);
}

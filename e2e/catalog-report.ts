import { BINS_PER_OCTAVE } from '@rampart/rollout';
import type { CatalogMetric } from './catalog-rows.ts';
import type { Counted } from './catalog-users.ts';

/** A row of a metric's table in the report, its cells as they are printed. */
export type Cells = { readonly baseline: string; readonly observed: string; readonly status: string };

/** The tables of the section Metrics: metric, as the report titles it, to stage to cells. */
export function metricTables(report: string): Readonly<Record<string, Readonly<Record<string, Cells>>>> {
  const section = /^## Metrics\n(.*?)^## /ms.exec(report)?.[1] ?? '';
  const tables = section.split(/^### /m).slice(1);
  return Object.fromEntries(
    tables.map((text) => {
      const [title = '', ...lines] = text.trim().split('\n');
      const rows = lines.filter((line) => line.startsWith('| ')).slice(2);
      return [title, Object.fromEntries(rows.map(rowOf))];
    }),
  );
}

function rowOf(line: string): readonly [string, Cells] {
  const [stage = '', baseline = '', observed = '', status = ''] = line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
  return [stage, { baseline, observed, status }];
}

/** How the report titles a metric. */
export const TITLES: Readonly<Record<CatalogMetric, string>> = {
  errorRate: 'Error rate',
  p99Latency: 'P99 latency',
  throughput: 'Throughput',
  hallucinationRate: 'Hallucination rate',
  faithfulness: 'Faithfulness',
  costPerQuery: 'Cost per query',
  tokensPerQuery: 'Tokens per query',
  timeToFirstToken: 'Time to first token',
};

/** How a metric's values are printed: what stands around the number, and what one of it is in the metric's unit. */
const PRINTED: Readonly<Record<CatalogMetric, readonly (readonly [RegExp, number])[]>> = {
  errorRate: [[/^([\d.]+) %$/, 0.01]],
  hallucinationRate: [[/^([\d.]+) %$/, 0.01]],
  p99Latency: [
    [/^([\d.]+) ms$/, 0.001],
    [/^([\d.]+) s$/, 1],
  ],
  timeToFirstToken: [
    [/^([\d.]+) ms$/, 0.001],
    [/^([\d.]+) s$/, 1],
  ],
  throughput: [[/^([\d.]+) per second$/, 1]],
  faithfulness: [[/^([\d.]+)$/, 1]],
  costPerQuery: [[/^\$([\d.]+)$/, 1]],
  tokensPerQuery: [[/^([\d.]+) tokens$/, 1]],
};

/** A printed value in the metric's own unit; NaN where it is printed in another. */
export function printedValue(metric: CatalogMetric, cell: string): number {
  for (const [form, unit] of PRINTED[metric]) {
    const number = form.exec(cell)?.[1];
    if (number !== undefined) return Number(number) * unit;
  }
  return Number.NaN;
}

/** What the application counted of a metric, as the metric defines it. `seconds`: how long it took, as if everyone had the variant. */
export function countedValue(metric: CatalogMetric, counted: Counted, seconds: number): number {
  if (metric === 'throughput') return counted.errorRate.length / seconds;
  const values = counted[metric];
  if (metric === 'p99Latency' || metric === 'timeToFirstToken') {
    return [...values].sort((one, other) => one - other)[Math.ceil(0.99 * values.length) - 1] ?? Number.NaN;
  }
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How far a printed value may lie from the counted one, as a share of it: three digits, and for a quantile one bin of the histogram. */
export function printedWithin(metric: CatalogMetric): number {
  const rounding = 0.005;
  const isQuantile = metric === 'p99Latency' || metric === 'timeToFirstToken';
  return isQuantile ? 2 ** (1 / BINS_PER_OCTAVE) - 1 + rounding : rounding;
}

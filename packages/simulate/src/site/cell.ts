import type { Arm } from '@rampart/flags';
import { type ArmSums, type BinTotals, type Metric, USER_BUCKETS } from '@rampart/rollout';

/** Length of a vector by user bucket: 64, then unknown users. */
const WIDTH = USER_BUCKETS + 1;

/** Zeros that the engine keeps as doubles from the start, so that every batch has vectors of one kind. */
export function zeros(): number[] {
  return Array.from({ length: WIDTH }, () => 0.5).fill(0);
}

/**
 * Sums of one metric in one cell, written anew for each batch. Whoever writes to `x` or `xx`, or to an `n` of its own, says so in
 * `isDirty`; totals are then added up from them. Without that, `x` and `xx` of the totals may be written alone.
 */
export type CellSums = {
  readonly n: number[];
  readonly x: number[];
  readonly xx: number[];
  /** Sums of the three vectors, once the batch is written. */
  readonly totals: { n: number; x: number; xx: number; readonly bins?: BinTotals };
  isDirty: boolean;
  readonly bins?: { readonly bucket: number[]; readonly bin: number[]; readonly count: number[] };
};

/** One arm of one stratum. Metrics of requests share one vector of observations (`requests`), those of users another (`visitors`). */
export type Cell = {
  readonly arm: Arm;
  readonly stratum: number;
  readonly requests: number[];
  readonly visitors: number[];
  readonly newcomers: number[];
  /** Whether any metric is of users. */
  readonly hasVisitors: boolean;
  readonly sums: Readonly<Record<string, CellSums>>;
  readonly all: readonly CellSums[];
  assigned: number;
  reported: number;
};

function sumsOf(metric: Metric, n: number[]): CellSums {
  const x = zeros();
  const of = (own: Pick<CellSums, 'n' | 'xx' | 'bins'>): CellSums => ({
    ...own,
    x,
    totals: { n: 0, x: 0, xx: 0, ...(own.bins && { bins: own.bins }) },
    isDirty: false,
  });
  if (metric.kind === 'rate' || metric.kind === 'count') return of({ n: x, xx: x });
  // A bad event counts 1, and so does its square; of a histogram the bins say it all.
  if (metric.kind === 'proportion') return of({ n, xx: x });
  if (metric.kind === 'quantile') return of({ n, xx: x, bins: { bucket: [], bin: [], count: [] } });
  return of({ n, xx: zeros() });
}

/** An empty cell for the metrics that are measured. */
export function openCell(arm: Arm, stratum: number, metrics: readonly Metric[]): Cell {
  const [requests, visitors, newcomers] = [zeros(), zeros(), zeros()];
  const sums = Object.fromEntries(
    metrics.map((metric) => [metric.name, sumsOf(metric, metric.per === 'user' ? visitors : requests)]),
  );
  const hasVisitors = metrics.some(({ per }) => per === 'user');
  const all = Object.values(sums);
  return { arm, stratum, requests, visitors, newcomers, hasVisitors, sums, all, assigned: 0, reported: 0 };
}

/** A plain loop: this is done for every metric of every batch. */
function clear(values: number[]): void {
  for (let index = 0; index < values.length; index += 1) values[index] = 0;
}

/** A plain loop, for the same reason. */
function total(values: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index];
  return sum;
}

/** Adds up a cell after a batch is written. */
export function totalCell(cell: Cell): void {
  const requests = total(cell.requests);
  const visitors = cell.hasVisitors ? total(cell.visitors) : 0;
  for (const { n, x, xx, totals, isDirty } of cell.all) {
    if (isDirty) {
      totals.x = total(x);
      totals.xx = xx === x ? totals.x : total(xx);
    }
    totals.n = n === x ? totals.x : n === cell.requests ? requests : visitors;
  }
}

/** Empties a cell before a batch. */
export function clearCell(cell: Cell): void {
  clear(cell.requests);
  if (cell.hasVisitors) clear(cell.visitors);
  if (cell.reported > 0) clear(cell.newcomers);
  cell.assigned = 0;
  cell.reported = 0;
  for (const sums of cell.all) {
    sums.totals.x = 0;
    sums.totals.xx = 0;
    if (!sums.isDirty) continue;
    sums.isDirty = false;
    clear(sums.x);
    if (sums.xx !== sums.x) clear(sums.xx);
    if (sums.bins === undefined) continue;
    sums.bins.bucket.length = 0;
    sums.bins.bin.length = 0;
    sums.bins.count.length = 0;
  }
}

/** What the core reads of a metric in a cell. */
export function armSumsOf(cell: Cell, metric: string): ArmSums {
  return cell.sums[metric];
}

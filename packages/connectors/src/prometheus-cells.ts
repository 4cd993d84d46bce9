import { type EvidenceSeries, USER_BUCKETS } from '@rampart/rollout';
import { logBinsOf } from './histogram-bins.ts';
import type { MetricQuery } from './ports.ts';
import type { PrometheusSeries } from './prometheus-api.ts';

type Arm = EvidenceSeries['arm'];
type Part = 'total' | 'sum' | 'sumSquares';
type Totals = { readonly count: number; readonly sum: number; readonly sumSquares: number };
/** Growth in one arm and user bucket: of each selector, and of a histogram by upper edge. */
type Cell = Record<Part, number> & { readonly edges: Map<number, number> };

/** Bucket of observations whose user is unknown. */
const UNKNOWN_USER = -1;

/** Growth added up by arm and user bucket. */
export type Cells = {
  /** Adds the growth of one counter; `bucket` is the label of the user's bucket. */
  readonly add: (arm: Arm, part: Part, series: PrometheusSeries, by: number, bucket: string | undefined) => void;
  readonly of: (arm: Arm) => readonly (readonly [bucket: number, cell: Cell])[];
  readonly totals: () => readonly (readonly [arm: Arm, totals: Totals])[];
};

/** Nothing added yet. */
export function newCells(): Cells {
  const arms = new Map<Arm, Map<number, Cell>>();
  const cellOf = (arm: Arm, bucket: number): Cell => {
    const buckets = arms.get(arm) ?? new Map<number, Cell>();
    const cell = buckets.get(bucket) ?? { total: 0, sum: 0, sumSquares: 0, edges: new Map() };
    arms.set(arm, buckets.set(bucket, cell));
    return cell;
  };
  const of = (arm: Arm) => [...(arms.get(arm) ?? [])].sort(([one], [other]) => one - other);
  return {
    add(arm, part, { labels }, by, bucket) {
      const cell = cellOf(arm, bucketOf(bucket === undefined ? undefined : labels[bucket]));
      cell[part] += by;
      if (labels.le === undefined) return;
      const edge = Number(labels.le.replace('+Inf', 'Infinity'));
      cell.edges.set(edge, (cell.edges.get(edge) ?? 0) + by);
    },
    of,
    totals: () =>
      [...arms.keys()].map((arm) => {
        const cells = of(arm).map(([, cell]) => cell);
        const sumUp = (part: Part) => cells.reduce((sum, cell) => sum + cell[part], 0);
        return [arm, { count: sumUp('total'), sum: sumUp('sum'), sumSquares: sumUp('sumSquares') }] as const;
      }),
  };
}

function bucketOf(label: string | undefined): number {
  const bucket = /^\d{1,2}$/.test(label ?? '') ? Number(label) : UNKNOWN_USER;
  return bucket < USER_BUCKETS ? bucket : UNKNOWN_USER;
}

const ARMS = ['treatment', 'control', 'targeted'] as const;

/**
 * Evidence of what was added: cells in which nothing was counted are left out. For rates and counts, where nothing is an
 * observation too, an arm without any is a series of 0.
 */
export function seriesOfCells(query: MetricQuery, cells: Cells): readonly EvidenceSeries[] {
  const { metric, epoch, stratum } = query;
  const { kind, name } = metric;
  const quiet: readonly Arm[] =
    kind === 'rate' || kind === 'count' ? (stratum === 0 ? ['control'] : ['treatment', 'control']) : [];
  return ARMS.flatMap((arm) => {
    const place = { metric: name, arm, epoch, stratum };
    const entries = cells.of(arm).flatMap(([bucket, cell]) => entryOf(query, bucket, cell));
    if (entries.length > 0) {
      return [
        {
          ...place,
          bucket: entries.map((one) => one.bucket),
          count: entries.map((one) => one.count),
          sum: entries.map((one) => one.sum),
          sumSquares: entries.map((one) => one.sumSquares),
          ...(kind === 'quantile' && { bins: entries.map((one) => one.bins ?? []) }),
        },
      ];
    }
    return quiet.includes(arm) ? [{ ...place, bucket: [UNKNOWN_USER], count: [0], sum: [0], sumSquares: [0] }] : [];
  });
}

type Entry = Totals & { readonly bucket: number; readonly bins?: readonly (readonly [number, number])[] };

function entryOf({ metric: { kind } }: MetricQuery, bucket: number, cell: Cell): readonly Entry[] {
  if (kind === 'quantile') {
    const bins = logBinsOf(cell.edges);
    const count = bins.reduce((sum, [, n]) => sum + n, 0);
    // Their sum is not asked for: a quantile does not need it.
    return count === 0 ? [] : [{ bucket, count, sum: 0, sumSquares: 0, bins }];
  }
  const count = cell.total;
  if (count === 0) return [];
  if (kind === 'proportion') return [{ bucket, count, sum: cell.sum, sumSquares: cell.sum }];
  if (kind === 'count') return [{ bucket, count, sum: count, sumSquares: count }];
  return [{ bucket, count, sum: cell.sum, sumSquares: cell.sumSquares }];
}

import { userBucketOf } from '@rampart/flags';
import { binOf, type EvidenceSeries, type Metric, type Occurrence, USER_BUCKETS } from '@rampart/rollout';
import { instantOf } from './instant-of.ts';
import type { MetricQuery, SourceAnswer } from './ports.ts';
import { SourceFailure } from './source-failure.ts';

/** What a row of an answer may hold. Names of a query's columns are compared without case and underscores. */
export const COLUMNS = ['arm', 'user', 'bucket', 'at', 'total', 'bad', 'value', 'sum', 'sumSquares', 'newest'] as const;

/** Name of a column. */
export type Column = (typeof COLUMNS)[number];

/** One row of an answer: absent, null and NaN all mean that it does not say. */
export type Row = Readonly<Partial<Record<Column, unknown>>>;

type Arm = EvidenceSeries['arm'];

/** One row understood: what was observed, where. */
type Observed = { readonly count: number; readonly sum: number; readonly sumSquares: number; readonly bin?: number };

type Cell = { count: number; sum: number; sumSquares: number; readonly bins: Map<number, number> };

/** How often each doubt came up; each becomes one warning. */
type Doubts = Map<string, number>;

const doubt = (doubts: Doubts, what: string) => doubts.set(what, (doubts.get(what) ?? 0) + 1);

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';

/** A number, also as text; `undefined` where the row does not say (null, NaN). @throws SourceFailure for what is no number */
function numberOf(row: Row, column: Column, index: number): number | undefined {
  const value = row[column];
  if (isMissing(value)) return undefined;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === 't' || value === 'f') return value === 't' ? 1 : 0;
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return number;
  if (typeof value === 'number' || /^[+-]?(?:nan|inf(?:inity)?)$/i.test(String(value))) return undefined;
  throw new SourceFailure(`${column} of row ${index + 1} is ${shown(value)}; give a number`);
}

/** As `numberOf`, from 0. @throws SourceFailure below it */
function countOf(row: Row, column: Column, index: number): number | undefined {
  const count = numberOf(row, column, index);
  if (count === undefined || count >= 0) return count;
  throw contradiction(`${column} of row ${index + 1} is ${count}; it cannot be below 0`);
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 60) ?? String(value);
}

function contradiction(message: string): SourceFailure {
  return new SourceFailure(message, 'contradictory');
}

type Reader = (row: Row, index: number) => Observed | undefined;

const readProportion: Reader = (row, index) => {
  const total = row.total === undefined ? 1 : countOf(row, 'total', index);
  const bad = countOf(row, 'bad', index) ?? shareOf(row, total, index);
  if (total === undefined || bad === undefined) return undefined;
  if (bad > total) throw contradiction(`row ${index + 1} has ${bad} bad of ${total} in total`);
  return { count: total, sum: bad, sumSquares: bad };
};

/** Bad observations of a row that has a share of its total instead. */
function shareOf(row: Row, total: number | undefined, index: number): number | undefined {
  const share = countOf(row, 'value', index);
  if (share === undefined || total === undefined) return undefined;
  if (share > 1) throw new SourceFailure(`value of row ${index + 1} is ${share}; a proportion is in [0, 1]`);
  return Math.round(share * total * 1e6) / 1e6;
}

const readMean: Reader = (row, index) => {
  const value = numberOf(row, 'value', index);
  if (value !== undefined) return { count: 1, sum: value, sumSquares: value * value };
  const [count, sum] = [countOf(row, 'total', index), numberOf(row, 'sum', index)];
  const sumSquares = countOf(row, 'sumSquares', index);
  if (count === 0) return { count: 0, sum: 0, sumSquares: 0 };
  if (count === undefined || sum === undefined || sumSquares === undefined) return undefined;
  if (sumSquares * count < sum * sum * (1 - 1e-9))
    throw contradiction(`row ${index + 1} has sumSquares ${sumSquares}, too small for a sum of ${sum} over ${count}`);
  return { count, sum, sumSquares };
};

const readQuantile: Reader = (row, index) => {
  const value = numberOf(row, 'value', index);
  const count = row.total === undefined ? 1 : countOf(row, 'total', index);
  if (value === undefined || count === undefined) return undefined;
  return { count, sum: value * count, sumSquares: value * value * count, bin: binOf(value) };
};

const readTotal: Reader = (row, index) => {
  const count = row.total === undefined ? 1 : countOf(row, 'total', index);
  return count === undefined ? undefined : { count, sum: count, sumSquares: count };
};

const READERS: Readonly<Record<Metric['kind'], Reader>> = {
  proportion: readProportion,
  mean: readMean,
  ratio: readMean,
  quantile: readQuantile,
  rate: readTotal,
  count: readTotal,
};

/** Whose rows are that name no arm; `undefined`: nobody's, they are left out. */
type Unnamed = Arm | undefined;

/** Arm of a row; `undefined` for one of neither. */
function armOf({ arm }: Row, { treatment, control }: MetricQuery, unnamed: Unnamed, doubts: Doubts): Arm | undefined {
  if (isMissing(arm)) return unnamed;
  if (arm === treatment || arm === 'treatment') return 'treatment';
  if (arm === control || arm === 'control') return 'control';
  if (arm === 'targeted') return 'targeted';
  doubt(doubts, `of arm ${shown(arm)}, which is neither ${treatment} nor ${control}, left out`);
  return undefined;
}

const FULL_WEIGHT = 100_000;

/**
 * Complaints that name no variant are everyone's, and so the feature's as well. Where no row names one, they are of the one
 * variant that everyone sees. @throws SourceFailure where there are two
 */
function unnamedOf(rows: readonly Row[], { metric, treatment, control, stratum, isUniform }: MetricQuery): Unnamed {
  if (metric.kind === 'count') return 'treatment';
  if (rows.length === 0 || rows.some(({ arm }) => arm !== undefined)) return undefined;
  if (isUniform ?? (stratum === 0 || stratum === FULL_WEIGHT)) return stratum === 0 ? 'control' : 'treatment';
  throw new SourceFailure(
    `the answer tells no variants apart, while some users see ${treatment} and others ${control}; name the variant of each row in "arm"`,
  );
}

/** User bucket of a row, -1 where it names neither user nor bucket; `undefined` where others name theirs and it does not. */
function bucketOf(row: Row, index: number, doubts: Doubts): number | undefined {
  if (!isMissing(row.user)) return userBucketOf(String(row.user));
  if (row.user !== undefined) {
    doubt(doubts, 'without a user left out');
    return undefined;
  }
  const bucket = numberOf(row, 'bucket', index) ?? -1;
  if (Number.isInteger(bucket) && bucket >= -1 && bucket < USER_BUCKETS) return bucket;
  throw new SourceFailure(`bucket of row ${index + 1} is ${bucket}; give a whole number from 0 to ${USER_BUCKETS - 1}`);
}

/** Instant of a row, absent where it has none. @throws SourceFailure for what is no instant */
function atOf(row: Row, column: 'at' | 'newest', index: number): number | undefined {
  const value = row[column];
  if (isMissing(value)) return undefined;
  const at = instantOf(value);
  if (at !== undefined) return at;
  throw new SourceFailure(`${column} of row ${index + 1} is ${shown(value)}; give a timestamp or an epoch`);
}

type Placed = { readonly row: Row; readonly index: number; readonly arm: Arm; readonly at?: number };

/** Rows of an arm and inside of the interval. What lies outside belongs to another answer, or comes from a clock that is wrong. */
function placedRows(rows: readonly Row[], query: MetricQuery, doubts: Doubts): readonly Placed[] {
  const unnamed = unnamedOf(rows, query);
  return rows.flatMap((row, index): readonly Placed[] => {
    const at = atOf(row, 'at', index);
    if (at !== undefined && (at < query.fromAt || at >= query.toAt)) {
      doubt(doubts, 'outside of the interval (by its instant) left out');
      return [];
    }
    const arm = armOf(row, query, unnamed, doubts);
    return arm === undefined ? [] : [{ row, index, arm, ...(at !== undefined && { at }) }];
  });
}

/** Users in more than one arm are in no split; a user twice in an answer per user is a join that multiplies rows. */
function withoutTwins(placed: readonly Placed[], { metric }: MetricQuery, doubts: Doubts): readonly Placed[] {
  const arms = new Map<string, Arm | null>();
  for (const { row, arm } of placed) {
    if (isMissing(row.user)) continue;
    const user = String(row.user);
    const before = arms.get(user);
    if (before === arm && metric.per === 'user' && row.value !== undefined)
      throw contradiction(
        'a user has several rows, and the metric counts each user once: a join multiplies rows, or GROUP BY is missing',
      );
    arms.set(user, before === undefined || before === arm ? arm : null);
  }
  return placed.filter(({ row }) => {
    const isTorn = !isMissing(row.user) && arms.get(String(row.user)) === null;
    if (isTorn) doubt(doubts, 'of users in both arms left out');
    return !isTorn;
  });
}

function addTo(cells: Map<number, Cell>, bucket: number, { count, sum, sumSquares, bin }: Observed): void {
  const cell = cells.get(bucket) ?? { count: 0, sum: 0, sumSquares: 0, bins: new Map<number, number>() };
  cell.count += count;
  cell.sum += sum;
  cell.sumSquares += sumSquares;
  if (bin !== undefined) cell.bins.set(bin, (cell.bins.get(bin) ?? 0) + count);
  cells.set(bucket, cell);
}

function seriesOf(arm: Arm, cells: ReadonlyMap<number, Cell>, { metric, epoch, stratum }: MetricQuery): EvidenceSeries {
  const entries = [...cells].sort(([one], [other]) => one - other);
  const pick = (field: 'count' | 'sum' | 'sumSquares') => entries.map(([, cell]) => cell[field]);
  return {
    metric: metric.name,
    arm,
    epoch,
    stratum,
    bucket: entries.map(([bucket]) => bucket),
    count: pick('count'),
    sum: pick('sum'),
    sumSquares: pick('sumSquares'),
    ...(metric.kind === 'quantile' && {
      bins: entries.map(([, { bins }]) => [...bins].sort(([one], [other]) => one - other)),
    }),
  };
}

type Arms = Map<Arm, Map<number, Cell>>;

/** Complaints of control are not the feature's. Without an instant they are of the interval's last moment. */
function occurrencesOf(
  placed: readonly Placed[],
  { metric, toAt }: MetricQuery,
  doubts: Doubts,
): readonly Occurrence[] {
  return placed.flatMap(({ row, index, arm, at = toAt - 1 }) => {
    const observed = observedIn(row, index, metric, doubts);
    if (observed === undefined || arm === 'control' || observed.count === 0) return [];
    return [{ metric: metric.name, at, count: observed.count }];
  });
}

function armsOf(placed: readonly Placed[], { metric }: MetricQuery, doubts: Doubts): Arms {
  const arms: Arms = new Map();
  for (const { row, index, arm } of placed) {
    const observed = observedIn(row, index, metric, doubts);
    if (observed === undefined || observed.count === 0) continue;
    const bucket = bucketOf(row, index, doubts);
    if (bucket === undefined) continue;
    const cells = arms.get(arm) ?? new Map<number, Cell>();
    addTo(cells, bucket, observed);
    arms.set(arm, cells);
  }
  return arms;
}

function observedIn(row: Row, index: number, { kind, unit }: Metric, doubts: Doubts): Observed | undefined {
  const observed = READERS[kind](row, index);
  if (observed === undefined) doubt(doubts, 'without a value (null or NaN) left out');
  else if (unit === 'score' && !(observed.sum >= 0 && observed.sum <= observed.count * (1 + 1e-9)))
    throw contradiction(`row ${index + 1} has a score of ${observed.sum / observed.count}; a score is in [0, 1]`);
  return observed;
}

/** When the newest data of the answer is from: what its rows say, else the end of the interval. */
function newestOf(rows: readonly Row[], { toAt }: MetricQuery): number {
  const said = rows.flatMap((row, index) => atOf(row, 'newest', index) ?? []);
  return said.length === 0 ? toAt : Math.max(...said);
}

/**
 * The answer that rows of a query make. Each row is one observation (`value`), or counts of several (`total` with `bad`, or
 * with `sum` and `sumSquares`); `arm` is the name of a variant. Rows of neither variant, of no value, and outside of the
 * interval are left out, and said. No row is `no-data`, but for a count whose source answers: that is zero. Of a `newest`
 * before the interval by more than the metric's lag it is `stale`.
 * @throws SourceFailure for rows that contradict themselves
 */
export function answerOfRows(rows: readonly Row[], query: MetricQuery): SourceAnswer {
  const { metric, fromAt } = query;
  const newestAt = newestOf(rows, query);
  if (newestAt < fromAt - metric.lagMs) return { kind: 'stale', newestAt };
  const told = rows.filter((row) => Object.keys(row).some((column) => column !== 'newest'));
  const doubts: Doubts = new Map();
  const placed = withoutTwins(placedRows(told, query, doubts), query, doubts);
  const isCount = metric.kind === 'count';
  const occurrences = isCount ? occurrencesOf(placed, query, doubts) : undefined;
  const arms: Arms = isCount ? new Map() : armsOf(placed, query, doubts);
  if (!isCount && arms.size === 0) return { kind: 'no-data' };
  const warnings = [...doubts].map(
    ([what, times]) => `metrics.${metric.name}: ${times} ${times === 1 ? 'row' : 'rows'} ${what}`,
  );
  return {
    kind: 'value',
    series: [...arms].map(([arm, cells]) => seriesOf(arm, cells, query)),
    ...(occurrences && { occurrences }),
    newestAt: Math.min(newestAt, query.toAt),
    ...(warnings.length > 0 && { warnings }),
  };
}

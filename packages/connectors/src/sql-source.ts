import { instantOf } from './instant-of.ts';
import type { MetricQuery, MetricSource, SourceAnswer } from './ports.ts';
import { answerOfRows, COLUMNS, type Column, type Row } from './rows-evidence.ts';
import { answering, SourceFailure } from './source-failure.ts';
import { readSqlBinding } from './sql-binding.ts';
import type { SqlDatabase, SqlLimits, SqlTable } from './sql-connection.ts';

/** Settings of a SQL source. */
export type SqlSourceOptions = {
  readonly name: string;
  readonly database: SqlDatabase;
  readonly limits: SqlLimits;
};

/**
 * A metric source over a SQL database: each read is one SELECT in a read-only session. Beyond a limit on time, rows or bytes
 * it answers `error` instead of a part.
 */
export function sqlSource({ name, database, limits }: SqlSourceOptions): MetricSource {
  return {
    name,
    read: (query) => answering(query.metric.name, () => readOnce(database, query, limits)),
  };
}

async function readOnce(database: SqlDatabase, query: MetricQuery, limits: SqlLimits): Promise<SourceAnswer> {
  const { query: select, freshness } = readSqlBinding(query.metric);
  // How new the data is is asked first: rows that come in between make it older than it is, never newer.
  const statements = freshness === undefined ? [select] : [freshness, select];
  const tables = await database({ statements, query, limits });
  const [table] = tables.slice(-1);
  const newest = freshness === undefined ? undefined : newestIn(tables[0]);
  const rows = table === undefined ? [] : rowsOf(table);
  return answerOfRows(newest === undefined ? rows : [...rows, { newest }], query);
}

/** The one timestamp of a freshness query; `undefined` for an empty table, whose maximum is null or the year 1970. */
function newestIn(table: SqlTable | undefined): number | undefined {
  const value = table?.rows[0]?.[0];
  if (value === null || value === undefined) return undefined;
  const at = instantOf(value);
  if (at === undefined)
    throw new SourceFailure(
      `freshness gives ${JSON.stringify(value)}; it has to be one timestamp, as SELECT max(at) FROM events`,
    );
  return at > 0 ? at : undefined;
}

const BY_NAME: ReadonlyMap<string, Column> = new Map(COLUMNS.map((column) => [column.toLowerCase(), column]));

/** Rows by column: databases fold case, so that `sum_squares`, `sumsquares` and `sumSquares` are one. */
function rowsOf({ columns, rows }: SqlTable): readonly Row[] {
  const known = columns.map((name) => BY_NAME.get(name.toLowerCase().replaceAll('_', '')));
  const unknown = columns.find((_, index) => known[index] === undefined);
  if (unknown !== undefined)
    throw new SourceFailure(
      `the query gives a column ${JSON.stringify(unknown)}; name its columns ${COLUMNS.join(', ')}`,
    );
  return rows.map((row) => Object.fromEntries(known.map((column, index) => [column, row[index]])));
}

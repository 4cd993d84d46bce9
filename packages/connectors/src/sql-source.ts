import { queryClickHouse } from './clickhouse-query.ts';
import { ConnectorError } from './connector-error.ts';
import { instantOf } from './instant-of.ts';
import type { MetricQuery, MetricSource, SourceAnswer } from './ports.ts';
import { queryPostgres } from './postgres-query.ts';
import { answerOfRows, COLUMNS, type Column, type Row } from './rows-evidence.ts';
import { answering, SourceFailure } from './source-failure.ts';
import { readSqlBinding } from './sql-binding.ts';
import type { SqlAsk, SqlConnection, SqlLimits, SqlTable } from './sql-connection.ts';
import { urlProblem } from './url-guard.ts';

const DEFAULT_LIMITS: SqlLimits = { timeoutMs: 30_000, maxRows: 100_000, maxBytes: 32 * 1024 * 1024 };

/** Settings of a SQL source. */
export type SqlSourceOptions = {
  readonly name: string;
  readonly connection: SqlConnection;
  /** Default: 30 s, 100 000 rows, 32 MiB. */
  readonly limits?: Partial<SqlLimits>;
};

/**
 * A metric source over a SQL database, PostgreSQL or ClickHouse: each read is one SELECT in a read-only session. Beyond a
 * limit on time, rows or bytes it answers `error` instead of a part. @throws ConnectorError `URL_REFUSED`
 */
export function sqlSource({ name, connection, limits }: SqlSourceOptions): MetricSource {
  const wrong = connection.engine === 'clickhouse' ? urlProblem(connection.url, connection.policy) : undefined;
  if (wrong !== undefined)
    throw new ConnectorError('URL_REFUSED', `The URL of source ${name} cannot be used: ${wrong}.`);
  const bounds = { ...DEFAULT_LIMITS, ...limits };
  return {
    name,
    read: (query) => answering(query.metric.name, () => readOnce(connection, query, bounds)),
  };
}

async function readOnce(connection: SqlConnection, query: MetricQuery, limits: SqlLimits): Promise<SourceAnswer> {
  const { query: select, freshness } = readSqlBinding(query.metric);
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  const signal = query.signal === undefined ? deadline : AbortSignal.any([query.signal, deadline]);
  // How new the data is is asked first: rows that come in between make it older than it is, never newer.
  const statements = freshness === undefined ? [select] : [freshness, select];
  const tables = await tablesOf(connection, { statements, query, limits, signal });
  const [table] = tables.slice(-1);
  const newest = freshness === undefined ? undefined : newestIn(tables[0]);
  const rows = table === undefined ? [] : rowsOf(table);
  return answerOfRows(newest === undefined ? rows : [...rows, { newest }], query);
}

function tablesOf(connection: SqlConnection, ask: SqlAsk): Promise<readonly SqlTable[]> {
  return connection.engine === 'postgres' ? queryPostgres(connection, ask) : queryClickHouse(connection, ask);
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

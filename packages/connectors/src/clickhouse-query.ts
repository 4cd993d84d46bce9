import type { HttpAccess } from './http-access.ts';
import { askHttp, type HttpReply } from './http-ask.ts';
import { jsonRecord } from './json-record.ts';
import { SourceFailure } from './source-failure.ts';
import { type SqlAsk, type SqlDatabase, type SqlTable, tookTooLong, tooManyRows } from './sql-connection.ts';
import { bindSql, parameterValue, type SqlParameter } from './sql-parameters.ts';

/** How to ask a ClickHouse, by its HTTP interface. */
export type ClickHouseOptions = {
  readonly access: HttpAccess;
  readonly database?: string;
  /**
   * The user's own profile is read-only, so that it may not set anything: its profile then sets time and row limits, and
   * instants are to be given as epochs. Default: false, Rampart sets them.
   */
  readonly isReadonlyUser?: boolean;
};

/** Most characters of the database's own words that a message repeats. */
const SHOWN = 200;
const EXCEPTION = /Code: (\d+)[.,][\s\S]*?DB::Exception:\s*([\s\S]*)/;
const EXCEPTION_HEADER = 'x-clickhouse-exception-code';
const REFUSED_CREDENTIALS: readonly string[] = ['192', '193', '194', '516', 'status 401', 'status 403'];
const TOO_MANY: readonly string[] = ['158', '396'];
const TIMED_OUT: readonly string[] = ['159', '160'];
const READ_ONLY = '164';

/** A ClickHouse: each statement is a request, read to its end or not at all. */
export function clickHouseDatabase(options: ClickHouseOptions): SqlDatabase {
  return async (ask) => {
    const tables: SqlTable[] = [];
    for (const statement of ask.statements) tables.push(await tableOf(options, statement, ask));
    return tables;
  };
}

async function tableOf(options: ClickHouseOptions, statement: string, ask: SqlAsk): Promise<SqlTable> {
  const { access } = options;
  const { text, names } = bindSql(statement, (name) => `{${name}:${typeOf(name)}}`);
  const url = new URL(access.url);
  for (const [name, value] of settingsOf(options, ask)) url.searchParams.set(name, value);
  for (const name of names) url.searchParams.set(`param_${name}`, escaped(clickHouseValue(name, ask)));
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  const question = { system: 'ClickHouse', method: 'POST', url: url.href, headers, body: text } as const;
  return readAnswer(await askHttp(access, question, ask.query), ask, access);
}

/** `wait_end_of_query`: an error after the first rows is then an answer of its own, not the tail of a 200. */
function settingsOf(
  { database, isReadonlyUser }: ClickHouseOptions,
  { limits }: SqlAsk,
): readonly (readonly [string, string])[] {
  return [
    ['default_format', 'JSONCompact'],
    ['wait_end_of_query', '1'],
    ...(database === undefined ? [] : [['database', database] as const]),
    ...(isReadonlyUser === true
      ? []
      : ([
          ['readonly', '1'],
          ['max_execution_time', String(Math.ceil(limits.timeoutMs / 1000))],
          ['max_result_rows', String(limits.maxRows)],
          ['result_overflow_mode', 'throw'],
          ['date_time_output_format', 'iso'],
          ['output_format_json_quote_64bit_integers', '1'],
        ] as const)),
  ];
}

function typeOf(name: SqlParameter): string {
  if (name === 'from' || name === 'to') return "DateTime64(3,'UTC')";
  return name === 'fromMs' || name === 'toMs' || name === 'epoch' ? 'Int64' : 'String';
}

function clickHouseValue(name: SqlParameter, { query }: SqlAsk): string {
  const value = parameterValue(name, query);
  return name === 'from' || name === 'to' ? value.replace('T', ' ').replace('Z', '') : value;
}

/** Values of parameters are read as a field of TSV. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n');
}

/** An exception is told by the status, by a header, in a key of the JSON, or as text behind it: versions differ. */
function readAnswer({ status, headers, text }: HttpReply, ask: SqlAsk, access: HttpAccess): SqlTable {
  const body = jsonRecord(text);
  const told = access.redact(typeof body?.exception === 'string' ? body.exception : text);
  const code = headers.get(EXCEPTION_HEADER) ?? EXCEPTION.exec(told)?.[1];
  const isFine = status === 200 && body !== undefined && body.exception === undefined && !headers.has(EXCEPTION_HEADER);
  if (!isFine) throw exceptionOf(code ?? `status ${status}`, told, ask);
  const { meta, data } = body;
  if (!Array.isArray(meta) || !Array.isArray(data) || !data.every(Array.isArray))
    throw new SourceFailure('the answer is not of the format JSONCompact; leave FORMAT out of the query');
  if (data.length > ask.limits.maxRows) throw new SourceFailure(tooManyRows(ask.limits), 'too-large');
  return { columns: meta.map((column: { readonly name?: unknown }) => String(column.name)), rows: data };
}

function exceptionOf(code: string, told: string, { limits }: SqlAsk): SourceFailure {
  if (REFUSED_CREDENTIALS.includes(code))
    return new SourceFailure(`ClickHouse refused the credentials (${code}); check user and password`);
  if (TOO_MANY.includes(code)) return new SourceFailure(tooManyRows(limits), 'too-large');
  if (TIMED_OUT.includes(code)) return new SourceFailure(tookTooLong(limits), 'unreachable');
  if (code === READ_ONLY)
    return new SourceFailure(
      'the user is read-only and may not set limits, or the query writes (164); give a SELECT, and set isReadonlyUser',
    );
  const words = (EXCEPTION.exec(told)?.[2] ?? told).trim().slice(0, SHOWN);
  return new SourceFailure(`ClickHouse refused the query (${code}): ${words}`);
}

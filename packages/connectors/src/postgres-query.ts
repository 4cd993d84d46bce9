import { isIP } from 'node:net';
import { Client, DatabaseError } from 'pg';
import { SourceFailure } from './source-failure.ts';
import {
  type SqlAsk,
  type SqlDatabase,
  type SqlTable,
  tookTooLong,
  tooManyBytes,
  tooManyRows,
} from './sql-connection.ts';
import { bindSql, parameterValue, type SqlParameter } from './sql-parameters.ts';
import { ADDRESS_REFUSED, type AddressLookup, guardedAddress, type UrlPolicy } from './url-guard.ts';

/** How to reach a PostgreSQL. Give it a role that can only read. */
export type PostgresConnection = {
  /** Name, address, or the directory of a socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Never shown. */
  readonly password: string;
  /** `verify`: encrypted, with the host that the certificate names. */
  readonly tls: 'verify' | 'off';
  /** Certificate authority in PEM. Default: those of Node. */
  readonly ca?: string;
  readonly policy: UrlPolicy;
  /** Default: the lookup of the system. */
  readonly lookup?: AddressLookup;
};

/** Rows fetched at once: what has been read is measured between. */
const CHUNK = 5_000;
/** Most rows that are told to whoever follows the exchange. */
const MOST_EXCHANGED_ROWS = 20;
/** Most characters of the database's own words that a message repeats. */
const SHOWN = 200;
const CANCELLED = '57014';
const READ_ONLY = '25006';
const SESSION =
  "SELECT set_config('statement_timeout', $1, true), set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)";

/** A question under way: `signal` fires when it is withdrawn or takes too long. */
type Asking = SqlAsk & { readonly signal: AbortSignal };

/**
 * A PostgreSQL: all statements of a question run in one read-only snapshot, on a connection of its own, and are read to their
 * end, or not at all. Sessions speak UTC, and every value is read as text.
 */
export function postgresDatabase(connection: PostgresConnection): SqlDatabase {
  return async (ask) => {
    const deadline = AbortSignal.timeout(ask.limits.timeoutMs);
    const { signal: withdrawn } = ask.query;
    const signal = withdrawn === undefined ? deadline : AbortSignal.any([withdrawn, deadline]);
    return tablesOf(connection, { ...ask, signal });
  };
}

async function tablesOf(connection: PostgresConnection, ask: Asking): Promise<readonly SqlTable[]> {
  const client = await connected(connection, ask);
  const budget = watchBytes(client, ask);
  const stop = () => socketOf(client)?.destroy();
  ask.signal.addEventListener('abort', stop, { once: true });
  if (ask.signal.aborted) stop();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query({ text: SESSION, values: [String(ask.limits.timeoutMs)] });
    const tables: SqlTable[] = [];
    for (const statement of ask.statements) tables.push(await tableOf(client, statement, ask));
    return tables;
  } catch (error) {
    if (budget.isSpent()) throw new SourceFailure(tooManyBytes(ask.limits), 'too-large');
    throw failureOf(error, connection, ask);
  } finally {
    // A server that hangs does not answer the farewell either: the signal ends that as well.
    await client.end().catch(() => undefined);
    ask.signal.removeEventListener('abort', stop);
  }
}

async function connected(connection: PostgresConnection, ask: Asking): Promise<Client> {
  const { host, port, database, user, password, tls, ca, policy, lookup } = connection;
  try {
    const client = new Client({
      host: await guardedAddress(host, policy, lookup),
      port,
      database,
      user,
      // As a function, so that an empty one is not replaced from the environment.
      password: () => password,
      ssl: tls === 'verify' && { host, ...(isIP(host) === 0 && { servername: host }), rejectUnauthorized: true, ca },
      connectionTimeoutMillis: ask.limits.timeoutMs,
      application_name: 'rampart',
    });
    // A connection that breaks between two queries is told by the next one.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  } catch (error) {
    throw failureOf(error, connection, ask);
  }
}

type Socket = {
  readonly on: (event: 'data', listener: (part: Buffer) => void) => unknown;
  readonly destroy: () => void;
};

/** The socket below a client: not in its types, and the only place to stop an answer that does not end. */
function socketOf(client: Client): Socket | undefined {
  return (client as unknown as { readonly connection?: { readonly stream?: Socket } }).connection?.stream;
}

/** Breaks the connection when an answer is larger than allowed, before it fills the memory. */
function watchBytes(client: Client, { limits }: SqlAsk): { readonly isSpent: () => boolean } {
  let received = 0;
  const socket = socketOf(client);
  socket?.on('data', (part) => {
    received += part.length;
    if (received > limits.maxBytes) socket.destroy();
  });
  return { isSpent: () => received > limits.maxBytes };
}

async function tableOf(client: Client, statement: string, { query, limits }: SqlAsk): Promise<SqlTable> {
  const { text, names } = bindSql(statement, (name, index) => `$${index + 1}::${typeOf(name)}`);
  const values = names.map((name) => parameterValue(name, query));
  // A cursor takes a single SELECT; the extended protocol takes a single statement, also without parameters.
  const declare = { text: `DECLARE rampart NO SCROLL CURSOR FOR ${text}`, values, queryMode: 'extended' };
  await client.query(declare);
  const rows: unknown[][] = [];
  for (;;) {
    const part = await client.query<unknown[]>({
      text: `FETCH ${CHUNK} FROM rampart`,
      rowMode: 'array',
      types: AS_TEXT,
    });
    rows.push(...part.rows);
    if (rows.length > limits.maxRows) throw new SourceFailure(tooManyRows(limits), 'too-large');
    if (part.rows.length === CHUNK) continue;
    await client.query('CLOSE rampart');
    const asked = names.map((name, index) => `${name}=${values[index]}`);
    query.onExchange?.({
      asked: `${asked.join(' ')}\n${statement}`,
      answered: `${rows.length} rows ${JSON.stringify(rows.slice(0, MOST_EXCHANGED_ROWS))}`,
    });
    return { columns: part.fields.map((field) => field.name), rows };
  }
}

const AS_TEXT = { getTypeParser: () => (value: string | Buffer) => String(value) };

function typeOf(name: SqlParameter): string {
  if (name === 'from' || name === 'to') return 'timestamptz';
  return name === 'fromMs' || name === 'toMs' || name === 'epoch' ? 'bigint' : 'text';
}

function failureOf(error: unknown, { host, port }: PostgresConnection, ask: Asking): SourceFailure {
  if (error instanceof SourceFailure) return error;
  if (error instanceof DatabaseError) return refusalOf(error, ask);
  if (ask.signal.aborted) return new SourceFailure(tookTooLong(ask.limits), 'unreachable');
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const place = `PostgreSQL at ${host}${host.startsWith('/') ? '' : `:${port}`}`;
  if (code === ADDRESS_REFUSED)
    return new SourceFailure(
      `${place} is not on the public internet; list the host in allowedHosts if it may be called`,
    );
  const reason = code ?? (error instanceof Error ? error.message.slice(0, SHOWN) : 'unknown');
  return new SourceFailure(`${place} cannot be reached or broke the connection (${reason})`, 'unreachable');
}

function refusalOf({ code = 'unknown', message }: DatabaseError, { limits }: SqlAsk): SourceFailure {
  if (code.startsWith('28'))
    return new SourceFailure(`PostgreSQL refused the credentials (${code}); check user and password`);
  if (code === CANCELLED) return new SourceFailure(tookTooLong(limits), 'unreachable');
  if (code === READ_ONLY)
    return new SourceFailure('the query writes, and is run in a read-only transaction; give a SELECT');
  return new SourceFailure(`PostgreSQL refused the query (${code}): ${message.slice(0, SHOWN)}`);
}

import { Client, DatabaseError } from 'pg';
import { SourceFailure } from './source-failure.ts';
import {
  type PostgresConnection,
  type SqlAsk,
  type SqlTable,
  tookTooLong,
  tooManyBytes,
  tooManyRows,
} from './sql-connection.ts';
import { bindSql, parameterValue, type SqlParameter } from './sql-parameters.ts';
import { ADDRESS_REFUSED, guardedAddress } from './url-guard.ts';

const DEFAULT_PORT = 5432;
/** Rows fetched at once: what has been read is measured between. */
const CHUNK = 5_000;
/** Most characters of the database's own words that a message repeats. */
const SHOWN = 200;
const CANCELLED = '57014';
const READ_ONLY = '25006';

/**
 * Runs statements in one read-only snapshot and reads them to their end, or not at all. Sessions speak UTC, and every value
 * is read as text. @throws SourceFailure
 */
export async function queryPostgres(connection: PostgresConnection, ask: SqlAsk): Promise<readonly SqlTable[]> {
  const client = await connected(connection, ask);
  const budget = watchBytes(client, ask);
  const stop = () => socketOf(client)?.destroy();
  ask.signal.addEventListener('abort', stop, { once: true });
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query({
      text: "SELECT set_config('statement_timeout', $1, true), set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)",
      values: [String(ask.limits.timeoutMs)],
    });
    const tables: SqlTable[] = [];
    for (const statement of ask.statements) tables.push(await tableOf(client, statement, ask));
    return tables;
  } catch (error) {
    if (budget.isSpent()) throw new SourceFailure(tooManyBytes(ask.limits));
    throw failureOf(error, connection, ask);
  } finally {
    ask.signal.removeEventListener('abort', stop);
    await client.end().catch(() => undefined);
  }
}

async function connected(connection: PostgresConnection, ask: SqlAsk): Promise<Client> {
  const { host, port = DEFAULT_PORT, database, user, password = '', policy, lookup } = connection;
  const isSocket = host.startsWith('/');
  const tls = connection.tls ?? (isSocket ? 'off' : 'verify');
  try {
    const client = new Client({
      host: await guardedAddress(host, policy, lookup),
      port,
      database,
      user,
      // As a function, so that an empty one is not replaced from the environment.
      password: () => password,
      ssl: tls === 'verify' && {
        servername: host,
        rejectUnauthorized: true,
        ...(connection.ca && { ca: connection.ca }),
      },
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
    if (rows.length > limits.maxRows) throw new SourceFailure(tooManyRows(limits));
    if (part.rows.length === CHUNK) continue;
    await client.query('CLOSE rampart');
    return { columns: part.fields.map((field) => field.name), rows };
  }
}

const AS_TEXT = { getTypeParser: () => (value: string | Buffer) => String(value) };

function typeOf(name: SqlParameter): string {
  if (name === 'from' || name === 'to') return 'timestamptz';
  return name === 'fromMs' || name === 'toMs' || name === 'epoch' ? 'bigint' : 'text';
}

function failureOf(error: unknown, { host, port = DEFAULT_PORT }: PostgresConnection, ask: SqlAsk): SourceFailure {
  if (error instanceof SourceFailure) return error;
  if (error instanceof DatabaseError) return refusalOf(error, ask);
  if (ask.signal.aborted) return new SourceFailure(tookTooLong(ask.limits));
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const place = `PostgreSQL at ${host}${host.startsWith('/') ? '' : `:${port}`}`;
  if (code === ADDRESS_REFUSED)
    return new SourceFailure(
      `${place} is not on the public internet; list the host in allowedHosts if it may be called`,
    );
  const reason = code ?? (error instanceof Error ? error.message.slice(0, SHOWN) : 'unknown');
  return new SourceFailure(`${place} cannot be reached or broke the connection (${reason})`);
}

function refusalOf({ code = 'unknown', message }: DatabaseError, { limits }: SqlAsk): SourceFailure {
  if (code.startsWith('28'))
    return new SourceFailure(`PostgreSQL refused the credentials (${code}); check user and password`);
  if (code === CANCELLED) return new SourceFailure(tookTooLong(limits));
  if (code === READ_ONLY)
    return new SourceFailure('the query writes, and is run in a read-only transaction; give a SELECT');
  return new SourceFailure(`PostgreSQL refused the query (${code}): ${message.slice(0, SHOWN)}`);
}

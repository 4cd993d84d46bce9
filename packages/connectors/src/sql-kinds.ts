import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { clickHouseDatabase } from './clickhouse-query.ts';
import { ConnectorError } from './connector-error.ts';
import { MAX_ANSWER_BYTES } from './guarded-fetch.ts';
import { durationSchema, httpAccessSchema, openHttpAccess, secretRefSchema } from './http-access.ts';
import type { MetricSource } from './ports.ts';
import { postgresDatabase } from './postgres-query.ts';
import type { SourceDeps } from './source-deps.ts';
import { sqlSource } from './sql-source.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_ROWS = 100_000;
const DEFAULT_PORT = 5432;

const maxRowsSchema = z.int().min(1).max(1_000_000);

/** Settings of a source of kind `postgres`. */
export const postgresSettingsSchema = z.strictObject({
  /** Name, address, or the directory of a socket. */
  host: z.string().min(1),
  port: z.int().min(1).max(65_535).optional(),
  database: z.string().min(1),
  /** A role that can only read. */
  user: z.string().min(1),
  password: secretRefSchema.optional(),
  /** Default: `verify`, and `off` for a socket. */
  tls: z.union([z.enum(['verify', 'off']), z.strictObject({ caFile: z.string() })]).optional(),
  /** Default: 30 s. */
  timeout: durationSchema.optional(),
  /** Default: 100 000. */
  maxRows: maxRowsSchema.optional(),
});

/** A source over a PostgreSQL. @throws ConnectorError `SECRET_INVALID`, `SOURCE_INVALID` */
export function openPostgresSource(settings: z.output<typeof postgresSettingsSchema>, deps: SourceDeps): MetricSource {
  const { host, port = DEFAULT_PORT, database, user, tls = host.startsWith('/') ? 'off' : 'verify' } = settings;
  const ca = typeof tls === 'object' ? fileOf(tls.caFile, deps) : undefined;
  const connection = {
    ...{ host, port, database, user },
    password: settings.password === undefined ? '' : secretOf(settings.password.secretRef, deps),
    tls: tls === 'off' ? tls : ('verify' as const),
    ...(ca !== undefined && { ca }),
    policy: deps.policy,
  };
  const { timeout = DEFAULT_TIMEOUT_MS, maxRows = DEFAULT_MAX_ROWS } = settings;
  const limits = { timeoutMs: timeout, maxRows, maxBytes: MAX_ANSWER_BYTES };
  return sqlSource({ name: deps.name, database: postgresDatabase(connection), limits });
}

function secretOf(ref: string, { name, secretOf: read }: SourceDeps): string {
  const value = read(ref);
  if (value !== undefined && value !== '') return value;
  throw new ConnectorError('SECRET_INVALID', `sources.${name}: ${ref} is not set; give it in the environment`);
}

function fileOf(path: string, { name }: SourceDeps): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new ConnectorError('SOURCE_INVALID', `sources.${name}.tls.caFile: ${path} cannot be read (${code})`);
  }
}

/** Settings of a source of kind `clickhouse`; user and password are those of `auth.basic`. */
export const clickHouseSettingsSchema = httpAccessSchema.extend({
  database: z.string().min(1).optional(),
  /** The user's profile forbids settings. Default: false. */
  isReadonlyUser: z.boolean().optional(),
  /** Default: 100 000. */
  maxRows: maxRowsSchema.optional(),
});

/** A source over a ClickHouse, by its HTTP interface. @throws ConnectorError `URL_REFUSED`, `SECRET_INVALID`, `SOURCE_INVALID` */
export function openClickHouseSource(
  { database, isReadonlyUser, maxRows = DEFAULT_MAX_ROWS, ...http }: z.output<typeof clickHouseSettingsSchema>,
  deps: SourceDeps,
): MetricSource {
  const access = openHttpAccess(http, deps);
  const options = { access, ...(database !== undefined && { database }), ...(isReadonlyUser && { isReadonlyUser }) };
  const limits = { timeoutMs: access.timeoutMs, maxRows, maxBytes: MAX_ANSWER_BYTES };
  return sqlSource({ name: deps.name, database: clickHouseDatabase(options), limits });
}

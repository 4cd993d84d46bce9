import type { MetricQuery } from './ports.ts';
import type { AddressLookup, UrlPolicy } from './url-guard.ts';

/** Where outgoing connections may go, and how names are looked up. */
type Reach = {
  /** Default: the public internet only. */
  readonly policy?: UrlPolicy;
  /** Default: the lookup of the system. */
  readonly lookup?: AddressLookup;
};

/** How to reach a PostgreSQL. Give it a role that can only read. */
export type PostgresConnection = Reach & {
  readonly engine: 'postgres';
  /** Name, address, or the directory of a socket. */
  readonly host: string;
  /** Default: 5432. */
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  /** Never shown. */
  readonly password?: string;
  /** `verify`: encrypted, to whom the certificate says. Default: `verify`, and `off` for a socket. */
  readonly tls?: 'verify' | 'off';
  /** Certificate authority in PEM. Default: those of Node. */
  readonly ca?: string;
};

/** How to reach a ClickHouse, by its HTTP interface. */
export type ClickHouseConnection = Reach & {
  readonly engine: 'clickhouse';
  readonly url: string;
  readonly database?: string;
  readonly user?: string;
  /** Never shown. */
  readonly password?: string;
  /**
   * The user's own profile is read-only, so that it may not set anything: its profile then sets time and row limits, and
   * instants are to be given as epochs. Default: false, Rampart sets them.
   */
  readonly isReadonlyUser?: boolean;
};

/** How to reach a SQL database. */
export type SqlConnection = PostgresConnection | ClickHouseConnection;

/** Bounds of one answer. */
export type SqlLimits = { readonly timeoutMs: number; readonly maxRows: number; readonly maxBytes: number };

/** An answer as the database gives it: numbers of 64 bits are texts. */
export type SqlTable = { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] };

/** What is asked: statements one after the other, all with the same parameters. */
export type SqlAsk = {
  readonly statements: readonly string[];
  readonly query: MetricQuery;
  readonly limits: SqlLimits;
  readonly signal: AbortSignal;
};

/** The bound on rows, in words. */
export function tooManyRows({ maxRows }: SqlLimits): string {
  return `the query gives more than ${maxRows} rows; add them up per user or per user bucket`;
}

/** The bound on bytes, in words. */
export function tooManyBytes({ maxBytes }: SqlLimits): string {
  return `the answer is larger than ${Math.round(maxBytes / 2 ** 20)} MiB; add rows up per user bucket, and leave out columns that are not needed`;
}

/** The bound on time, in words. */
export function tookTooLong({ timeoutMs }: SqlLimits): string {
  return `no answer within ${timeoutMs / 1000} s; make the query cheaper, for example by an index on its time column`;
}

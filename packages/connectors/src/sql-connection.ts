import type { MetricQuery } from './ports.ts';

/** Bounds of one answer. */
export type SqlLimits = { readonly timeoutMs: number; readonly maxRows: number; readonly maxBytes: number };

/** An answer as the database gives it: numbers of 64 bits are texts. */
export type SqlTable = { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] };

/** What is asked: statements one after the other, all with the same parameters. */
export type SqlAsk = {
  readonly statements: readonly string[];
  readonly query: MetricQuery;
  readonly limits: SqlLimits;
};

/** A way to a database, ready to use. Rejects with `SourceFailure` only. */
export type SqlDatabase = (ask: SqlAsk) => Promise<readonly SqlTable[]>;

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

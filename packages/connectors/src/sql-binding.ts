import type { Metric } from '@rampart/rollout';
import { ConnectorError } from './connector-error.ts';
import { parameterNames, SQL_PARAMETERS } from './sql-parameters.ts';

/** What a metric from a SQL database is bound to. */
export type SqlBinding = {
  /** One SELECT with the parameters of `SQL_PARAMETERS`. */
  readonly query: string;
  /** One SELECT of a single timestamp: when the newest row was written. Absent: what the database has is taken as complete. */
  readonly freshness?: string;
};

const KEYS: readonly string[] = ['query', 'freshness'];
const FILE = /^[^\s;'"]+\.sql$/;

/**
 * What a plan's metric from a SQL database is bound to: `query`, and where the table is filled late `freshness`. The query
 * must use `:from` and `:to` (or `:fromMs` and `:toMs`): one that answers the same at every read would count everything again.
 * @throws ConnectorError `BINDING_INVALID`
 */
export function readSqlBinding({ name, binding }: Metric): SqlBinding {
  const problem = (what: string) => new ConnectorError('BINDING_INVALID', `metrics.${name}: ${what}`);
  const unknown = Object.keys(binding).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw problem(`${unknown} is not a key of a SQL metric; it has ${KEYS.join(', ')}`);
  const textOf = (key: string): string => {
    const value = binding[key];
    if (typeof value !== 'string' || value.trim() === '')
      throw problem(
        value === undefined ? `${key} is missing; give a SELECT` : `${key} is ${JSON.stringify(value)}; give a SELECT`,
      );
    if (FILE.test(value.trim()))
      throw problem(
        `${key} is the name of a file (${value.trim()}), which this server does not have; send the plan with the rampart command, which puts the text of the file in its place`,
      );
    const wrong = parameterNames(value).find((one) => !(SQL_PARAMETERS as readonly string[]).includes(one));
    if (wrong !== undefined)
      throw problem(
        `${key} has the parameter :${wrong}, which is not known; use ${SQL_PARAMETERS.map((one) => `:${one}`).join(', ')}`,
      );
    return value;
  };
  const query = textOf('query');
  const used = parameterNames(query);
  if (!(used.includes('from') || used.includes('fromMs')) || !(used.includes('to') || used.includes('toMs')))
    throw problem(
      'query must ask for the interval: WHERE at >= :from AND at < :to. Without, it would count the same rows again at every read',
    );
  return { query, ...(binding.freshness !== undefined && { freshness: textOf('freshness') }) };
}

/** Whether a query gives a column `arm`, as far as its text tells. */
export function namesArm(query: string): boolean {
  return /\barm\b/i.test(query);
}

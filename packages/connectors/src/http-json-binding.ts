import type { JsonValue } from '@rampart/flags';
import type { Metric } from '@rampart/rollout';
import { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import { jsonPathSchema } from './json-path.ts';
import { REQUEST_VARIABLES, variableNames } from './request-template.ts';
import { COLUMNS, type Column } from './rows-evidence.ts';
import { schemaProblem } from './schema-problem.ts';

const json = z.json() as z.ZodType<JsonValue>;
const bindingSchema = z.strictObject({
  request: z.strictObject({
    /** Behind the URL of the source. Default: none. */
    path: z.string().regex(/^\//, 'expected a path that begins with /').optional(),
    /** Default: POST with a body, GET without. */
    method: z.enum(['GET', 'POST']).optional(),
    /** A list repeats its key; an object is sent as its JSON. */
    query: z.record(z.string(), json).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    /** Sent as JSON, or as it is where it is a text. */
    body: json.optional(),
  }),
  /** Each value it selects is a row. Default: the answer is the one row. */
  rows: jsonPathSchema.optional(),
  /** Where in a row each column is. */
  columns: z.strictObject(
    Object.fromEntries(COLUMNS.map((column) => [column, jsonPathSchema.optional()])) as Record<
      Column,
      z.ZodOptional<typeof jsonPathSchema>
    >,
  ),
  /** What it selects, unless empty or false, is an error that came as a success. */
  failure: jsonPathSchema.optional(),
  /** An answer in which it selects something, neither empty nor false, is only a part. */
  partial: jsonPathSchema.optional(),
  /** `text`: the answer is one number as text, `$` of its columns. Default: `json`. */
  format: z.enum(['json', 'text']).optional(),
});

/** What a metric from a JSON API is bound to. */
export type HttpJsonBinding = z.output<typeof bindingSchema>;

/** Columns that each kind of metric can be counted from: any one of these sets. */
const NEEDED = {
  proportion: [
    ['bad', 'total'],
    ['value', 'total'],
    ['value', 'user'],
  ],
  mean: [['value'], ['total', 'sum', 'sumSquares']],
  ratio: [['value'], ['total', 'sum', 'sumSquares']],
  quantile: [['value']],
  rate: [['total']],
  count: [['total'], ['at']],
} as const satisfies Readonly<Record<Metric['kind'], readonly (readonly Column[])[]>>;

/**
 * What a plan's metric from a JSON API is bound to: a request with variables, and where in the answer the numbers are
 * (JSONPath, RFC 9535). The request has to ask for the interval, or rows have to carry their instant: counts that are the same
 * at every read would be counted again. @throws ConnectorError `BINDING_INVALID`
 */
export function readHttpJsonBinding(metric: Metric): HttpJsonBinding {
  const { name, kind } = metric;
  const problem = (what: string) => new ConnectorError('BINDING_INVALID', `metrics.${name}: ${what}`);
  const read = bindingSchema.safeParse(metric.binding);
  if (!read.success) throw problem(schemaProblem(read.error));
  const { data: binding } = read;
  const used = variableNames(binding.request);
  const unknown = used.find((one) => !(REQUEST_VARIABLES as readonly string[]).includes(one));
  if (unknown !== undefined)
    throw problem(`request has the variable {{${unknown}}}, which is not known; use ${REQUEST_VARIABLES.join(', ')}`);
  const has = (column: Column) => binding.columns[column] !== undefined;
  if (!NEEDED[kind].some((columns) => columns.every(has))) {
    const forms = NEEDED[kind].map((columns) => columns.join(' and ')).join(', or ');
    throw problem(`columns gives ${COLUMNS.filter(has).join(', ') || 'none'}; a ${kind} needs ${forms}`);
  }
  const asksInterval = used.some((one) => one.startsWith('from')) && used.some((one) => /^(?:to|last)/.test(one));
  if (!asksInterval && !has('at') && !isGauge(binding, kind))
    throw problem(
      'request has to ask for the interval, with {{fromMs}} and {{toMs}} for example, or columns has to have at; else the same would be counted at every read',
    );
  return binding;
}

/** A reading of how things stand: each read is one more observation, and none is counted twice. */
function isGauge({ columns }: HttpJsonBinding, kind: Metric['kind']): boolean {
  return (kind === 'mean' || kind === 'ratio') && columns.value !== undefined && columns.total === undefined;
}

/** Whether answers say which variant a row is of: by a column, or because each variant is asked for. */
export function tellsVariants({ request, columns }: HttpJsonBinding): boolean {
  return columns.arm !== undefined || asksPerVariant(request);
}

/** Whether the request names the variant, so that it is sent once for each. */
export function asksPerVariant(request: HttpJsonBinding['request']): boolean {
  return variableNames(request).includes('variant');
}

import type { JsonValue } from '@rampart/flags';
import { type HttpAccess, type HttpAccessSettings, openHttpAccess } from './http-access.ts';
import { askHttp, type HttpQuestion, type HttpReply, refuseFailure, shownText } from './http-ask.ts';
import { asksPerVariant, type HttpJsonBinding, readHttpJsonBinding } from './http-json-binding.ts';
import type { JsonPath } from './json-path.ts';
import { jsonIn } from './json-record.ts';
import type { MetricQuery, MetricSource, SourceAnswer } from './ports.ts';
import { fillJson, fillText, type Variables, variablesOf } from './request-template.ts';
import { answerOfRows, type Column, type Row } from './rows-evidence.ts';
import type { SourceDeps } from './source-deps.ts';
import { answering, SourceFailure } from './source-failure.ts';

/** Columns of which a path may select several numbers, for example the points of a series: their sum is taken. */
const SUMMED: readonly Column[] = ['total', 'bad', 'sum', 'sumSquares'];

/** A metric source over any API that answers in JSON, as each metric's binding says. */
function httpJsonSource({ name, access }: { readonly name: string; readonly access: HttpAccess }): MetricSource {
  return {
    name,
    read: (query) => answering(query.metric.name, () => readOnce(access, name, query)),
  };
}

/** A source of kind `http-json`. @throws ConnectorError `URL_REFUSED`, `SECRET_INVALID`, `SOURCE_INVALID` */
export function openHttpJsonSource(settings: HttpAccessSettings, deps: SourceDeps): MetricSource {
  return httpJsonSource({ name: deps.name, access: openHttpAccess(settings, deps) });
}

async function readOnce(access: HttpAccess, system: string, query: MetricQuery): Promise<SourceAnswer> {
  const binding = readHttpJsonBinding(query.metric);
  const isPerVariant = asksPerVariant(binding.request);
  const rows: Row[] = [];
  for (const variant of isPerVariant ? [query.treatment, query.control] : ['']) {
    const question = questionOf(binding.request, variablesOf(query, variant), { access, system });
    const found = rowsOf(await askHttp(access, question, query), binding, { access, system });
    rows.push(...(isPerVariant ? found.map((row) => ({ ...row, arm: variant })) : found));
  }
  return answerOfRows(rows, query);
}

type Asked = { readonly access: HttpAccess; readonly system: string };

function questionOf(
  request: HttpJsonBinding['request'],
  variables: Variables,
  { access, system }: Asked,
): HttpQuestion {
  const url = new URL(access.url + fillText(request.path ?? '', variables, encodeURIComponent));
  for (const [key, value] of Object.entries(request.query ?? {})) {
    const filled = fillJson(value, variables);
    for (const one of Array.isArray(filled) ? filled : [filled]) url.searchParams.append(key, textOf(one));
  }
  const headers = Object.entries(request.headers ?? {}).map(([key, text]) => [
    key.toLowerCase(),
    fillText(text, variables),
  ]);
  const body = request.body === undefined ? undefined : textOf(fillJson(request.body, variables));
  const isJson = body !== undefined && typeof request.body !== 'string';
  return {
    system,
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    url: url.href,
    headers: {
      accept: 'application/json',
      ...(isJson && { 'content-type': 'application/json' }),
      ...Object.fromEntries(headers),
    },
    ...(body !== undefined && { body }),
  };
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function rowsOf(reply: HttpReply, binding: HttpJsonBinding, { access, system }: Asked): readonly Row[] {
  refuseFailure(reply, system, access);
  const root = binding.format === 'text' ? reply.text.trim() : jsonIn(reply.text);
  if (root === undefined) throw new SourceFailure(`${system} did not answer in JSON: ${shownText(reply.text, access)}`);
  const failed = binding.failure?.select(root).find(saysSomething);
  if (failed !== undefined)
    throw new SourceFailure(`${system} answered with an error: ${shownText(textOf(failed as JsonValue), access)}`);
  if (binding.partial?.select(root).some(saysSomething))
    throw new SourceFailure(
      `${system} gave only a part of the answer (by ${binding.partial.text}); ask for less, or for larger pages`,
      'partial',
    );
  const found = binding.rows === undefined ? [root] : binding.rows.select(root);
  return found.map((row) => rowOf(row, binding.columns));
}

/** Whether a value is more than an empty place: APIs also send `errors: []` and `hasMore: false`. */
function saysSomething(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** A column that is bound and not found is there without a value: it never falls back to a default. */
function rowOf(value: unknown, columns: HttpJsonBinding['columns']): Row {
  const bound = Object.entries(columns) as readonly (readonly [Column, JsonPath | undefined])[];
  return Object.fromEntries(
    bound.flatMap(([column, path]) => (path === undefined ? [] : [[column, cellOf(value, column, path)]])),
  );
}

function cellOf(row: unknown, column: Column, path: JsonPath): unknown {
  const found = path.select(row).filter((one) => one !== null);
  if (found.length <= 1) return found[0] ?? null;
  if (!SUMMED.includes(column))
    throw new SourceFailure(
      `columns.${column} (${path.text}) selects ${found.length} values of one row; make it select one`,
    );
  const numbers = found.map(Number);
  if (numbers.every(Number.isFinite)) return numbers.reduce((sum, number) => sum + number, 0);
  throw new SourceFailure(
    `columns.${column} (${path.text}) selects ${JSON.stringify(found[numbers.findIndex((one) => !Number.isFinite(one))])}, which is no number`,
  );
}

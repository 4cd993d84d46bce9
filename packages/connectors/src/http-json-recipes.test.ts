import { readFileSync } from 'node:fs';
import { type Metric, parsePlan } from '@rampart/rollout';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type HttpFake, type Reply, type Seen, startHttpFake } from './http-fake.test.support.ts';
import { SOURCE_KINDS } from './source-kinds.ts';
import { queryOf, totalsOf } from './source-query.test.support.ts';

const PAGE = readFileSync(new URL('../../../docs/how-to/metrics-from-apis.md', import.meta.url), 'utf8');

/** The settings and the metric of a recipe, as they stand in the docs. */
function recipe(vendor: string): { readonly settings: Readonly<Record<string, unknown>>; readonly metric: Metric } {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(vendor)) ?? '';
  const [, sources = ''] = /```yaml sources\n([\s\S]*?)```/.exec(section) ?? [];
  const [, plan = ''] = /```yaml plan\n([\s\S]*?)```/.exec(section) ?? [];
  const [settings] = Object.values((parse(sources) as { sources: Record<string, Record<string, unknown>> }).sources);
  const result = parsePlan(plan);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  const metric = Object.values(result.plan.metrics).find(({ source }) => source !== 'telemetry');
  if (settings === undefined || metric === undefined) throw new Error(`the page has no recipe for ${vendor}`);
  return { settings, metric };
}

let fake: HttpFake;
beforeEach(async () => {
  fake = await startHttpFake();
});
afterEach(() => fake.stop());

/** Reads the recipe's metric from a fake that answers so; `key` is the secret. */
async function read(vendor: string, answer: (seen: Seen) => Reply, key = 'the-key') {
  fake.answer = answer;
  const { settings, metric } = recipe(vendor);
  const { kind, every: _every, ...rest } = settings;
  const opened = SOURCE_KINDS[String(kind)]?.open(
    { ...rest, url: fake.url },
    { name: vendor, secretOf: () => key, policy: { allowedHosts: ['127.0.0.1'] } },
  );
  return opened?.read(queryOf(metric)) ?? { kind: 'error' as const, message: 'no such kind' };
}
const reads = async (...args: Parameters<typeof read>) => totalsOf(await read(...args));

const { fromAt, toAt } = queryOf(recipe('Datadog').metric);
const isOf = (variant: string, { body, url }: Seen) =>
  `${body}${decodeURIComponent(url.search)}`.includes(`variant:${variant}`);

describe('the recipe for Datadog (contract-tested against recorded shapes)', () => {
  const columns = (bad: number | null, total: number | null) => ({
    data: {
      type: 'scalar_response',
      attributes: {
        columns: [
          { name: 'default_zero(bad)', type: 'number', values: [bad], meta: { unit: null } },
          { name: 'total', type: 'number', values: [total], meta: { unit: null } },
        ],
      },
    },
  });

  it('sums what each variant had in the interval', async () => {
    expect(
      await reads('Datadog', (seen) => {
        expect([seen.method, seen.url.pathname]).toEqual(['POST', '/api/v2/query/scalar']);
        expect([seen.headers['dd-api-key'], seen.headers['dd-application-key']]).toEqual(['the-key', 'the-key']);
        const { from, to, queries } = JSON.parse(seen.body).data.attributes;
        expect([from, to, queries.length]).toEqual([fromAt, toAt, 2]);
        return { body: isOf('on', seen) ? columns(3, 100) : columns(0, 900) };
      }),
    ).toEqual({ treatment: [100, 3], control: [900, 0] });
    expect(fake.seen[0]?.body).toContain('sum:http.errors{variant:on}.as_count()');
  });

  it('takes null for no data, and lists of errors, refused keys and patience for what they are', async () => {
    expect(await reads('Datadog', () => ({ body: columns(0, null) }))).toBe('no-data');
    expect(await reads('Datadog', () => ({ body: { errors: ['Query parse error'] } }))).toMatch(/Query parse error/);
    expect(await reads('Datadog', () => ({ status: 403, body: { errors: ['Forbidden'] } }))).toMatch(/credentials/);
    const limited = { status: 429, headers: { 'x-ratelimit-reset': '27' }, body: { errors: ['Rate limit'] } };
    expect(await read('Datadog', () => limited)).toMatchObject({ kind: 'error', reason: 'throttled' });
  });
});

describe('the recipe for New Relic (contract-tested against recorded shapes)', () => {
  const results = (rows: readonly object[]) => ({ data: { actor: { account: { nrql: { results: rows } } } } });

  it('reads a row for each facet', async () => {
    const rows = [
      { facet: 'on', variant: 'on', total: 100, bad: 3 },
      { facet: 'off', variant: 'off', total: 900, bad: 0 },
      { facet: null, variant: null, total: 5, bad: 5 },
    ];
    expect(
      await reads('New Relic', (seen) => {
        expect([seen.url.pathname, seen.headers['api-key']]).toEqual(['/graphql', 'the-key']);
        expect(JSON.parse(seen.body).query).toContain(`SINCE ${fromAt} UNTIL ${toAt}"`);
        return { body: results(rows) };
      }),
    ).toEqual({ treatment: [100, 3], control: [900, 0] });
  });

  it('takes an error of GraphQL, which comes as a success, for an error, and no facet for no data', async () => {
    const error = { data: { actor: { account: { nrql: null } } }, errors: [{ message: 'NRQL Syntax Error' }] };
    expect(await reads('New Relic', () => ({ body: error }))).toMatch(/answered with an error: .*NRQL Syntax Error/);
    expect(await reads('New Relic', () => ({ body: results([]) }))).toBe('no-data');
  });
});

describe('the recipe for Langfuse (contract-tested against recorded shapes)', () => {
  it('takes the average of scores and their number for a share', async () => {
    expect(
      await reads('Langfuse', (seen) => {
        expect(seen.headers.authorization).toBe(`Basic ${btoa('pk-lf-1234:the-key')}`);
        const query = JSON.parse(seen.url.searchParams.get('query') ?? '');
        expect([query.view, query.fromTimestamp]).toEqual(['scores-numeric', '2026-11-23T10:00:00.000Z']);
        // ClickHouse is below: counts are texts.
        return {
          body: {
            data: [isOf('on', seen) ? { avg_value: 0.25, count_count: '400' } : { avg_value: 0.1, count_count: '50' }],
          },
        };
      }),
    ).toEqual({ treatment: [400, 100], control: [50, 5] });
  });

  it('takes no score for no data', async () => {
    expect(await reads('Langfuse', () => ({ body: { data: [{ avg_value: null, count_count: '0' }] } }))).toBe(
      'no-data',
    );
    expect(await reads('Langfuse', () => ({ status: 400, body: { message: 'Invalid request data' } }))).toMatch(/400/);
  });
});

describe('the recipe for Sentry (contract-tested against recorded shapes)', () => {
  it('reads a row for each variant, by the names of its functions', async () => {
    const data = [
      { variant: 'on', 'count()': 100, 'failure_count()': 3 },
      { variant: 'off', 'count()': 900, 'failure_count()': 9 },
    ];
    expect(
      await reads('Sentry', (seen) => {
        expect(seen.headers.authorization).toBe('Bearer the-key');
        expect(seen.url.searchParams.getAll('field')).toEqual(['variant', 'count()', 'failure_count()']);
        expect(seen.url.searchParams.get('end')).toBe('2026-11-23T11:00:00.000Z');
        return { body: { data, meta: { fields: { variant: 'string', 'count()': 'integer' }, units: {} } } };
      }),
    ).toEqual({ treatment: [100, 3], control: [900, 9] });
  });

  it('takes refusals and limits for what they are', async () => {
    expect(await reads('Sentry', () => ({ status: 401, body: { detail: 'Invalid token' } }))).toMatch(/credentials/);
    const limited = {
      status: 429,
      headers: { 'x-sentry-rate-limit-reset': '1' },
      body: { detail: 'You are rate limited' },
    };
    expect(await read('Sentry', () => limited)).toMatchObject({ reason: 'throttled' });
  });
});

describe('the recipe for PostHog (contract-tested against recorded shapes)', () => {
  const answer = (results: readonly unknown[], hasMore = false) => ({
    columns: ['person_id', 'variant', 'bought'],
    types: ['UUID', 'Nullable(String)', 'UInt8'],
    results,
    hasMore,
    error: null,
  });

  it('reads a row for each person', async () => {
    const rows = [
      ['0190-a', 'on', 1],
      ['0190-b', 'on', 0],
      ['0190-c', 'off', 1],
    ];
    expect(
      await reads('PostHog', (seen) => {
        expect([seen.url.pathname, seen.headers.authorization]).toEqual([
          '/api/projects/12345/query/',
          'Bearer the-key',
        ]);
        expect(JSON.parse(seen.body).query.query).toContain(`fromUnixTimestamp64Milli(${fromAt})`);
        return { body: answer(rows) };
      }),
    ).toEqual({ treatment: [2, 1], control: [1, 1] });
  });

  it('takes the first of several pages for a part, and a quota for patience', async () => {
    expect(await read('PostHog', () => ({ body: answer([['a', 'on', 1]], true) }))).toMatchObject({
      reason: 'partial',
    });
    const limited = { status: 429, headers: { 'retry-after': '1800' }, body: { type: 'throttled_error' } };
    expect(await read('PostHog', () => limited)).toMatchObject({ reason: 'throttled', retryAfterMs: 1_800_000 });
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpFake, type Reply, type Seen, startHttpFake } from './http-fake.test.support.ts';
import { type MetricSourceHarness, metricSourceContract } from './metric-source.contract.ts';
import { HOUR, metricOf, queryOf, totalsOf } from './source-query.test.support.ts';
import { clickHouseSettingsSchema, openClickHouseSource } from './sql-kinds.ts';
import type { UrlPolicy } from './url-guard.ts';

const QUERY = 'SELECT bucket, arm, total, bad FROM requests WHERE at >= :from AND at < :to AND flag = :flag';
const metric = metricOf({ query: QUERY, freshness: 'SELECT max(at) FROM requests' });
const query = queryOf(metric);

/** What ClickHouse gives for a table: 64-bit numbers as texts, instants in ISO 8601. */
const table = (columns: readonly (readonly [name: string, type: string])[], rows: readonly (readonly unknown[])[]) => ({
  meta: columns.map(([name, type]) => ({ name, type })),
  data: rows,
  rows: rows.length,
  statistics: { elapsed: 0.001, rows_read: rows.length, bytes_read: 1 },
});
const COUNTED = [
  ['bucket', 'Int64'],
  ['arm', 'String'],
  ['total', 'UInt64'],
  ['bad', 'UInt64'],
] as const;
const counted = (rows: readonly (readonly unknown[])[]) => table(COUNTED, rows);
const newest = (at: string) => table([['max(at)', 'DateTime64(3)']], [[at]]);
const exception = (code: number, words: string) =>
  `Code: ${code}. DB::Exception: ${words}. (NAME) (version 25.8.1.1 (official build))\n`;

/** Refuses what the real one refuses: other credentials (516), and a parameter without its value (456). */
function refusal({ headers, body, url }: Seen): Reply | undefined {
  if (headers.authorization !== `Basic ${btoa('reader:s3cret')}`) {
    const words = 'reader: Authentication failed: password is incorrect, or there is no user with such name';
    return { status: 403, headers: { 'x-clickhouse-exception-code': '516' }, body: exception(516, words) };
  }
  const missing = [...body.matchAll(/\{(\w+):/g)].find(([, name]) => !url.searchParams.has(`param_${name}`));
  return missing && { status: 400, body: exception(456, `Substitution \`${missing[1]}\` is not set`) };
}

let fake: HttpFake;
beforeEach(async () => {
  fake = await startHttpFake();
});
afterEach(() => fake.stop());

/** Answers the freshness query and the query itself. */
const given = (rows: Reply, at = '2026-11-23T11:00:00.000Z') => {
  fake.answer = (seen) => refusal(seen) ?? (seen.body.startsWith('SELECT max') ? { body: newest(at) } : rows);
};
const SECRETS: Readonly<Record<string, string>> = { CLICKHOUSE_PASSWORD: 's3cret', WRONG: 'hunter2' };
const sourceOf = (change: object = {}, policy: UrlPolicy = { allowedHosts: ['127.0.0.1'] }) =>
  openClickHouseSource(
    clickHouseSettingsSchema.parse({
      url: fake.url,
      database: 'events',
      auth: { basic: { user: 'reader', password: { secretRef: 'CLICKHOUSE_PASSWORD' } } },
      ...change,
    }),
    { name: 'warehouse', secretOf: (ref) => SECRETS[ref], policy },
  );
const read = (change: object = {}) => sourceOf(change).read(query);

function harness(): MetricSourceHarness {
  return {
    source: sourceOf(),
    query,
    given: (situation) => {
      const rows =
        situation === 'observed'
          ? [
              ['3', 'on', '4', '1'],
              ['40', 'on', '6', '2'],
            ]
          : [];
      // An empty table has the first instant of all as its newest.
      const at = { silent: '1970-01-01T00:00:00.000Z', stopped: '2026-11-23T08:00:00.000Z' }[situation as string];
      given(
        situation === 'failing'
          ? { status: 500, body: exception(241, 'Memory limit exceeded') }
          : { body: counted(rows) },
        at,
      );
    },
  };
}

describe('sqlSource over a fake of ClickHouse keeps the contract of metric sources', () => {
  it.each(metricSourceContract)('$name', ({ run }) => run(harness()));
});

describe('sqlSource over a fake of ClickHouse', () => {
  it('sends the query read-only with limits, parameters apart, and credentials in headers', async () => {
    given({ body: counted([]) });
    await read();
    const [, asked] = fake.seen;
    expect(asked?.body).toBe(
      "SELECT bucket, arm, total, bad FROM requests WHERE at >= {from:DateTime64(3,'UTC')} AND at < {to:DateTime64(3,'UTC')} AND flag = {flag:String}",
    );
    expect(Object.fromEntries(asked?.url.searchParams ?? [])).toEqual({
      database: 'events',
      default_format: 'JSONCompact',
      wait_end_of_query: '1',
      readonly: '1',
      max_execution_time: '30',
      max_result_rows: '100000',
      result_overflow_mode: 'throw',
      date_time_output_format: 'iso',
      output_format_json_quote_64bit_integers: '1',
      param_from: '2026-11-23 10:00:00.000',
      param_to: '2026-11-23 11:00:00.000',
      param_flag: 'feature-xyz',
    });
  });

  it('sends no setting for a user who may set none', async () => {
    given({ body: counted([]) });
    await read({ isReadonlyUser: true });
    expect(fake.seen[1]?.url.searchParams.has('readonly')).toBe(false);
  });

  it('gives a value with tabs and line ends as a field of TSV', async () => {
    given({ body: counted([]) });
    await sourceOf().read({ ...query, flag: 'a\tb\\c\nd' });
    expect(fake.seen[1]?.url.searchParams.get('param_flag')).toBe('a\\tb\\\\c\\nd');
  });

  it.each<readonly [string, Reply, object, RegExp]>([
    [
      'with an exception in a 200 body',
      { body: `{"meta":[],"data":[\n${exception(395, 'Value passed to throwIf')}` },
      {},
      /refused the query \(395\): Value passed/,
    ],
    [
      'with an exception in a key of the JSON',
      { body: { meta: [], data: [], exception: exception(43, 'Illegal type') } },
      {},
      /\(43\): Illegal type/,
    ],
    [
      'with an exception in a header of a 200',
      { headers: { 'x-clickhouse-exception-code': '60' }, body: counted([]) },
      {},
      /\(60\)/,
    ],
    [
      'with too many rows by its own limit',
      { status: 500, body: exception(396, 'Limit for result exceeded, max rows: 100.00') },
      {},
      /more than 100000 rows/,
    ],
    [
      'with more rows than allowed',
      { body: counted(Array.from({ length: 3 }, () => ['1', 'on', '1', '0'])) },
      { maxRows: 2 },
      /more than 2 rows/,
    ],
    [
      'out of time by its own limit',
      { status: 500, body: exception(159, 'Timeout exceeded: elapsed 30 seconds') },
      {},
      /no answer within 30 s/,
    ],
    ['never', { ends: 'hangs' }, { timeout: '100ms' }, /did not answer in time/],
    ['with half an answer', { body: '{"meta":[', ends: 'breaks' }, {}, /broke off/],
    ['with 33 MiB', { body: `{"meta":[${' '.repeat(33 * 2 ** 20)}` }, {}, /too large/],
    [
      'with a redirect',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      {},
      /answered 302: redirects are not followed/,
    ],
    [
      'of a user who is read-only',
      { status: 500, body: exception(164, "Cannot modify 'max_execution_time' setting in readonly mode") },
      {},
      /set isReadonlyUser/,
    ],
    ['in another format', { body: { meta: [], data: [{ arm: 'on' }] } }, {}, /not of the format JSONCompact/],
    ['too busy', { status: 429, headers: { 'retry-after': '90' } }, {}, /asks for patience of 90 s/],
  ])('answers error when ClickHouse answers %s', async (_, reply, limits, message) => {
    given(reply);
    expect(totalsOf(await read(limits))).toMatch(message);
  });

  it('answers error for credentials it refuses, without showing them, and for a server that is not there', async () => {
    given({ body: counted([]) });
    const answer = await read({ auth: { basic: { user: 'reader', password: { secretRef: 'WRONG' } } } });
    expect(totalsOf(answer)).toBe(
      'metrics.errorRate: ClickHouse refused the credentials (516); check user and password',
    );
    expect(totalsOf(await read({ url: 'http://127.0.0.1:1' }))).toBe(
      'metrics.errorRate: ClickHouse at 127.0.0.1:1 cannot be reached or broke off (ECONNREFUSED)',
    );
  });

  it('is stale when the newest row is older than the lag allows, and reads NaN as no value', async () => {
    given(
      {
        body: counted([
          ['1', 'on', 'nan', '1'],
          ['2', 'on', '3', '1'],
        ]),
      },
      '2026-11-23T09:58:59.000Z',
    );
    expect(await read()).toEqual({ kind: 'stale', newestAt: query.fromAt - HOUR / 60 - 1000 });
    given(
      {
        body: counted([
          ['1', 'on', 'nan', '1'],
          ['2', 'on', '3', '1'],
        ]),
      },
      '2026-11-23T09:59:00.000Z',
    );
    expect(await read()).toMatchObject({ kind: 'value', warnings: [expect.stringContaining('1 row without a value')] });
  });

  it('is not made of a URL that may not be called, or without its secret', () => {
    expect(() => sourceOf({}, {})).toThrow('URL_REFUSED');
    expect(() => sourceOf({ auth: { bearer: { secretRef: 'UNSET' } } })).toThrow('SECRET_INVALID');
  });
});

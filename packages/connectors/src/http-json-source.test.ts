import type { Metric } from '@rampart/rollout';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpAccessSchema } from './http-access.ts';
import { type HttpFake, type Reply, startHttpFake } from './http-fake.test.support.ts';
import { readHttpJsonBinding } from './http-json-binding.ts';
import { openHttpJsonSource } from './http-json-source.ts';
import { type MetricSourceHarness, metricSourceContract } from './metric-source.contract.ts';
import { HOUR, metricOf, queryOf, totalsOf } from './source-query.test.support.ts';

const INTERVAL = { from: '{{fromMs}}', to: '{{toMs}}' };
const COLUMNS = { arm: '$.variant', bucket: '$.bucket', total: '$.total', bad: '$.bad' };
const BINDING: Metric['binding'] = {
  request: { path: '/counts', query: INTERVAL },
  rows: '$.data[*]',
  columns: { ...COLUMNS, newest: '$.upTo' },
  failure: '$.errors',
  partial: '$.hasMore',
};
const row = (variant: unknown, total: unknown, bad: unknown, more: object = {}) => ({ variant, total, bad, ...more });

let fake: HttpFake;
beforeEach(async () => {
  fake = await startHttpFake();
});
afterEach(() => fake.stop());

const SECRETS: Readonly<Record<string, string>> = { API_KEY: 'k-123456', OTHER: 'k-654321' };
const sourceOf = (change: object = {}) =>
  openHttpJsonSource(
    httpAccessSchema.parse({ url: fake.url, headers: { 'X-Api-Key': { secretRef: 'API_KEY' } }, ...change }),
    { name: 'counts', secretOf: (ref) => SECRETS[ref], policy: { allowedHosts: ['127.0.0.1'] } },
  );
const given = (reply: Reply) => {
  fake.answer = ({ headers }) =>
    headers['x-api-key'] === 'k-123456' ? reply : { status: 401, body: `no such key ${headers['x-api-key']}` };
};
const read = (metric: Metric = metricOf(BINDING), change: object = {}) => sourceOf(change).read(queryOf(metric));

function harness(): MetricSourceHarness {
  return {
    source: sourceOf(),
    query: queryOf(metricOf(BINDING)),
    given: (situation) => {
      const observed = [row('on', 4, 1, { bucket: 3 }), row('on', 6, 2, { bucket: 40 })];
      if (situation === 'failing') return given({ status: 500, body: 'oops' });
      if (situation === 'stopped') return given({ body: { data: [{ upTo: '2026-11-23T08:00:00Z' }] } });
      given({ body: { data: situation === 'observed' ? observed : [] } });
    },
  };
}

describe('httpJsonSource keeps the contract of metric sources', () => {
  it.each(metricSourceContract)('$name', ({ run }) => run(harness()));
});

describe('httpJsonSource', () => {
  it.each<readonly [string, Reply, RegExp, string | undefined]>([
    [
      'a failure of the server',
      { status: 502, body: 'bad gateway' },
      /counts answered 502: "bad gateway"/,
      'unreachable',
    ],
    ['wrong credentials', { status: 403, body: '' }, /refused the credentials \(status 403\)/, undefined],
    [
      'patience in seconds',
      { status: 429, headers: { 'retry-after': '30' } },
      /patience of 30 s \(status 429\)/,
      'throttled',
    ],
    [
      'patience until a date',
      { status: 503, headers: { 'retry-after': 'Wed, 01 Jan 2098 00:00:00 GMT' } },
      /patience of 86400 s \(status 503\)/,
      'throttled',
    ],
    [
      'a redirect',
      { status: 307, headers: { location: 'http://127.0.0.1:1/' } },
      /answered 307: redirects are not followed/,
      undefined,
    ],
    ['no JSON', { body: '<html>login</html>' }, /did not answer in JSON: "<html>login/, undefined],
    ['a NaN that is no JSON', { body: '{"data":[{"variant":"on","total":NaN}]}' }, /did not answer in JSON/, undefined],
    [
      'an error that came as a success',
      { body: { data: [], errors: ['no such dataset'] } },
      /answered with an error: .*no such dataset/,
      undefined,
    ],
    [
      'one page of several',
      { body: { data: [row('on', 4, 1)], hasMore: true } },
      /only a part of the answer \(by \$.hasMore\)/,
      'partial',
    ],
    ['half an answer', { body: '{"data":[', ends: 'breaks' }, /broke off/, 'unreachable'],
    ['a giant answer', { body: ' '.repeat(33 * 2 ** 20) }, /too large/, 'too-large'],
    ['more bad than all', { body: { data: [row('on', 4, 5)] } }, /row 1 has 5 bad of 4 in total/, 'contradictory'],
    ['fewer than none', { body: { data: [row('on', -4, 0)] } }, /total of row 1 is -4/, 'contradictory'],
    [
      'a word for a number',
      { body: { data: [row('on', 'many', 0)] } },
      /total of row 1 is "many"; give a number/,
      undefined,
    ],
    ['no variant at all', { body: { data: [{ total: 3, bad: 1 }] } }, /^no-data$/, undefined],
  ])('says what is wrong with %s', async (_, reply, message, reason) => {
    given(reply);
    const answer = await read();
    expect(totalsOf(answer)).toMatch(message);
    expect(answer.kind === 'error' ? answer.reason : undefined).toBe(reason);
  });

  it('says that nothing answers, or not in time', async () => {
    expect(totalsOf(await read(undefined, { url: 'http://127.0.0.1:1' }))).toMatch(/cannot be reached .*ECONNREFUSED/);
    given({ ends: 'hangs' });
    expect(totalsOf(await read(undefined, { timeout: '100ms' }))).toMatch(/did not answer in time/);
  });

  it('shows no secret, though the server repeats it', async () => {
    fake.answer = ({ headers }) => ({ status: 400, body: `bad key ${headers['x-api-key']}` });
    const seen: string[] = [];
    const metric = metricOf(BINDING);
    const answer = await sourceOf().read({ ...queryOf(metric), onExchange: (one) => seen.push(JSON.stringify(one)) });
    expect(totalsOf(answer)).toBe('metrics.errorRate: counts answered 400: "bad key [secret]"');
    expect(seen.join()).not.toContain('k-123456');
    expect(seen.join()).toContain('GET http');
  });

  it('leaves out rows without a value or of neither variant, and says so', async () => {
    given({
      body: { data: [row('on', 4, null), row('on', 'NaN', 1), row('blue', 9, 9), row(null, 9, 9), row('off', 5, 1)] },
    });
    expect(await read()).toMatchObject({
      kind: 'value',
      series: [{ arm: 'control', count: [5], sum: [1], bucket: [-1] }],
      warnings: [
        'metrics.errorRate: 1 row of arm "blue", which is neither on nor off, left out',
        'metrics.errorRate: 2 rows without a value (null or NaN) left out',
      ],
    });
  });

  it('leaves out rows whose clock is outside of the interval', async () => {
    const binding = { ...BINDING, columns: { ...COLUMNS, at: '$.at' } };
    given({ body: { data: [row('on', 4, 1, { at: '2026-11-23T10:59:59Z' }), row('on', 4, 1, { at: 1795431600 })] } });
    expect(totalsOf(await read(metricOf(binding)))).toEqual({ treatment: [4, 1] });
  });

  it('asks once for each variant when the request names it, and sums the points of a series', async () => {
    fake.answer = ({ url }) => ({
      body: {
        points:
          url.pathname === '/q/on'
            ? [
                [1, 4],
                [2, null],
                [3, 6],
              ]
            : [],
      },
    });
    const binding = { request: { path: '/q/{{variant}}', query: INTERVAL }, columns: { total: '$.points[*][1]' } };
    const throughput = metricOf(binding, { name: 'throughput', kind: 'rate' });
    expect(totalsOf(await read(throughput))).toEqual({ treatment: [10, 10] });
    expect(fake.seen.map(({ url }) => url.pathname)).toEqual(['/q/on', '/q/off']);
  });

  it('fills a body with numbers and texts, and encodes what stands in a URL', async () => {
    given({ body: { data: [] } });
    const binding = {
      ...BINDING,
      request: {
        path: '/f/{{flag}}',
        query: { field: ['a', 'b'], filter: { since: '{{from}}' } },
        headers: { 'X-Rollout': '{{rollout}}' },
        body: { from: '{{fromMs}}', last: '{{ lastS }}', text: 'until {{to}}' },
      },
    };
    await sourceOf().read(queryOf(metricOf(binding), { flag: 'a/b?c' }));
    const [seen] = fake.seen;
    expect(seen?.method).toBe('POST');
    expect(seen?.url.pathname).toBe('/f/a%2Fb%3Fc');
    expect([...(seen?.url.searchParams ?? [])]).toEqual([
      ['field', 'a'],
      ['field', 'b'],
      ['filter', '{"since":"2026-11-23T10:00:00.000Z"}'],
    ]);
    expect(seen?.headers['x-rollout']).toBe('feature-xyz-1');
    const { fromAt, toAt } = queryOf(metricOf(BINDING));
    expect(JSON.parse(seen?.body ?? '')).toEqual({
      from: fromAt,
      last: toAt / 1000 - 1,
      text: 'until 2026-11-23T11:00:00.000Z',
    });
  });

  it('reads a number that is not JSON, of the one variant that everyone sees', async () => {
    given({ body: '0.97\n' });
    const gauge = metricOf({ request: {}, columns: { value: '$' }, format: 'text' }, { kind: 'mean', harm: 'lower' });
    expect(totalsOf(await sourceOf().read(queryOf(gauge, { stratum: 100_000 })))).toEqual({ treatment: [1, 0.97] });
    expect(totalsOf(await sourceOf().read(queryOf(gauge, { stratum: 0 })))).toEqual({ control: [1, 0.97] });
    expect(totalsOf(await read(gauge))).toMatch(/tells no variants apart, while some users see on and others off/);
  });

  it('takes a share with its total, a histogram of values, and counts with their instants', async () => {
    const rows = (...data: readonly object[]) => given({ body: { data } });
    rows({ variant: 'on', value: 0.25, total: 400 });
    const share = metricOf({ ...BINDING, columns: { arm: '$.variant', value: '$.value', total: '$.total' } });
    expect(totalsOf(await read(share))).toEqual({ treatment: [400, 100] });
    const quantile = { ...share, name: 'p99Latency', kind: 'quantile', quantile: 0.99 } as const;
    rows({ variant: 'on', value: 0.5, total: 3 }, { variant: 'on', value: 2, total: 1 });
    expect(await read(quantile)).toMatchObject({
      series: [
        {
          count: [4],
          sum: [3.5],
          bins: [
            [
              [-17, 3],
              [15, 1],
            ],
          ],
        },
      ],
    });
    const complaints = metricOf(
      { ...BINDING, columns: { at: '$.at' } },
      { name: 'userComplaints', kind: 'count', per: 'day' },
    );
    rows({ at: '2026-11-23T10:30:00Z' }, { at: '2026-11-23T12:30:00Z' });
    const at = queryOf(complaints).fromAt + HOUR / 2;
    expect(await read(complaints)).toMatchObject({ occurrences: [{ metric: 'userComplaints', at, count: 1 }] });
  });
});

describe('readHttpJsonBinding', () => {
  it.each<readonly [string, object, Partial<Metric>, RegExp]>([
    [
      'no columns for its kind',
      { columns: { arm: '$.variant', total: '$.total' } },
      {},
      /columns gives arm, total; a proportion needs bad and total, or value and total, or value and user/,
    ],
    ['a path that is none', { columns: { ...COLUMNS, bad: 'data.bad' } }, {}, /"data.bad" is not a JSONPath/],
    [
      'a variable that is not known',
      { request: { query: { from: '{{start}}', to: '{{toMs}}' } } },
      {},
      /\{\{start\}\}, which is not known; use from/,
    ],
    ['no interval', { request: { path: '/all' } }, {}, /the same would be counted at every read/],
    [
      'a path behind another host',
      { request: { path: '@example.com/', query: INTERVAL } },
      {},
      /a path that begins with \//,
    ],
    ['an unknown key', { row: '$' }, {}, /row/],
    ['an unknown column', { columns: { ...COLUMNS, count: '$.n' } }, {}, /count/],
  ])('refuses %s', (_, change, traits, message) => {
    expect(() => readHttpJsonBinding(metricOf({ ...BINDING, ...change }, traits))).toThrow(message);
  });

  it('lets a mean of readings do without an interval', () => {
    const gauge = { request: { path: '/health' }, columns: { arm: '$.variant', value: '$.score' } };
    expect(() => readHttpJsonBinding(metricOf(gauge, { kind: 'mean' }))).not.toThrow();
  });
});

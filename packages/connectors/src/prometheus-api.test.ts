import { describe, expect, it } from 'vitest';
import { queryRange } from './prometheus-api.ts';

const QUERY = { query: 'up{job="a"}', fromAt: 60_000, toAt: 120_500, stepMs: 15_000 };

/** The answer of a server that says this. */
const answerTo = (body: unknown, status = 200) =>
  queryRange(
    {
      url: 'http://prometheus.test/base/',
      headers: { authorization: 'Bearer s3cret' },
      fetch: async () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }),
    },
    QUERY,
  );

const matrix = (result: readonly unknown[], more = {}) => ({
  status: 'success',
  data: { resultType: 'matrix', result },
  ...more,
});

describe('queryRange', () => {
  it('posts the query as a form, with instants in seconds', async () => {
    const seen: { url: string; init: RequestInit }[] = [];
    const fetched: typeof fetch = async (input, init = {}) => {
      seen.push({ url: String(input), init });
      return Response.json(matrix([]));
    };
    await queryRange(
      { url: 'http://prometheus.test/base/', headers: { 'x-scope-orgid': 'team' }, fetch: fetched },
      QUERY,
    );
    expect(seen[0]?.url).toBe('http://prometheus.test/base/api/v1/query_range');
    expect(Object.fromEntries(new URLSearchParams(String(seen[0]?.init.body)))).toEqual({
      query: 'up{job="a"}',
      start: '60',
      end: '120.5',
      step: '15',
    });
    expect(seen[0]?.init).toMatchObject({ method: 'POST', redirect: 'error', headers: { 'x-scope-orgid': 'team' } });
  });

  it('gives numbers only: NaN and infinities are no observation', async () => {
    const values = [[60, '1'], [75, 'NaN'], [90, '+Inf'], [105, '2.5'], ['x', '1'], [120]];
    expect(await answerTo(matrix([{ metric: { a: 'b' }, values }], { warnings: ['partial'] }))).toEqual({
      ok: true,
      series: [
        {
          labels: { a: 'b' },
          samples: [
            [60_000, 1],
            [105_000, 2.5],
          ],
        },
      ],
      warnings: ['partial'],
    });
  });

  it.each([
    ['a refused query', { status: 'error', errorType: 'bad_data', error: 'parse error' }, 400, 'bad_data'],
    ['refused credentials', 'Unauthorized', 401, 'credentials'],
    ['something else at the address', '<html>', 200, 'not the API of Prometheus'],
    ['an answer without a status', { hello: 1 }, 200, 'not the API of Prometheus'],
    ['a scalar', { status: 'success', data: { resultType: 'scalar', result: [1, '1'] } }, 200, 'scalar'],
    ['native histograms', matrix([{ metric: {}, histograms: [] }]), 200, 'native histograms'],
  ])('says what is wrong with %s, without the credentials', async (_, body, status, words) => {
    const answer = await answerTo(body, status);
    expect(answer).toMatchObject({ ok: false });
    expect(JSON.stringify(answer)).toContain(words);
    expect(JSON.stringify(answer)).not.toContain('s3cret');
  });

  it('says why nothing answers', async () => {
    const failing = (error: unknown) =>
      queryRange({ url: 'http://prometheus.test', fetch: () => Promise.reject(error) }, QUERY);
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    expect(await failing(new TypeError('fetch failed', { cause }))).toEqual({
      ok: false,
      message: 'Prometheus at http://prometheus.test does not answer (ECONNREFUSED)',
      isUnreachable: true,
    });
    const late = Object.assign(new Error('late'), { name: 'TimeoutError' });
    expect(await failing(late)).toMatchObject({
      message: 'Prometheus at http://prometheus.test does not answer (no answer in time)',
    });
  });
});

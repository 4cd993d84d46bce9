import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeUrl } from './url-probe.ts';

const policy = { allowedHosts: ['127.0.0.1', 'localhost'] };
const server = createServer((request, response) => {
  const status = Number(request.url?.slice(1, 4));
  response.writeHead(status, status === 302 ? { location: '/200' } : {}).end('x');
});
let base = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

describe('probeUrl', () => {
  it('accepts an answer from 200 to 299, or the one that is expected', async () => {
    expect(await probeUrl(`${base}/200`, { policy })).toEqual({ ok: true, status: 200 });
    expect(await probeUrl(`${base}/204`, { policy })).toEqual({ ok: true, status: 204 });
    expect(await probeUrl(`${base}/401`, { policy, expect: 401 })).toEqual({ ok: true, status: 401 });
  });

  it('says what was answered instead, and follows no redirect', async () => {
    expect(await probeUrl(`${base}/503`, { policy })).toEqual({
      ok: false,
      why: 'it answered 503, not a status from 200 to 299',
    });
    expect(await probeUrl(`${base}/200`, { policy, expect: 204 })).toEqual({
      ok: false,
      why: 'it answered 200, not 204',
    });
    expect(await probeUrl(`${base}/302`, { policy })).toEqual({
      ok: false,
      why: 'it answered 302, not a status from 200 to 299; redirects are not followed',
    });
  });

  it('asks nothing that the policy does not allow, and never rejects', async () => {
    expect(await probeUrl(`${base}/200`, { policy: {} })).toMatchObject({
      ok: false,
      why: expect.stringContaining('public'),
    });
    const named = base.replace('127.0.0.1', 'localhost');
    expect(await probeUrl(`${named}/200`, { policy: {} })).toMatchObject({
      ok: false,
      why: expect.stringContaining('private'),
    });
    expect(await probeUrl('http://127.0.0.1:1/', { policy })).toEqual({
      ok: false,
      why: 'the request failed (ECONNREFUSED)',
    });
    expect(await probeUrl(`${base}/200`, { policy, signal: new AbortController().signal })).toMatchObject({ ok: true });
    expect(await probeUrl(`${base}/200`, { policy, signal: AbortSignal.abort() })).toMatchObject({ ok: false });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveUntil, type Rig, startRig, startRollout } from '../server-rig.test.support.ts';
import { preferredOf } from './negotiate.ts';

let r: Rig;
let id: string;
const HOSTILE = '<script>alert(1)</script>"onload=x';
beforeAll(async () => {
  r = await startRig();
  id = await startRollout(r);
  await liveUntil(r, id, 'exposing');
  await r.admin.command(id, { type: 'Abort', reason: HOSTILE });
  await r.admin.command(id, { type: 'LinkIncident', incident: 1, title: HOSTILE, url: 'https://g.example/?a=1&b="' });
});
afterAll(() => r.dispose());

const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`,
});
const get = (path: string, headers: Record<string, string> = {}) => fetch(r.server.url + path, { headers });

describe('pages for people', () => {
  it('show report and incident to a browser that gives a token as password, and run and load nothing', async () => {
    for (const path of [`/rollouts/${id}`, `/rollouts/${id}/incidents/1`]) {
      const response = await get(path, basic(r.tokens.admin));
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'sha256-\S+' 'sha256-\S+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
      );
      expect(response.headers.get('cache-control')).toBe('no-store');
      const html = await response.text();
      expect(html).not.toMatch(/<script|<img|<iframe|<link|\son\w+=|style="|url\(|@import|javascript:/i);
      expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
      // Every style is one that the policy knows by its hash.
      const hashes = await Promise.all(
        [...html.matchAll(/<style>([^<]*)<\/style>/g)].map(([, style = '']) => hashOf(style)),
      );
      expect(hashes.length).toBeGreaterThan(0);
      for (const hash of hashes) expect(policy).toContain(hash);
    }
  });

  it('draw the exposure over time', async () => {
    const html = await (await get(`/rollouts/${id}`, basic(r.tokens.admin))).text();
    expect(html).toMatch(/<figure><svg[^>]*role="img"/);
    expect(html).toContain('Exposure over time');
  });

  it('ask for a password, and say why one is not taken, without telling which rollouts there are', async () => {
    const asked = await get(`/rollouts/${id}`);
    expect(asked.status).toBe(401);
    expect(asked.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
    expect(await asked.text()).toContain('a Rampart token as the password');
    expect((await get('/rollouts/nothing-1')).status).toBe(401);
    expect((await get(`/rollouts/${id}`, basic('guess'))).status).toBe(401);
    expect((await get(`/rollouts/${id}`, { authorization: 'Basic !' })).status).toBe(401);
    const sdk = await get(`/rollouts/${id}`, basic(r.tokens.sdk));
    expect([sdk.status, sdk.headers.get('www-authenticate')]).toEqual([403, null]);
  });

  it('take a token as the API does as well, and answer what is not there with a page', async () => {
    const bearer = { authorization: `Bearer ${r.tokens.admin}` };
    expect((await get(`/rollouts/${id}`, bearer)).status).toBe(200);
    const unknown = await get('/rollouts/nothing-1', bearer);
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect((await get(`/rollouts/${id}/incidents/7`, bearer)).status).toBe(404);
    expect((await get(`/rollouts/${id}/incidents/x`, bearer)).status).toBe(404);
  });
});

describe('a report over the API', () => {
  it('is Markdown, HTML or JSON as the caller prefers', async () => {
    const of = async (accept: string) => {
      const response = await get(`/v1/rollouts/${id}/report`, { authorization: `Bearer ${r.tokens.admin}`, accept });
      return [response.headers.get('content-type'), (await response.text()).slice(0, 15)];
    };
    expect(await of('*/*')).toEqual(['text/markdown; charset=utf-8', '# Rollout Repor']);
    expect(await of('text/html,application/xhtml+xml,*/*;q=0.8')).toEqual([
      'text/html; charset=utf-8',
      '<!doctype html>',
    ]);
    expect((await of('application/json'))[0]).toBe('application/json; charset=utf-8');
    expect(await r.admin.getReport(id)).toMatch(/^# Rollout Report/);
    expect(await r.admin.getReport(id, 'html')).toMatch(/^<!doctype html>/);
    expect(await r.admin.getReport(id, 'json')).toMatchObject({ schema: 1, kind: 'report', rollout: id });
  });
});

describe('preferredOf', () => {
  const offered = ['text/markdown', 'application/json', 'text/html'] as const;
  it.each([
    [undefined, 'text/markdown'],
    ['', 'text/markdown'],
    ['*/*', 'text/markdown'],
    ['image/png', 'text/markdown'],
    ['text/*', 'text/markdown'],
    ['application/*', 'application/json'],
    ['text/html;q=0.2, application/json;q=0.4', 'application/json'],
    ['text/markdown;q=0, text/*', 'text/html'],
    ['TEXT/HTML', 'text/html'],
    ['text/html;q=nonsense', 'text/html'],
  ])('%j prefers %s', (accept, type) => {
    expect(preferredOf(accept, offered)).toBe(type);
  });
});

async function hashOf(style: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style));
  return `'sha256-${Buffer.from(digest).toString('base64')}'`;
}

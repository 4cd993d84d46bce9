import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHttpAccess } from './http-access.ts';

const SKIP_OPENSSL = process.env.CI === undefined && spawnSync('openssl', ['version']).status !== 0;
const deps = {
  name: 'prom',
  policy: { allowedHosts: ['localhost', '127.0.0.1'] },
  secretOf: (ref: string) => (ref === 'TOKEN' ? 's3cret-token' : undefined),
};

describe('access to a system over HTTP', () => {
  it('sends credentials by reference, and takes them out of whatever the system repeats', () => {
    const bearer = openHttpAccess({ url: 'http://127.0.0.1:1/', auth: { bearer: { secretRef: 'TOKEN' } } }, deps);
    expect(bearer).toMatchObject({ url: 'http://127.0.0.1:1', headers: { authorization: 'Bearer s3cret-token' } });
    expect(bearer.redact('you sent Bearer s3cret-token')).toBe('you sent Bearer [secret]');
    const password = { secretRef: 'TOKEN' };
    const basic = openHttpAccess({ url: 'http://127.0.0.1:1', auth: { basic: { user: 'ana', password } } }, deps);
    const sent = Buffer.from('ana:s3cret-token').toString('base64');
    expect(basic.headers).toEqual({ authorization: `Basic ${sent}` });
    expect(basic.redact(`${sent} is s3cret-token`)).toBe('[secret] is [secret]');
    const headers = { 'X-Scope-OrgID': 'team', 'X-Key': { secretRef: 'TOKEN' } };
    const keyed = openHttpAccess({ url: 'http://127.0.0.1:1', headers }, deps);
    expect(keyed.headers).toEqual({ 'x-scope-orgid': 'team', 'x-key': 's3cret-token' });
  });
});

describe.skipIf(SKIP_OPENSSL)('access over TLS (apt-get install openssl)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-tls-'));
  const file = (name: string) => join(dir, name);
  let url = '';
  let close: () => Promise<void>;
  beforeAll(async () => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
        ...['-keyout', file('key.pem'), '-out', file('cert.pem')],
      ],
      { stdio: 'pipe' },
    );
    const [key, cert] = [readFileSync(file('key.pem')), readFileSync(file('cert.pem'))];
    const server = createServer(
      { key, cert, ca: cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        response.end((request.socket as TLSSocket).authorized ? 'known' : 'unknown');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
    close = () => new Promise((resolve) => server.close(() => resolve()));
  });
  afterAll(async () => {
    await close();
    rmSync(dir, { recursive: true, force: true });
  });

  const answer = async (tls?: object) => {
    const access = openHttpAccess({ url, ...(tls && { tls }) }, deps);
    return access.fetch(url).then(
      (response) => response.text(),
      (error: { code?: string }) => error.code,
    );
  };

  it('trusts nobody it was not told to', async () => {
    expect(await answer()).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  it('trusts an authority of its own, and shows a certificate', async () => {
    expect(await answer({ caFile: file('cert.pem') })).toBe('unknown');
    const mutual = { caFile: file('cert.pem'), certFile: file('cert.pem'), keyFile: file('key.pem') };
    expect(await answer(mutual)).toBe('known');
  });
});

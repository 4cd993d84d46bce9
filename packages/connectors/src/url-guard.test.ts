import type { LookupAddress, LookupAllOptions } from 'node:dns';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADDRESS_REFUSED, type AddressLookup, guardedLookup, isPrivateAddress, urlProblem } from './url-guard.ts';

const PRIVATE_URLS = [
  'http://127.0.0.1/',
  'http://127.1:8080/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://0.0.0.0/',
  'http://10.1.2.3/',
  'http://172.31.255.255/',
  'http://192.168.0.1/',
  'http://169.254.169.254/latest/meta-data',
  'http://100.64.0.1/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:8.8.8.8]/',
  'http://[::7f00:1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[fd00::1]/',
  'http://[fe80::1]/',
  'http://[ff02::1]/',
];

describe('urlProblem', () => {
  it.each(PRIVATE_URLS)('refuses %s unless private addresses are allowed', (url) => {
    expect(urlProblem(url)).toMatch(/not on the public internet/);
    expect(urlProblem(url, { allowPrivate: true })).toBeUndefined();
  });

  it.each([
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'http://172.32.0.1/',
    'http://example.com:8080/x',
    'https://localhost.example/',
  ])('lets %s pass', (url) => {
    expect(urlProblem(url)).toBeUndefined();
  });

  it('lets only the listed hosts be private', () => {
    const policy = { allowedHosts: ['127.0.0.1', '::1', 'Hooks.Internal'] };
    expect([urlProblem('http://127.0.0.1/', policy), urlProblem('http://[::1]/', policy)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(urlProblem('http://127.0.0.2/', policy)).toMatch(/public internet/);
  });

  it.each([
    ['file:///etc/passwd', /scheme/],
    ['gopher://example.com/', /scheme/],
    ['https://user:hunter2@example.com/', /user name/],
    ['https://user@example.com/', /user name/],
    ['/relative', /absolute/],
  ])('refuses %s without repeating it, whatever is allowed', (url, why) => {
    const problem = urlProblem(url, { allowPrivate: true, allowedHosts: ['example.com'] });
    expect(problem).toMatch(why);
    expect(problem).not.toContain('hunter2');
  });
});

describe('isPrivateAddress', () => {
  it('takes what is not an address for private', () => {
    expect([isPrivateAddress('example.com'), isPrivateAddress(''), isPrivateAddress('fe80::1%eth0')]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('knows every address of the private IPv4 networks, also inside IPv6', () => {
    const byte = fc.nat(255);
    const address = fc.oneof(
      fc.tuple(fc.constant(10), byte, byte, byte),
      fc.tuple(fc.constant(127), byte, byte, byte),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
      fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
    );
    fc.assert(
      fc.property(address, (bytes) => {
        expect([isPrivateAddress(bytes.join('.')), isPrivateAddress(`::ffff:${bytes.join('.')}`)]).toEqual([
          true,
          true,
        ]);
      }),
    );
  });
});

describe('guardedLookup', () => {
  const names =
    (addresses: LookupAddress[]): AddressLookup =>
    (_, __, done) =>
      done(null, addresses);
  const publicV4 = { address: '93.184.216.34', family: 4 };
  const loopback = { address: '127.0.0.1', family: 4 };
  const asked = (lookup: ReturnType<typeof guardedLookup>, host: string, options: Partial<LookupAllOptions> = {}) =>
    new Promise<unknown[]>((resolve) => lookup(host, options, (error, ...rest) => resolve([error?.code, ...rest])));

  it('gives addresses of the public internet, one or all as asked', async () => {
    const lookup = guardedLookup({}, names([publicV4]));
    expect(await asked(lookup, 'a.test')).toEqual([undefined, '93.184.216.34', 4]);
    expect(await asked(lookup, 'a.test', { all: true })).toEqual([undefined, [publicV4]]);
  });

  it('refuses a name when any of its addresses is private', async () => {
    const [code] = await asked(guardedLookup({}, names([publicV4, loopback])), 'a.test');
    expect(code).toBe(ADDRESS_REFUSED);
  });

  it('lets listed names be private, and no others', async () => {
    const lookup = guardedLookup({ allowedHosts: ['ok.test'] }, names([loopback]));
    expect(await asked(lookup, 'ok.test')).toEqual([undefined, '127.0.0.1', 4]);
    expect((await asked(lookup, 'not-ok.test'))[0]).toBe(ADDRESS_REFUSED);
  });

  it('passes a failed lookup on, and refuses a name without addresses', async () => {
    const failing: AddressLookup = (_, __, done) => done(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), []);
    expect((await asked(guardedLookup({}, failing), 'a.test'))[0]).toBe('ENOTFOUND');
    expect((await asked(guardedLookup({}, names([])), 'a.test'))[0]).toBe(ADDRESS_REFUSED);
  });
});

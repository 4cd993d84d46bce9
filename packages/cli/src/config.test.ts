import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { credentialsFile, readCredentials, targetOf, writeCredentials } from './config.ts';

const env = () => ({ XDG_CONFIG_HOME: mkdtempSync(join(tmpdir(), 'rampart-config-')) });
const HOME = { url: 'http://127.0.0.1:4180', token: 'rmp_home', sdkToken: 'rmp_sdk' };

describe('credentials', () => {
  it('are written for their owner alone, also over a file others could read', () => {
    const one = env();
    const file = writeCredentials(one, HOME);
    expect(file).toBe(join(one.XDG_CONFIG_HOME, 'rampart', 'credentials.json'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(file, '{}', { mode: 0o644 });
    writeCredentials(one, HOME);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(HOME);
    expect(readCredentials(one)).toEqual(HOME);
  });

  it('lie below HOME where XDG_CONFIG_HOME is not set', () => {
    expect(credentialsFile({ HOME: '/home/ana' })).toBe('/home/ana/.config/rampart/credentials.json');
  });

  it('that are not credentials are refused with the path of the file', () => {
    for (const text of ['', '[]', '{"url": 1, "token": "x"}']) {
      const one = env();
      writeFileSync(writeCredentials(one, HOME), text);
      expect(() => readCredentials(one)).toThrow(/credentials\.json does not hold/);
    }
  });
});

describe('the target of a command', () => {
  it('is named by options first, then the environment, then the file', () => {
    const one = env();
    expect(targetOf({}, one)).toEqual({ url: 'http://127.0.0.1:4180' });
    writeCredentials(one, HOME);
    expect(targetOf({}, one)).toEqual({ url: HOME.url, token: HOME.token });
    const named = { ...one, RAMPART_URL: 'http://b', RAMPART_TOKEN: 'rmp_b' };
    expect(targetOf({}, named)).toEqual({ url: 'http://b', token: 'rmp_b' });
    expect(targetOf({ url: 'http://c', token: 'rmp_c' }, named)).toEqual({ url: 'http://c', token: 'rmp_c' });
  });

  it("never gets the file's token when it is another server", () => {
    const one = env();
    writeCredentials(one, HOME);
    expect(targetOf({ url: 'http://evil.example' }, one)).toEqual({ url: 'http://evil.example', isNamed: true });
    expect(targetOf({ url: 'http://127.0.0.1:4181' }, one)).toEqual({ url: 'http://127.0.0.1:4181', isNamed: true });
    expect(targetOf({ url: 'http://localhost:4180/' }, one)).toMatchObject({ token: HOME.token });
  });

  it('does not read a broken file when it is not needed', () => {
    const one = env();
    writeFileSync(writeCredentials(one, HOME), 'broken');
    expect(targetOf({ url: 'http://c', token: 'rmp_c' }, one)).toMatchObject({ token: 'rmp_c' });
  });
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STREAM_PATH } from '@rampart/api/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from './client.ts';
import { ClientHarness, LONG_BANNER } from './client-harness.test.support.ts';
import { BANNER, ControlPlane, patchOf, rulesetOf } from './control-plane.test.support.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rampart-sdk-'));
});

afterEach(() => rm(folder, { recursive: true }));

// After the hooks of the folder: hooks after a test run in reverse order, and clients write to the folder until they are closed.
const harness = ClientHarness.use({ beforeEach, afterEach });

describe('starting', () => {
  it('serves fallbacks until the first ruleset and values from then on', async () => {
    const client = harness().start();
    expect(client.string('banner', 'fallback')).toBe('fallback');
    expect(client.details('banner', 'fallback')).toMatchObject({ reason: 'ERROR', errorCode: 'PROVIDER_NOT_READY' });
    expect(client.status()).toEqual({ state: 'connecting', source: 'none', dropped: 0 });
    await client.ready();
    expect(client.string('banner', 'fallback')).toBe('Hi');
    expect(client.status()).toMatchObject({ state: 'live', revision: 5, source: 'network', ageMs: 0 });
  });

  it('identifies itself on the stream and asks for the whole ruleset first', async () => {
    await harness().live();
    const stream = await harness().plane.streams.next();
    expect(stream.revision).toBeNull();
    expect(stream.headers.authorization).toBe('Bearer rmp_sdk-server_a_b');
    expect(stream.headers['x-rampart-instance']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('asks for the whole ruleset also when it starts from one of its own', async () => {
    const client = harness().start({ bootstrap: rulesetOf(5, LONG_BANNER) });
    expect(client.string('banner', 'x')).toBe('Good day');
    await harness().until('live');
    expect((await harness().plane.streams.next()).revision).toBeNull();
    expect(client.string('banner', 'x')).toBe('Hi');
  });

  it('waits no longer than the time given for a server that does not answer', async () => {
    harness().plane.spoil(STREAM_PATH, 'hang');
    const client = harness().start({ initTimeoutMs: 1500 });
    expect(await harness().clock.fire('init')).toBe(1500);
    await client.ready();
    expect(client.boolean('checkout', true)).toBe(true);
    expect(client.status().state).toBe('connecting');
  });

  it('evaluates at once from a bootstrap, and lives on it when there is no server', async () => {
    const client = createClient({ bootstrap: rulesetOf(2, BANNER) });
    await client.ready();
    expect(client.string('banner', 'x')).toBe('Hi');
    expect(client.status()).toEqual({
      ...{ state: 'live', revision: 2, environment: 'production', source: 'bootstrap', dropped: 0 },
    });
    await client.close();
  });

  it('evaluates from a file', async () => {
    const file = join(folder, 'ruleset.json');
    await writeFile(file, JSON.stringify(rulesetOf(4, LONG_BANNER)));
    const client = harness().start({ file });
    expect(client.string('banner', 'x')).toBe('Good day');
    expect(client.status().source).toBe('file');
  });

  it('says when the file is missing or holds no ruleset, and goes on', async () => {
    harness().start({ file: join(folder, 'nowhere.json') });
    expect(await harness().until('error')).toMatchObject({ code: 'FILE_UNREADABLE', fatal: false });
    const file = join(folder, 'bad.json');
    await writeFile(file, '{"schema": 1');
    harness().start({ cacheFile: file });
    expect(await harness().until('error')).toMatchObject({ code: 'CACHE_UNREADABLE' });
    await writeFile(file, '{"schema": 2}');
    harness().start({ file });
    expect(await harness().until('error')).toMatchObject({ code: 'RULESET_INVALID' });
  });

  it.each([
    { bootstrap: 7, cached: 6, source: 'bootstrap' },
    { bootstrap: 6, cached: 7, source: 'cache' },
  ])('takes the newer of bootstrap $bootstrap and cache $cached', async ({ bootstrap, cached, source }) => {
    const cacheFile = join(folder, 'cache.json');
    await writeFile(cacheFile, JSON.stringify(rulesetOf(cached, BANNER)));
    const client = harness().start({ bootstrap: rulesetOf(bootstrap, BANNER), cacheFile });
    expect(client.status()).toMatchObject({ revision: 7, source });
  });

  it('refuses a cache of another environment', async () => {
    const cacheFile = join(folder, 'cache.json');
    await writeFile(cacheFile, JSON.stringify(rulesetOf(9, BANNER)));
    const client = harness().start({ cacheFile, environment: 'staging' });
    expect(await harness().until('error')).toMatchObject({ code: 'ENVIRONMENT_MISMATCH' });
    expect(client.status().source).toBe('none');
  });
});

describe('an address that is none', () => {
  it.each(['', 'rampart.example.com', 'ftp://rampart.example.com'])('%j is told once and not tried', async (url) => {
    let tried = 0;
    const fetch = (): Promise<Response> => {
      tried += 1;
      return Promise.reject(new Error('nothing is there'));
    };
    const client = harness().start({ url, bootstrap: rulesetOf(4, BANNER), fetch });
    expect(await harness().until('error')).toMatchObject({ code: 'URL_INVALID', fatal: true });
    await client.ready();
    expect(client.status()).toMatchObject({ state: 'stale', fatal: expect.stringContaining(`received "${url}"`) });
    expect(client.string('banner', 'x')).toBe('Hi');
    expect(await client.flush()).toBe(true);
    expect([tried, harness().clock.pending]).toEqual([0, []]);
  });
});

describe('last known good', () => {
  it('serves what the server last sent after a restart with the server down', async () => {
    const cacheFile = join(folder, 'deep', 'cache.json');
    const first = await harness().live({ cacheFile });
    await first.close();
    const port = harness().plane.port;
    await harness().plane.stop();

    const second = harness().start({ cacheFile });
    await second.ready();
    expect(second.string('banner', 'x')).toBe('Hi');
    expect(second.status()).toMatchObject({ source: 'cache', revision: 5 });
    await harness().until('stale');
    expect(second.status().state).toBe('stale');
    expect(second.string('banner', 'x')).toBe('Hi');

    harness().plane = await ControlPlane.start(rulesetOf(6, LONG_BANNER), port);
    await harness().clock.fire('reconnect');
    await harness().until('live');
    expect(second.string('banner', 'x')).toBe('Good day');
  });

  it('keeps the newest ruleset in the file, whole', async () => {
    const cacheFile = join(folder, 'cache.json');
    const client = await harness().live({ cacheFile });
    const stream = await harness().plane.streams.next();
    stream.patch(patchOf(5, 6, LONG_BANNER));
    await harness().until('change');
    await client.close();
    expect(JSON.parse(await readFile(cacheFile, 'utf8'))).toMatchObject({
      revision: 6,
      flags: { banner: LONG_BANNER },
    });
  });

  it('reports a file it cannot write and goes on', async () => {
    await writeFile(join(folder, 'taken'), '');
    const client = await harness().live({ cacheFile: join(folder, 'taken', 'cache.json') });
    expect(client.string('banner', 'x')).toBe('Hi');
    await client.close();
    const codes = harness().events.all.map((event) => (event.type === 'error' ? event.code : event.type));
    expect(codes).toContain('CACHE_UNWRITABLE');
  });
});

describe('a client', () => {
  it('never throws, whatever it is given', async () => {
    const client = await harness().live();
    const hostile = new Proxy({}, { get: () => fail(), has: () => fail(), getOwnPropertyDescriptor: () => fail() });
    expect(client.boolean('checkout', true, hostile)).toBe(true);
    expect(client.details('checkout', true, hostile)).toMatchObject({ reason: 'ERROR', errorCode: 'INVALID_CONTEXT' });
    expect(client.number('banner', 3)).toBe(3);
    expect(client.details('nothing', 1)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND', value: 1 });
    client.track('conversion', Number.NaN);
    expect(client.status().dropped).toBe(1);
  });

  it('survives listeners that throw, and tells about them', async () => {
    const client = harness().start();
    client.on('change', () => fail());
    expect(await harness().until('error')).toMatchObject({ code: 'LISTENER_FAILED' });
    await client.ready();
    expect(client.string('banner', 'x')).toBe('Hi');
  });

  it('stops telling a listener that was taken off', async () => {
    const client = await harness().live();
    const heard: number[] = [];
    const stop = client.on('change', ({ revision }) => heard.push(revision));
    const stream = await harness().plane.streams.next();
    stream.patch(patchOf(5, 6, LONG_BANNER));
    await harness().until('change');
    stop();
    stream.patch(patchOf(6, 7, BANNER));
    await harness().until('change');
    expect(heard).toEqual([6]);
  });

  it('goes on evaluating after close, and closes once', async () => {
    const client = await harness().live();
    await Promise.all([client.close(), client.close()]);
    expect(client.status().state).toBe('closed');
    expect(client.string('banner', 'x')).toBe('Hi');
    expect(harness().clock.pending).toEqual([]);
  });
});

function fail(): never {
  throw new Error('boom');
}

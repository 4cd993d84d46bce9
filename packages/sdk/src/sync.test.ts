import { RULESET_PATH, STREAM_PATH } from '@rampart/api/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientHarness, LONG_BANNER } from './client-harness.test.support.ts';
import type { Fetch } from './connection.ts';
import { BANNER, CHECKOUT, ControlPlane, patchOf, rulesetOf } from './control-plane.test.support.ts';

const harness = ClientHarness.use({ beforeEach, afterEach });

describe('staying up to date', () => {
  it('applies a patch and names the flags it changed', async () => {
    const client = await harness().live();
    const stream = await harness().plane.streams.next();
    stream.patch(patchOf(5, 6, LONG_BANNER));
    expect(await harness().until('change')).toMatchObject({ fromRevision: 5, revision: 6, flagsChanged: ['banner'] });
    expect(client.string('banner', 'x')).toBe('Good day');
  });

  it('names the flags that use a segment that changed', async () => {
    const layers = [{ segment: 'team', weight: 100_000 }];
    const targeted = { ...CHECKOUT, exposure: { ...CHECKOUT.exposure!, layers } };
    const ruled = { ...BANNER, key: 'ruled', rules: [{ segments: ['team'], serve: { variant: 'long' } }] };
    harness().plane.ruleset = { ...rulesetOf(5, BANNER, targeted, ruled), segments: { team: { key: 'team' } } };
    await harness().live();
    const team = { key: 'team', all: [{ attribute: 'staff', operator: 'equals', value: true }] } as const;
    const stream = await harness().plane.streams.next();
    stream.patch({ fromRevision: 5, revision: 6, flags: {}, segments: { team } });
    expect(await harness().until('change')).toMatchObject({ flagsChanged: ['checkout', 'ruled'] });
  });

  it('resumes from its revision when the stream ended', async () => {
    const client = await harness().live();
    (await harness().plane.streams.next()).end();
    harness().plane.greets = false;
    await harness().clock.fire('reconnect');
    const stream = await harness().plane.streams.next();
    expect(stream.revision).toBe('5');
    stream.patch(patchOf(5, 6, LONG_BANNER));
    await harness().until('change');
    expect(client.string('banner', 'x')).toBe('Good day');
    expect(client.status().state).toBe('live');
  });

  it('asks for the whole ruleset when a patch does not start where it is', async () => {
    const client = await harness().live();
    harness().plane.ruleset = rulesetOf(8, LONG_BANNER);
    (await harness().plane.streams.next()).patch(patchOf(7, 8, CHECKOUT));
    expect(await harness().until('change')).toMatchObject({ revision: 8, flagsChanged: ['checkout', 'banner'] });
    expect(client.string('banner', 'x')).toBe('Good day');
  });

  it('ignores a patch it already has', async () => {
    const client = await harness().live();
    const stream = await harness().plane.streams.next();
    stream.patch(patchOf(4, 5, LONG_BANNER));
    stream.patch(patchOf(5, 6, CHECKOUT));
    expect(await harness().until('change')).toMatchObject({ revision: 6 });
    expect(client.string('banner', 'x')).toBe('Hi');
    expect(harness().plane.requests.all.some((request) => request.includes(RULESET_PATH))).toBe(false);
  });

  it('follows a server that goes back to an older revision, and says so', async () => {
    const client = await harness().live();
    (await harness().plane.streams.next()).put(rulesetOf(2, LONG_BANNER));
    expect(await harness().until('went-back')).toEqual({ type: 'went-back', fromRevision: 5, revision: 2 });
    expect(client.status().revision).toBe(2);
    expect(client.string('banner', 'x')).toBe('Good day');
  });

  it.each([
    ['a newer schema', { ...rulesetOf(9, BANNER), schema: 2 }],
    ['no ruleset', 'nonsense'],
  ])('keeps the last good ruleset when the server sends %s', async (_name, sent) => {
    const client = await harness().live();
    (await harness().plane.streams.next()).put(sent);
    expect(await harness().until('error')).toMatchObject({ code: 'RULESET_INVALID' });
    await harness().until('stale');
    expect(client.string('banner', 'x')).toBe('Hi');
  });

  it('takes a torn frame for a gap', async () => {
    const client = await harness().live();
    harness().plane.ruleset = rulesetOf(6, LONG_BANNER);
    (await harness().plane.streams.next()).write('event: patch\ndata: {"fromRev\n\n');
    await harness().until('change');
    expect(client.string('banner', 'x')).toBe('Good day');
  });
});

describe('losing touch', () => {
  it('is stale after three silent heartbeats, keeps serving, and is live again after the reconnect', async () => {
    const client = await harness().live();
    expect(await harness().clock.fire('silence')).toBe(45_000);
    expect(await harness().until('stale')).toMatchObject({ message: expect.stringContaining('no byte for 45 s') });
    expect(client.status()).toMatchObject({ state: 'stale', revision: 5, ageMs: 45_000 });
    expect(client.string('banner', 'x')).toBe('Hi');
    await harness().clock.fire('reconnect');
    expect(await harness().until('live')).toMatchObject({ revision: 5 });
  });

  it('is not stale when the server only rotates the stream', async () => {
    const client = await harness().live();
    (await harness().plane.streams.next()).end();
    await harness().clock.fire('reconnect');
    await harness().plane.streams.next();
    expect(harness().events.all.map((event) => event.type)).not.toContain('stale');
    expect(client.status().state).toBe('live');
  });

  it('waits longer from failure to failure, and as long as the server asks', async () => {
    harness().plane.spoil(STREAM_PATH, { status: 503 }, { status: 500 }, 'lost');
    harness().start();
    // 500 + 0.5 * (500 * 2^failures - 500)
    expect(await harness().clock.fire('reconnect')).toBe(750);
    expect(await harness().clock.fire('reconnect')).toBe(1250);
    expect(await harness().clock.fire('reconnect')).toBe(2250);
    (await harness().plane.streams.next()).write('retry: 4000\n\n');
    await harness().until('live');
    await harness().plane.stop();
    // 500 + 0.5 * (30000 - 500): the fourth failure in a row has reached the longest wait.
    expect(await harness().clock.fire('reconnect')).toBe(15_250);
    harness().plane = await ControlPlane.start(rulesetOf(5, BANNER));
  });

  it('gives a busy server the time it asks for', async () => {
    const at = new Date(harness().clock.now() + 51_000).toUTCString();
    const busy = (value: string) => ({ status: 503, headers: { 'retry-after': value } });
    harness().plane.spoil(STREAM_PATH, busy('20'), busy(at), busy('86400'), busy('soon'));
    harness().start();
    expect(await harness().clock.fire('reconnect')).toBe(20_000 + 750);
    expect(await harness().clock.fire('reconnect')).toBe(51_000 - 20_750 + 1250);
    expect(await harness().clock.fire('reconnect')).toBe(300_000 + 2250);
    expect(await harness().clock.fire('reconnect')).toBe(4250);
  });

  it('does not take the page of a proxy for a stream', async () => {
    const client = await harness().live();
    harness().plane.spoil(STREAM_PATH, {
      status: 200,
      body: '<p>Log in</p>',
      headers: { 'content-type': 'text/html' },
    });
    (await harness().plane.streams.next()).end();
    await harness().clock.fire('reconnect');
    expect(await harness().until('stale')).toMatchObject({ message: expect.stringContaining('Log in') });
    expect(client.status().state).toBe('stale');
  });

  it('polls with an ETag beside the attempts to stream after three failures', async () => {
    const client = await harness().live();
    const down = Array.from({ length: 6 }, () => ({ status: 503 }));
    harness().plane.spoil(STREAM_PATH, ...down);
    (await harness().plane.streams.next()).end();
    await harness().clock.fire('reconnect');
    await harness().until('stale');
    await harness().clock.fire('reconnect');
    expect(await harness().clock.fire('poll')).toBe(0);
    await harness().until('live');
    expect(harness().plane.requests.all).toContain(`GET ${RULESET_PATH} "5"`);

    harness().plane.ruleset = rulesetOf(6, LONG_BANNER);
    expect(await harness().clock.fire('poll')).toBe(15_000);
    await harness().until('change');
    expect(client.string('banner', 'x')).toBe('Good day');
    expect(client.status().state).toBe('live');

    const before = harness().plane.requests.all.filter((request) => request.includes(STREAM_PATH)).length;
    await harness().clock.fire('reconnect');
    await harness().until('error');
    expect(harness().plane.requests.all.filter((request) => request.includes(STREAM_PATH))).toHaveLength(before + 1);
    expect(client.status().state).toBe('live');
  });

  it('drops the answer to a poll when the stream came back first', async () => {
    harness().plane.spoil(STREAM_PATH, { status: 503 }, { status: 503 }, { status: 503 });
    const gate = Promise.withResolvers<void>();
    const polled = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    const slowly: Fetch = async (url, init) => {
      const response = await fetch(url, init);
      if (!url.endsWith(RULESET_PATH)) return response;
      polled.resolve();
      await gate.promise;
      queueMicrotask(() => setImmediate(answered.resolve));
      return new Response(JSON.stringify(rulesetOf(5, BANNER)));
    };
    const client = harness().start({ fetch: slowly });
    await harness().clock.fire('reconnect');
    await harness().clock.fire('reconnect');
    await harness().clock.fire('poll');
    await polled.promise;
    harness().plane.ruleset = rulesetOf(6, LONG_BANNER);
    await harness().clock.fire('reconnect');
    await harness().until('live');
    gate.resolve();
    await answered.promise;
    expect(client.status().revision).toBe(6);
    expect(harness().events.all.map(({ type }) => type)).not.toContain('went-back');
  });

  it('starts counting failures anew after a stream that held', async () => {
    harness().plane.spoil(STREAM_PATH, { status: 503 }, { status: 503 });
    harness().start();
    await harness().clock.fire('reconnect');
    expect(await harness().clock.fire('reconnect')).toBe(1250);
    await harness().until('live');
    harness().clock.pass(30_000);
    (await harness().plane.streams.next()).end();
    expect(await harness().clock.fire('reconnect')).toBe(750);
  });

  it('stops polling when the stream is back', async () => {
    harness().plane.spoil(STREAM_PATH, { status: 503 }, { status: 503 }, { status: 503 });
    harness().start();
    await harness().clock.fire('reconnect');
    await harness().clock.fire('reconnect');
    await harness().clock.fire('reconnect');
    await harness().until('live');
    expect(harness().clock.pending).not.toContain('poll');
  });

  it.each([401, 403])('gives up for good when the token is refused with %d', async (status) => {
    harness().plane.spoil(STREAM_PATH, { status, body: '{"code":"TOKEN_REVOKED"}' });
    const client = harness().start({ bootstrap: rulesetOf(1, BANNER) });
    const error = await harness().until('error');
    expect(error).toMatchObject({ code: 'TOKEN_REFUSED', fatal: true });
    expect(error.message).toContain('TOKEN_REVOKED');
    await client.ready();
    expect(client.status()).toMatchObject({ state: 'stale', fatal: error.message });
    expect(client.string('banner', 'x')).toBe('Hi');
    expect(harness().clock.pending).toEqual(['flush']);
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { type Client, OpenFeature, ProviderEvents, ProviderStatus } from '@openfeature/server-sdk';
import { STREAM_PATH } from '@rampart/api/wire';
import type { Flag, JsonValue } from '@rampart/flags';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from './client.ts';
import type { RampartClient } from './client-options.ts';
import { BANNER, CHECKOUT, ControlPlane, Inbox, patchOf, rulesetOf } from './control-plane.test.support.ts';
import { toFlagContext } from './flag-context.ts';
import { ManualClock } from './manual-clock.test.support.ts';
import { RampartProvider } from './openfeature-server.ts';

const SUITE = new URL('../../../../shared/conformance/openfeature/', import.meta.url);

describe('the provider in the OpenFeature SDK', () => {
  let plane: ControlPlane;
  let clock: ManualClock;
  let rampart: RampartClient;
  let client: Client;
  let heard: Inbox<{ readonly event: string; readonly flagsChanged?: string[]; readonly errorCode?: string }>;

  beforeEach(async () => {
    plane = await ControlPlane.start(rulesetOf(5, BANNER, CHECKOUT));
    clock = new ManualClock();
    rampart = createClient({ url: plane.url, token: 't', clock });
    client = OpenFeature.getClient('rampart-test');
    heard = new Inbox();
    for (const event of Object.values(ProviderEvents)) {
      client.addHandler(event, (details) => heard.push({ event, ...details }));
    }
  });

  afterEach(async () => {
    OpenFeature.clearHandlers();
    await OpenFeature.close();
    await OpenFeature.clearProviders();
    await plane.stop();
  });

  async function until(event: string): Promise<{ readonly flagsChanged?: string[]; readonly errorCode?: string }> {
    for (;;) {
      const next = await heard.next();
      if (next.event === event) return next;
    }
  }

  const install = (): Promise<void> => OpenFeature.setProviderAndWait('rampart-test', new RampartProvider(rampart));

  it('evaluates each type, with the place in the rollout as scalar metadata', async () => {
    await install();
    expect(client.metadata.providerMetadata.name).toBe('rampart');
    expect(await client.getStringValue('banner', 'x')).toBe('Hi');
    const details = await client.getBooleanDetails('checkout', true, { targetingKey: 'anna' });
    const { place, value, variant } = rampart.details('checkout', true, { targetingKey: 'anna' });
    expect(details).toMatchObject({ value, variant, reason: 'SPLIT' });
    expect(details.flagMetadata).toEqual({ ...place, revision: 5, version: '5', flagSetId: 'production' });
    expect(details.errorCode).toBeUndefined();
  });

  it('announces changes, staleness and recovery', async () => {
    await install();
    await until(ProviderEvents.Ready);
    const stream = await plane.streams.next();
    stream.patch(patchOf(5, 6, { ...BANNER, defaultVariant: 'long' }));
    expect(await until(ProviderEvents.ConfigurationChanged)).toMatchObject({ flagsChanged: ['banner'] });
    expect(await client.getStringValue('banner', 'x')).toBe('Good day');
    await clock.fire('silence');
    await until(ProviderEvents.Stale);
    expect(client.providerStatus).toBe(ProviderStatus.STALE);
    expect(await client.getStringValue('banner', 'x')).toBe('Good day');
    plane.ruleset = rulesetOf(6, BANNER);
    await clock.fire('reconnect');
    await until(ProviderEvents.Ready);
    expect(client.providerStatus).toBe(ProviderStatus.READY);
  });

  it('is ready without a ruleset when the server does not answer, and gives defaults', async () => {
    await rampart.close();
    plane.spoil(STREAM_PATH, 'hang');
    rampart = createClient({ url: plane.url, token: 't', clock });
    const installed = install();
    await clock.fire('init');
    await installed;
    const details = await client.getStringDetails('banner', 'x');
    expect(details).toMatchObject({ value: 'x', reason: 'ERROR', errorCode: 'PROVIDER_NOT_READY' });
  });

  it('fails for good when the token is refused', async () => {
    await rampart.close();
    plane.spoil(STREAM_PATH, { status: 401 });
    rampart = createClient({ url: plane.url, token: 't', clock });
    await expect(install()).rejects.toThrow('sdk-server');
    expect(client.providerStatus).toBe(ProviderStatus.FATAL);
  });

  it('is fatal when the token is revoked later, and goes on evaluating as far as the SDK lets it', async () => {
    await install();
    plane.spoil(STREAM_PATH, { status: 403 });
    (await plane.streams.next()).end();
    await clock.fire('reconnect');
    expect(await until(ProviderEvents.Error)).toMatchObject({ errorCode: 'PROVIDER_FATAL' });
    expect(client.providerStatus).toBe(ProviderStatus.FATAL);
    expect(rampart.string('banner', 'x')).toBe('Hi');
  });

  it('records tracked values where the context is placed', async () => {
    await install();
    await rampart.flush();
    await plane.batches.next();
    client.track('conversion', { targetingKey: 'anna' }, { value: 7 });
    client.track('conversion', { targetingKey: 'anna' });
    await rampart.flush();
    const { series } = await plane.batches.next();
    expect(series.find(({ metric }) => metric === 'conversion')).toMatchObject({ count: [2], sum: [8] });
  });

  it('delivers telemetry when OpenFeature is closed', async () => {
    await install();
    await client.getBooleanValue('checkout', false, { targetingKey: 'anna' });
    await OpenFeature.close();
    const { series } = await plane.batches.next();
    expect(series.map(({ metric }) => metric)).toEqual(['assigned']);
    expect(rampart.status().state).toBe('closed');
  });
});

describe('contexts', () => {
  it('become JSON: dates as text, nothing that JSON cannot hold', () => {
    const circle: Record<string, string> & { self?: unknown } = { name: 'c' };
    circle.self = circle;
    const odd = { at: new Date(0), never: new Date(Number.NaN), act: () => 1, nan: Number.NaN, none: undefined };
    const context = { targetingKey: 'anna', list: [1, { at: new Date(0) }, undefined], nested: odd, ...odd };
    const converted = toFlagContext(context as unknown as Parameters<typeof toFlagContext>[0]);
    const at = '1970-01-01T00:00:00.000Z';
    expect(converted).toEqual({ targetingKey: 'anna', at, list: [1, { at }, null], nested: { at } });
    expect(JSON.stringify(toFlagContext({ circle } as never)).length).toBeLessThan(500);
  });

  it('lose a targeting key that is no text', () => {
    expect(toFlagContext({ targetingKey: 5 } as never)).toEqual({});
  });
});

type SuiteFlag = { readonly variants: Record<string, JsonValue>; readonly defaultVariant?: string | null };

const CONTEXT_AWARE: Flag = {
  key: 'context-aware',
  enabled: true,
  variants: { internal: 'INTERNAL', external: 'EXTERNAL' },
  defaultVariant: 'external',
  rules: [
    {
      conditions: [
        { attribute: 'fn', operator: 'equals', value: 'Sulisław' },
        { attribute: 'ln', operator: 'equals', value: 'Świętopełk' },
        { attribute: 'age', operator: 'equals', value: 29 },
        { attribute: 'customer', operator: 'equals', value: false },
      ],
      serve: { variant: 'internal' },
    },
  ],
};

// The public suite lies beside the repository; where it is absent there is nothing to read the flags from.
describe.skipIf(!existsSync(SUITE))("OpenFeature's evaluation.feature (needs ../shared/conformance)", () => {
  let client: Client;

  beforeEach(async () => {
    const flags: Record<string, SuiteFlag> = JSON.parse(readFileSync(new URL('test-flags.json', SUITE), 'utf8'));
    const known = Object.entries(flags).flatMap(([key, { variants, defaultVariant }]) =>
      typeof defaultVariant === 'string' ? [{ key, enabled: true, variants, defaultVariant }] : [],
    );
    const bootstrap = rulesetOf(1, ...known, CONTEXT_AWARE);
    await OpenFeature.setProviderAndWait('suite', new RampartProvider(createClient({ bootstrap })));
    client = OpenFeature.getClient('suite');
  });

  afterEach(() => OpenFeature.clearProviders());

  const feature = existsSync(SUITE) ? readFileSync(new URL('evaluation.feature', SUITE), 'utf8') : '';
  const scenarios = [...feature.matchAll(/Scenario: (.+)\n((?: {4}.+\n?)+)/g)].map(([, name, steps]) => ({
    name: name ?? '',
    steps: steps ?? '',
  }));

  it('has the thirteen scenarios this test knows', () => {
    expect(scenarios).toHaveLength(13);
  });

  it.each(scenarios.filter(({ name }) => /^Resolves (boolean|string|integer|float)/.test(name)))(
    '$name',
    async ({ steps }) => {
      const [, type, key, fallback] = /an? (\w+) flag with key "(.+?)" .*value "?([^"\n]+)/.exec(steps)!;
      const details = await evaluate(type!, key!, fallback!);
      const [, value] = /value should be "?([^",\n]+)/.exec(steps)!;
      expect(String(details.value)).toBe(value);
      const expected = /variant should be "(.+?)", and the reason should be "(.+?)"/.exec(steps);
      if (expected !== null) expect(details).toMatchObject({ variant: expected[1], reason: expected[2] });
    },
  );

  it.each(scenarios.filter(({ name }) => /^Resolves object/.test(name)))('$name', async () => {
    const details = await client.getObjectDetails('object-flag', null);
    expect(details.value).toEqual({ showImages: true, title: 'Check out these pics!', imagesPerPage: 100 });
    expect(details).toMatchObject({ variant: 'template', reason: 'STATIC' });
  });

  it('Resolves based on context', async () => {
    const context = { fn: 'Sulisław', ln: 'Świętopełk', age: 29, customer: false };
    expect(await client.getStringValue('context-aware', 'EXTERNAL', context)).toBe('INTERNAL');
    expect(await client.getStringValue('context-aware', 'EXTERNAL')).toBe('EXTERNAL');
  });

  it('Flag not found', async () => {
    const details = await client.getStringDetails('missing-flag', 'uh-oh');
    expect(details).toMatchObject({ value: 'uh-oh', reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' });
  });

  it('Type error', async () => {
    const details = await client.getNumberDetails('wrong-flag', 13);
    expect(details).toMatchObject({ value: 13, reason: 'ERROR', errorCode: 'TYPE_MISMATCH' });
  });

  function evaluate(type: string, key: string, fallback: string) {
    if (type === 'boolean') return client.getBooleanDetails(key, fallback === 'true');
    if (type === 'string') return client.getStringDetails(key, fallback);
    return client.getNumberDetails(key, Number(fallback));
  }
});

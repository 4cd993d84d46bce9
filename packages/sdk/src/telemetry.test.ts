import { binOf, TELEMETRY_PATH, type TelemetryBatch, type TelemetrySeries } from '@rampart/api/wire';
import { type Flag, userBucketOf } from '@rampart/flags';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from './client.ts';
import type { ClientOptions, RampartClient } from './client-options.ts';
import type { Connection } from './connection.ts';
import { BANNER, CHECKOUT, ControlPlane, Inbox, patchOf, rulesetOf } from './control-plane.test.support.ts';
import { type ClientEvent, EventHub } from './event.ts';
import { ManualClock } from './manual-clock.test.support.ts';
import { type Slot, slotOf } from './slot.ts';
import { Telemetry } from './telemetry.ts';
import { SeriesTable } from './telemetry-series.ts';

let plane: ControlPlane;
let clock: ManualClock;
let events: Inbox<ClientEvent>;
let client: RampartClient;

beforeEach(async () => {
  plane = await ControlPlane.start(rulesetOf(5, BANNER, CHECKOUT));
  clock = new ManualClock();
  events = new Inbox();
  client = await connect();
});

afterEach(async () => {
  plane.mishaps.clear();
  await client.close();
  await plane.stop();
});

async function connect(options: ClientOptions = {}): Promise<RampartClient> {
  const created = createClient({
    ...{ url: plane.url, token: 't', clock, random: () => 0.5, onEvent: (event) => events.push(event) },
    ...options,
  });
  await created.ready();
  // The first batch tells the revision alone; it is out of the way before a test begins.
  await created.flush();
  await plane.batches.next();
  return created;
}

async function until(code: string): Promise<ClientEvent> {
  for (;;) {
    const event = await events.next();
    if (event.type === 'error' && event.code === code) return event;
  }
}

function work(user: string, outcome: { error: boolean; durationMs: number }): boolean {
  const scope = client.openScope({ targetingKey: user });
  const value = scope.run(() => client.boolean('checkout', false));
  client.recordOutcome(outcome, scope);
  return value;
}

/** Lets the plane send revision 6 and waits until the client has it. */
async function change(flag: Flag): Promise<void> {
  const changed = new Promise<void>((resolve) => client.on('change', () => resolve()));
  plane.streams.all[0]!.patch(patchOf(5, 6, flag));
  await changed;
}

function seriesOf(batch: TelemetryBatch, metric: string, arm: 'treatment' | 'control'): TelemetrySeries {
  const found = batch.series.filter((series) => series.metric === metric && series.arm === arm);
  expect(found).toHaveLength(1);
  return found[0]!;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe('aggregation', () => {
  it('sums outcomes by arm, metric and user bucket', async () => {
    const inTreatment: string[] = [];
    for (let user = 0; user < 200; user += 1) {
      const failed = user % 10 === 0;
      if (work(`user-${user}`, { error: failed, durationMs: 250 })) inTreatment.push(`user-${user}`);
    }
    await client.flush();
    const batch = await plane.batches.next();

    const errors = seriesOf(batch, 'errorRate', 'treatment');
    expect(errors).toMatchObject({ flag: 'checkout', rollout: 'r1', attempt: 1, epoch: 3, stratum: 50_000 });
    expect(total(errors.count)).toBe(inTreatment.length);
    expect(total(errors.sum)).toBe(inTreatment.filter((user) => user.endsWith('0')).length);
    expect(total(errors.sumSquares)).toBe(total(errors.sum));
    const expected = new Set(inTreatment.map((user) => userBucketOf(user)));
    expect(new Set(errors.bucket)).toEqual(expected);
    expect(total(seriesOf(batch, 'errorRate', 'control').count)).toBe(200 - inTreatment.length);

    const latency = seriesOf(batch, 'p99Latency', 'control');
    expect(total(latency.sum)).toBeCloseTo(0.25 * (200 - inTreatment.length), 9);
    expect(latency.bins).toHaveLength(latency.bucket.length);
    expect(latency.bins?.every((pairs) => pairs.length === 1 && pairs[0]![0] === binOf(0.25))).toBe(true);
    expect(latency.bins?.map((pairs) => pairs[0]![1])).toEqual(latency.count);
    expect(errors.bins).toBeUndefined();
    expect(total(seriesOf(batch, 'throughput', 'control').sum)).toBe(200 - inTreatment.length);
  });

  it('counts a user once as assigned and once as reported, in all flushes of an epoch', async () => {
    for (let time = 0; time < 3; time += 1) work('anna', { error: false, durationMs: 1 });
    client.boolean('checkout', false, { targetingKey: 'anna' });
    await client.flush();
    const first = await plane.batches.next();
    const counts = first.series.filter(({ metric }) => metric === 'assigned' || metric === 'reported');
    expect(counts.map(({ metric, count }) => [metric, count])).toEqual([
      ['assigned', [1]],
      ['reported', [1]],
    ]);
    work('anna', { error: false, durationMs: 1 });
    await client.flush();
    const second = await plane.batches.next();
    expect(second.series.map(({ metric }) => metric)).toEqual(['errorRate', 'p99Latency', 'throughput']);
  });

  it('counts a user again in the next epoch', async () => {
    work('anna', { error: false, durationMs: 1 });
    await change({ ...CHECKOUT, exposure: { ...CHECKOUT.exposure!, epoch: 4 } });
    work('anna', { error: false, durationMs: 1 });
    await client.flush();
    const batch = await plane.batches.next();
    const assigned = batch.series.filter(({ metric }) => metric === 'assigned');
    expect(assigned.map(({ epoch, count }) => [epoch, count])).toEqual([
      [3, [1]],
      [4, [1]],
    ]);
    expect(batch.revision).toBe(6);
  });

  it('keeps only metrics that the rollout judges, and counts values that are no numbers', async () => {
    client.track('clicks', 1, { targetingKey: 'anna' });
    client.track('conversion', 1, { targetingKey: 'anna' });
    client.track('conversion', Number.NaN, { targetingKey: 'anna' });
    client.track('conversion', 1e200, { targetingKey: 'anna' });
    await client.flush();
    const batch = await plane.batches.next();
    expect(batch.series.map(({ metric }) => metric)).toEqual(['assigned', 'reported', 'conversion']);
    expect(batch.dropped).toBe(2);
    expect(client.status().dropped).toBe(2);
  });

  it('gives a tracked value inside a scope to the place of the first evaluation there', async () => {
    const users = Array.from({ length: 50 }, (_, index) => `user-${index}`);
    const on = users.find((user) => client.boolean('checkout', false, { targetingKey: user }))!;
    const off = users.find((user) => !client.boolean('checkout', true, { targetingKey: user }))!;
    await client.flush();
    await plane.batches.next();
    await client.openScope().run(async () => {
      client.boolean('checkout', false, { targetingKey: on });
      await Promise.resolve();
      client.boolean('checkout', false, { targetingKey: off });
      client.track('conversion', 3);
    });
    client.track('conversion', 1);
    await client.flush();
    const batch = await plane.batches.next();
    const conversions = batch.series.filter(({ metric }) => metric === 'conversion');
    expect(conversions).toHaveLength(1);
    expect(conversions[0]).toMatchObject({ arm: 'treatment', sum: [3], sumSquares: [9], bucket: [userBucketOf(on)] });
  });

  it('buckets by the unit the flag names', async () => {
    await change({ ...CHECKOUT, bucketBy: 'account.id' });
    client.boolean('checkout', false, { targetingKey: 'anna', account: { id: 42 } });
    client.boolean('checkout', false, { targetingKey: 'ben', account: { id: 42 } });
    await client.flush();
    const { series } = await plane.batches.next();
    expect(series).toMatchObject([{ metric: 'assigned', count: [1], bucket: [userBucketOf('42')] }]);
  });

  it('sends nothing personal', async () => {
    work('anna@example.com', { error: false, durationMs: 1 });
    await client.flush();
    expect(JSON.stringify(await plane.batches.next())).not.toContain('anna');
  });
});

describe('delivery', () => {
  it('flushes at the interval, the first time spread at random over it', async () => {
    expect(await clock.fire('flush')).toBe(2500);
    work('anna', { error: false, durationMs: 1 });
    expect(await clock.fire('flush')).toBe(5000);
    const batch = await plane.batches.next();
    expect(batch).toMatchObject({ schema: 1, revision: 5, fromAt: 1_800_000_000_000, toAt: 1_800_000_007_500 });
    expect(batch.sdk).toMatch(/^rampart-node\/\d+\.\d+\.\d+/);
  });

  it('tells a new revision even when there is nothing else to tell', async () => {
    await change(BANNER);
    await clock.fire('flush');
    expect(await plane.batches.next()).toMatchObject({ revision: 6, series: [] });
    await clock.fire('flush');
    expect(await client.flush()).toBe(true);
    expect(plane.batches.all).toHaveLength(2);
  });

  it('says that it is there while nobody comes, of rollouts it has evaluated, and not where evaluations go unmeasured', async () => {
    const inInterval = async () => {
      await client.flush();
      return plane.batches.next();
    };
    work('anna', { error: false, durationMs: 1 });
    expect((await inInterval()).idle).toBeUndefined();
    expect(await inInterval()).toMatchObject({ idle: ['r1'], series: [] });
    client.boolean('checkout', false, { targetingKey: 'anna' });
    await client.flush();
    expect(await inInterval()).toMatchObject({ sequence: 4, idle: ['r1'], series: [] });
  });

  it('sends the same batch again when the answer was lost', async () => {
    plane.spoil(TELEMETRY_PATH, 'lost');
    work('anna', { error: false, durationMs: 1 });
    expect(await client.flush()).toBe(false);
    const first = await plane.batches.next();
    work('ben', { error: false, durationMs: 1 });
    expect(await clock.fire('resend')).toBe(750);
    expect(await plane.batches.next()).toEqual(first);
    await client.flush();
    const second = await plane.batches.next();
    expect(second.batchId).not.toBe(first.batchId);
    expect(second.fromAt).toBe(first.toAt);
  });

  it.each([401, 408, 429, 500, 503])('tries again after %d, later each time', async (status) => {
    plane.spoil(TELEMETRY_PATH, { status }, { status });
    work('anna', { error: false, durationMs: 1 });
    expect(await client.flush()).toBe(false);
    const waits = [await clock.fire('resend')];
    waits.push(await clock.fire('resend'));
    expect(waits).toEqual([750, 1250]);
    expect(await client.flush()).toBe(true);
    expect(new Set(plane.batches.all.slice(1).map(({ batchId }) => batchId)).size).toBe(1);
    expect(client.status().dropped).toBe(0);
  });

  it('does not press a server that just failed at the next interval', async () => {
    plane.spoil(TELEMETRY_PATH, { status: 503 });
    work('anna', { error: false, durationMs: 1 });
    expect(await client.flush()).toBe(false);
    await plane.batches.next();
    work('ben', { error: false, durationMs: 1 });
    await clock.fire('flush');
    expect(clock.pending).toContain('resend');
    expect(clock.pending).not.toContain('request');
  });

  it('gives a busy server the time it asks for', async () => {
    plane.spoil(TELEMETRY_PATH, { status: 429, headers: { 'retry-after': '60' } });
    work('anna', { error: false, durationMs: 1 });
    expect(await client.flush()).toBe(false);
    expect(await clock.fire('resend')).toBe(60_750);
  });

  it.each([400, 403, 413, 422])('drops a batch refused with %d, says why and counts it', async (status) => {
    plane.spoil(TELEMETRY_PATH, { status, body: 'series[0].metric: too long' });
    work('anna', { error: false, durationMs: 1 });
    expect(await client.flush()).toBe(true);
    expect(await until('TELEMETRY_REFUSED')).toMatchObject({ message: expect.stringContaining('too long') });
    // assigned, reported, errorRate, p99Latency, throughput
    expect(client.status().dropped).toBe(5);
    await client.flush();
    expect(plane.batches.all.at(-1)).toMatchObject({ dropped: 5, series: [] });
  });

  it('never has two requests under way', async () => {
    plane.spoil(TELEMETRY_PATH, 'hang');
    work('anna', { error: false, durationMs: 1 });
    const flushed = client.flush();
    const first = await plane.batches.next();
    const alsoFlushed = client.flush();
    await clock.fire('flush');
    expect(plane.batches.all.filter(({ batchId }) => batchId === first.batchId)).toHaveLength(1);
    await clock.fire('request');
    expect(await Promise.all([flushed, alsoFlushed])).toEqual([false, false]);
    expect(await until('TELEMETRY_UNSENT')).toMatchObject({
      message: expect.stringContaining('no answer within 10 s'),
    });
  });

  it('goes on summing up when twenty batches wait, so that a long outage loses nothing', async () => {
    const down = Array.from({ length: 100 }, () => ({ status: 503 }));
    plane.spoil(TELEMETRY_PATH, ...down);
    for (let round = 0; round < 60; round += 1) {
      work('anna', { error: false, durationMs: 1 });
      await client.flush();
    }
    plane.mishaps.clear();
    await client.flush();
    await client.flush();
    const delivered = new Map(plane.batches.all.map((batch) => [batch.batchId, batch]));
    expect(delivered.size).toBe(1 + 20 + 1);
    const counts = [...delivered.values()].flatMap(({ series }) =>
      series.filter(({ metric }) => metric === 'throughput').map(({ count }) => total(count)),
    );
    expect(total(counts)).toBe(60);
    expect(client.status().dropped).toBe(0);
  });
});

describe('closing', () => {
  it('delivers what is not yet sent', async () => {
    work('anna', { error: false, durationMs: 1 });
    await client.close();
    expect((await plane.batches.next()).series).toHaveLength(5);
  });

  it('tries once more when the first try fails', async () => {
    plane.spoil(TELEMETRY_PATH, 'lost');
    work('anna', { error: false, durationMs: 1 });
    await client.close();
    const [first, second] = [await plane.batches.next(), await plane.batches.next()];
    expect(second).toEqual(first);
    expect(client.status().dropped).toBe(0);
  });

  it('waits 2 s at most for a server that does not answer, and counts what was lost', async () => {
    plane.spoil(TELEMETRY_PATH, 'hang');
    work('anna', { error: false, durationMs: 1 });
    const closed = client.close();
    expect(await clock.fire('close')).toBe(2000);
    await closed;
    expect(client.status().dropped).toBe(5);
  });

  it('takes nothing more afterwards', async () => {
    await client.close();
    work('anna', { error: false, durationMs: 1 });
    client.track('conversion', 1, { targetingKey: 'anna' });
    expect(await client.flush()).toBe(true);
    expect(plane.batches.all.map(({ series }) => series.length)).toEqual([0, 0]);
  });
});

/** What a slot needs of an exposure with these metrics. */
const exposureOf = (metrics: Slot['metrics']) => ({ metrics, treatment: 'on', control: 'off' });

describe('bounds', () => {
  const place = { rollout: 'r', attempt: 1, epoch: 1, arm: 'treatment', stratum: 1000 } as const;

  it('keeps at most the series it may and counts the rest', () => {
    const table = new SeriesTable({ maxSeries: 3, maxBins: 100 });
    for (let index = 0; index < 10; index += 1) table.add(slotOf(`f${index}`, place, exposureOf({})), 'm', 'sum', 0, 1);
    table.add(slotOf('f0', place, exposureOf({})), 'm', 'sum', 1, 1);
    const { series, dropped } = table.take();
    expect(series.map(({ flag }) => flag)).toEqual(['f0', 'f1', 'f2']);
    expect(dropped).toBe(7);
    expect(table.take()).toEqual({ series: [], dropped: 0 });
  });

  it('keeps at most the histogram bins it may, and drops an observation whole', () => {
    const table = new SeriesTable({ maxSeries: 3, maxBins: 2 });
    for (const value of [1, 10, 100, 10]) table.add(slotOf('f', place, exposureOf({})), 'm', 'histogram', 0, value);
    const { series, dropped } = table.take();
    expect(series).toMatchObject([
      {
        count: [3],
        sum: [21],
        bins: [
          [
            [binOf(1), 1],
            [binOf(10), 2],
          ],
        ],
      },
    ]);
    expect(dropped).toBe(1);
  });

  it('never makes an interval that ends before it starts, and splits what is too much for one batch', async () => {
    const sent: TelemetryBatch[] = [];
    const fetch: Connection['fetch'] = async (_url, init) => {
      sent.push(JSON.parse(String(init.body)));
      return new Response('{}', { status: 202 });
    };
    const connection = { url: 'http://plane', token: undefined, instance: 'i', fetch, clock };
    const telemetry = new Telemetry({
      ...{ connection, events: new EventHub(), random: () => 0, sdk: 'test/0', flushIntervalMs: () => 1 },
      serves: () => true,
      revision: () => 1,
    });
    clock.pass(-1000);
    for (let index = 0; index < 5000; index += 1) {
      const slot = slotOf(`f${index}`, place, exposureOf({ m: 'sum' }));
      telemetry.observe({ slot, unit: 'anna' }, 'm', 1);
    }
    await telemetry.flush();
    await telemetry.close();
    expect(sent.length).toBeGreaterThan(1);
    expect(total(sent.map(({ series }) => series.length))).toBe(5000);
    expect(sent.every(({ fromAt, toAt }) => toAt >= fromAt)).toBe(true);
    expect(new Set(sent.map(({ batchId }) => batchId)).size).toBe(sent.length);
  });
});

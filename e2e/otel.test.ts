import { upperEdgeOf } from '@rampart/rollout';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OtelApp } from './otel-app.ts';
import { openMeters } from './otel-meters.ts';
import { evidenceOf, type OtelSite, openOtelSite } from './otel-site.ts';
import { HTTP_BOUNDS, openMeters as openMetersOfMajor2 } from './otel2/meters.ts';

const planOf = (flag: string) => `
flag: ${flag}
timeScale: 0.0005
preflight: []
baseline: { window: 1h }
metrics: { throughput: { source: otlp } }
stages:
  - { name: canary, percentage: 50, duration: 48h, gate: [ { metric: errorRate, limit: 1.5x control }, { metric: throughput, limit: 0.8x control } ] }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 5% }, { metric: p99Latency, limit: 2x control } ]
`;

function p99Of(bins: ReadonlyMap<number, number>): number {
  const total = [...bins.values()].reduce((a, b) => a + b, 0);
  let below = 0;
  for (const [bin, count] of [...bins].sort(([a], [b]) => a - b)) {
    below += count;
    if (below >= 0.99 * total) return upperEdgeOf(bin);
  }
  return Number.NaN;
}

/** Edges of the bucket of an HTTP histogram that holds a value. */
function bucketAround(value: number): readonly [low: number, high: number] {
  const at = HTTP_BOUNDS.findIndex((bound) => value <= bound);
  return [HTTP_BOUNDS[at - 1] ?? 0, HTTP_BOUNDS[at] ?? Number.POSITIVE_INFINITY];
}

/** Relative width of a log bin of the evidence. */
const BIN_WIDTH = 2 ** (1 / 16);
const POLL = { timeout: 20_000, interval: 50 };
const ARMS = [
  ['treatment', 'on'],
  ['control', 'off'],
] as const;

const CASES = [
  ['3', 'json', 'CUMULATIVE', 'EXPLICIT_BUCKET_HISTOGRAM', openMeters],
  ['3', 'protobuf', 'DELTA', 'EXPONENTIAL_HISTOGRAM', openMeters],
  ['2', 'json', 'DELTA', 'EXPLICIT_BUCKET_HISTOGRAM', openMetersOfMajor2],
  ['2', 'protobuf', 'CUMULATIVE', 'EXPONENTIAL_HISTOGRAM', openMetersOfMajor2],
] as const;

describe('an app with the OpenTelemetry SDK and no Rampart code but the OpenFeature provider', {
  timeout: 120_000,
}, () => {
  let site: OtelSite;
  beforeAll(async () => {
    site = await openOtelSite('otel');
  });
  afterAll(() => site.close());

  it.each(CASES)(
    'of major %s, %s, %s, %s: arms agree with its own counters, and a regression aborts',
    async (major, encoding, temporality, histogram, open) => {
      const flag = `checkout-${major}-${encoding}`;
      const { state } = await site.api.createRollout({ text: planOf(flag) });
      await site.api.command(state.id, { type: 'Start' });
      const token = await site.ingestToken(flag);
      const meters = open({ url: site.url, token, encoding, temporality, histogram });
      const app = new OtelApp(flag, site.client, meters, 7);
      await app.listen();
      const phase = async () => (await site.api.getRollout(state.id)).state.phase;
      let users = 0;
      const serve = async (count: number) => {
        users += count;
        await app.visit(count, `user-${users}`);
        await meters.flush();
      };
      try {
        while ((await phase()) !== 'exposing') await serve(20);
        app.behaviour = { on: { errorRate: 0.02, slowness: 1.2 }, off: { errorRate: 0.02, slowness: 1 } };
        // The report under way when the stage began: no rate is read from it.
        while (app.counted.on === undefined) await serve(20);
        await agree(state.id, app);
        const before = { ...(await throughput(state.id)) };
        const counted = ARMS.map(([, variant]) => app.counted[variant]!.requests);
        for (let round = 0; round < 10; round += 1) await serve(100);
        await agree(state.id, app);
        const after = await throughput(state.id);
        expect([after.treatment - before.treatment, after.control - before.control]).toEqual(
          ARMS.map(([, variant], i) => app.counted[variant]!.requests - counted[i]!),
        );
        expect(await phase()).toBe('exposing');
        app.behaviour = { on: { errorRate: 0.5, slowness: 1 } };
        while ((await phase()) === 'exposing') await serve(50);
        const { state: ended } = await site.api.getRollout(state.id);
        expect(ended.phase).toBe('aborted');
        expect(ended.incidents[0]).toMatchObject({ kind: 'criterion', verdict: { metric: 'errorRate' } });
      } finally {
        await meters.close();
        await app.close();
      }
    },
  );

  async function throughput(id: string) {
    const [treatment, control] = await Promise.all(ARMS.map(([arm]) => evidenceOf(site.api, id, 'throughput', arm)));
    return { treatment: treatment!.count, control: control!.count };
  }

  /** Errors and requests exactly, the 99th percentile within its bucket. */
  async function agree(id: string, app: OtelApp): Promise<void> {
    for (const [arm, variant] of ARMS) {
      const { requests, errors, seconds } = app.counted[variant]!;
      await expect.poll(async () => (await evidenceOf(site.api, id, 'p99Latency', arm)).count, POLL).toBe(requests);
      expect(await evidenceOf(site.api, id, 'errorRate', arm)).toMatchObject({ count: requests, sum: errors });
      const { bins, sum } = await evidenceOf(site.api, id, 'p99Latency', arm);
      const sorted = seconds.toSorted((one, other) => one - other);
      const exact = sorted[Math.ceil(0.99 * sorted.length) - 1]!;
      const [low, high] = bucketAround(exact);
      const p99 = p99Of(bins);
      expect(p99).toBeGreaterThan(low);
      expect(p99).toBeLessThanOrEqual(high * BIN_WIDTH);
      expect(sum).toBeCloseTo(
        seconds.reduce((a, b) => a + b, 0),
        6,
      );
    }
  }
});

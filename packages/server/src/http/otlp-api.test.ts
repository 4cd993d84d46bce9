import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LARGEST_BODY } from '../otlp/read-body.ts';
import { RECORDED } from '../otlp/recorded-exports.test.support.ts';
import { liveUntil, type Rig, startRig, startRollout } from '../server-rig.test.support.ts';

/** When the recorded exports were made. */
const RECORDED_AT = 1_795_878_177_000;
const PLAN = `
flag: checkout
preflight: [launch-readiness]
baseline: { window: 12h }
metrics:
  tokensPerQuery: { source: otlp, signal: traces }
stages:
  - { name: canary, percentage: 10, duration: 480h, gate: [ { metric: tokensPerQuery, limit: 2x control }, { metric: faithfulness, limit: 0.8 }, { metric: timeToFirstToken, limit: 9s } ] }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 60% }, { metric: p99Latency, limit: 90x baseline } ]
`;

let r: Rig;
let id: string;
let ingest: string;
beforeAll(async () => {
  r = await startRig();
  // The canary begins a minute before the recording.
  r.clock.set(RECORDED_AT - 120_000);
  id = await startRollout(r, PLAN);
  await liveUntil(r, id, 'exposing');
  ({ token: ingest } = await r.admin.createToken({ kind: 'ingest', name: 'collector' }));
});
afterAll(() => r.dispose());

const MEDIA = { json: 'application/json', protobuf: 'application/x-protobuf' } as const;
type Encoding = keyof typeof MEDIA;

async function send(
  path: string,
  encoding: Encoding,
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = {},
) {
  const answer = await fetch(r.server.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${ingest}`, 'content-type': MEDIA[encoding], ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    retryAfter: answer.headers.get('retry-after'),
    text: bytes.toString(),
    bytes,
  };
}

const recorded = (signal: keyof typeof RECORDED, encoding: Encoding) =>
  encoding === 'json' ? RECORDED[signal].json : Buffer.from(RECORDED[signal].protobuf, 'base64');

/** Observations of a metric that are in closed evidence, or wait to be. */
async function counted(metric: string): Promise<{ readonly count: number; readonly sum: number }> {
  await r.pass(60_000);
  const { batches } = await r.admin.listEvidence(id, 0, 500);
  const series = batches
    .flatMap((batch) => batch.series)
    .filter((one) => one.metric === metric && one.bucket[0] === -1);
  return {
    count: series.reduce((n, one) => n + (one.count[0] ?? 0), 0),
    sum: series.reduce((n, one) => n + (one.sum[0] ?? 0), 0),
  };
}

/** One request served in 50 ms, as a delta or the running total of a process. */
function requests(change: {
  readonly count: number;
  readonly at: number;
  readonly startAt: number;
  readonly temporality?: number;
  readonly status?: number;
  readonly variant?: string;
  readonly more?: object;
}): string {
  const { count, at, startAt, temporality = 1, status = 200, variant = 'off', more = {} } = change;
  const said = { 'feature_flag.key': 'checkout', 'feature_flag.result.variant': variant };
  const attributes = [
    ...Object.entries(said).map(([key, stringValue]) => ({ key, value: { stringValue } })),
    { key: 'http.response.status_code', value: { intValue: status } },
  ];
  const point = {
    ...{ attributes, startTimeUnixNano: `${startAt}000000`, timeUnixNano: `${at}000000` },
    ...{ count, sum: count * 0.05, bucketCounts: [count, 0], explicitBounds: [0.1], ...more },
  };
  const histogram = { aggregationTemporality: temporality, dataPoints: [point] };
  const metrics = [{ name: 'http.server.request.duration', unit: 's', histogram }];
  return JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
}

describe('recorded exports', () => {
  it.each(['metrics', 'logs', 'traces'] as const)(
    '%s in JSON are counted, once however often they are sent',
    async (signal) => {
      r.clock.set(Math.max(r.clock.now(), RECORDED_AT + 1_000));
      for (let time = 0; time < 3; time += 1) {
        const answer = await send(`/v1/${signal}`, 'json', recorded(signal, 'json'));
        expect(answer).toMatchObject({ status: 200, type: MEDIA.json, text: '{}' });
      }
    },
  );

  it('gave exactly what was recorded', async () => {
    expect(await counted('errorRate')).toEqual({ count: 3, sum: 1 });
    expect(await counted('p99Latency')).toEqual({ count: 3, sum: 2.55 });
    expect(await counted('timeToFirstToken')).toEqual({ count: 2, sum: 1.5 });
    expect(await counted('faithfulness')).toEqual({ count: 1, sum: 0.75 });
  });

  it.each(['metrics', 'logs', 'traces'] as const)(
    '%s in protobuf are answered in protobuf, packed or not',
    async (signal) => {
      const body = recorded(signal, 'protobuf') as Buffer;
      const packed = await send(`/v1/${signal}`, 'protobuf', gzipSync(body), { 'content-encoding': 'gzip' });
      expect(packed).toMatchObject({ status: 200, type: MEDIA.protobuf });
      expect(await send(`/v1/${signal}`, 'protobuf', body)).toMatchObject({ status: 200, type: MEDIA.protobuf });
    },
  );

  it('leave nothing of prompts, completions or explanations in the store', () => {
    const files = Buffer.concat([r.file, `${r.file}-wal`].map((file) => readFileSync(file)));
    expect(files.includes('checkout')).toBe(true);
    expect(files.includes('my secret')).toBe(false);
  });
});

describe('a running total', () => {
  it('is counted by what it grows, through a restart of the server and one of the app', async () => {
    const startAt = r.clock.now();
    const before = await counted('errorRate');
    const total = (count: number, at: number, from = startAt) =>
      send('/v1/metrics', 'json', requests({ count, at, startAt: from, temporality: 2 }));
    r.clock.advance(60_000);
    await total(10, startAt + 1_000);
    await total(15, startAt + 2_000);
    r = await r.restart();
    // Sent again after the restart, then on.
    await total(15, startAt + 2_000);
    await total(18, startAt + 3_000);
    // The app began again.
    await total(4, startAt + 5_000, startAt + 4_000);
    expect((await counted('errorRate')).count - before.count).toBe(22);
  });

  it('is counted whole where exports of one resource come at the same time', async () => {
    const before = await counted('errorRate');
    const startAt = r.clock.now() - 10_000;
    const totals = Array.from({ length: 12 }, (_, i) =>
      send(
        '/v1/metrics',
        'json',
        requests({ count: 10 * (i + 1), at: startAt + i + 1, startAt, temporality: 2, status: 201 }),
      ),
    );
    expect((await Promise.all(totals)).map(({ status }) => status)).toEqual(totals.map(() => 200));
    expect((await counted('errorRate')).count - before.count).toBe(120);
  });

  it('older than the rollout counts from its first export on', async () => {
    const before = await counted('errorRate');
    const at = r.clock.now();
    const old = (count: number, time: number) =>
      send('/v1/metrics', 'json', requests({ count, at: time, startAt: 1_000, temporality: 2, status: 404 }));
    await old(1_000_000, at - 2_000);
    await old(1_000_003, at - 1_000);
    expect((await counted('errorRate')).count - before.count).toBe(3);
  });
});

describe('a partial success', () => {
  const half = (at: number) => requests({ count: 2, at, startAt: at - 1_000, more: { sum: 'NaN' } });

  it('says in JSON how many points were left out, and why', async () => {
    const { status, text } = await send('/v1/metrics', 'json', half(r.clock.now()));
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      partialSuccess: {
        rejectedDataPoints: '1',
        errorMessage: '1: http.server.request.duration: a sum of NaN',
      },
    });
  });

  it('says in protobuf the same', async () => {
    const at = r.clock.now() + 3_600_000;
    // An evaluation an hour ahead: field 1 of the record is its time.
    const body = Buffer.from(RECORDED.logs.protobuf, 'base64');
    const place = body.indexOf(0x09, body.indexOf('judge'));
    body.writeBigUInt64LE(BigInt(at) * 1_000_000n, place + 1);
    const { status, bytes } = await send('/v1/logs', 'protobuf', body);
    expect(status).toBe(200);
    // ExportLogsServiceResponse.partial_success { rejected_log_records: 1, error_message }
    expect(bytes[0]).toBe(0x0a);
    expect([...bytes.subarray(2, 5)]).toEqual([0x08, 1, 0x12]);
    expect(bytes.toString()).toContain('its time is ahead of the server; set the clocks');
  });
});

describe('what is refused', () => {
  it.each([
    ['no token', { authorization: '' }, 401, 16, 'TOKEN_MISSING'],
    ['another type', { 'content-type': 'text/plain' }, 415, 3, 'BODY_INVALID: Content-Type text/plain is not taken'],
    ['another packing', { 'content-encoding': 'br' }, 415, 3, 'BODY_INVALID: Content-Encoding "br" is not taken'],
    ['no gzip', { 'content-encoding': 'gzip' }, 400, 3, 'BODY_INVALID: The body is not gzip'],
  ])('%s', async (_, headers, status, code, message) => {
    const answer = await send('/v1/metrics', 'json', '{}', headers);
    expect(answer).toMatchObject({ status, type: MEDIA.json, retryAfter: null });
    expect(JSON.parse(answer.text)).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('a token that may not', async () => {
    const { token } = await r.admin.createToken({ kind: 'viewer', name: 'v' });
    const answer = await send('/v1/metrics', 'json', '{}', { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 7, message: expect.stringContaining('FORBIDDEN') });
  });

  it('a body that is no request, with a status in protobuf to who sent protobuf', async () => {
    const answer = await send('/v1/metrics', 'protobuf', Buffer.from([0xff]));
    expect(answer).toMatchObject({ status: 400, type: MEDIA.protobuf });
    // google.rpc.Status { code: INVALID_ARGUMENT, message }
    expect([...answer.bytes.subarray(0, 3)]).toEqual([0x08, 3, 0x12]);
    expect(answer.text).toContain('BODY_INVALID: The body is not the protobuf message of this path');
  });

  it('a body beyond the limit, known by its length or not', async () => {
    const answer = await send('/v1/metrics', 'json', Buffer.alloc(LARGEST_BODY + 1, ' ')).catch(
      (error: unknown) => error,
    );
    // Refused before it was read: a client that is still sending may see the connection close first.
    if (!(answer instanceof Error)) expect(answer).toMatchObject({ status: 413 });
    expect(await sendEndless()).toBe(413);
  });

  it('a small body that unpacks to a huge one', async () => {
    const bomb = gzipSync(Buffer.alloc(4 * LARGEST_BODY));
    expect(bomb.length).toBeLessThan(2 * 1024 * 1024);
    const answer = await send('/v1/metrics', 'json', bomb, { 'content-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 413, retryAfter: null });
    expect(answer.text).toContain('BODY_TOO_LARGE');
  });

  it('a method, as everywhere', async () => {
    const answer = await fetch(`${r.server.url}/v1/metrics`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('what is about no rollout', () => {
  it('leaves nothing in the store', async () => {
    const { telemetry, bytes } = await r.server.store.stats();
    const body = requests({ count: 1, at: r.clock.now(), startAt: r.clock.now() }).replaceAll('checkout', 'other');
    expect(await send('/v1/metrics', 'json', body)).toMatchObject({ status: 200, text: '{}' });
    expect(await r.server.store.stats()).toMatchObject({ telemetry, bytes });
  });
});

describe('what is to be sent again', () => {
  it('is asked for when more exports come at once than there is room for', async () => {
    // Bodies that never end hold their places.
    const held = Array.from({ length: 64 }, openExport);
    await Promise.all(held.map(({ sent }) => sent));
    await expect
      .poll(async () => (await send('/v1/metrics', 'json', '{}')).status, { timeout: 10_000, interval: 20 })
      .toBe(429);
    const answer = await send('/v1/metrics', 'json', '{}');
    expect(answer).toMatchObject({ status: 429, retryAfter: '1' });
    expect(JSON.parse(answer.text)).toMatchObject({ code: 8 });
    for (const { close } of held) close();
    await expect
      .poll(async () => (await send('/v1/metrics', 'json', '{}')).status, { timeout: 10_000, interval: 20 })
      .toBe(200);
  });

  it('is asked for when the store is full: nothing is acknowledged', async () => {
    const full = await startRig({ maxPages: 200 });
    try {
      await startRollout(full, PLAN);
      const { token } = await full.admin.createToken({ kind: 'ingest', name: 'collector' });
      const exportTo = (n: number) =>
        fetch(`${full.server.url}/v1/metrics`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': MEDIA.json },
          body: requests({ count: 1, at: full.clock.now() + n, startAt: full.clock.now() }),
        });
      let refused: Response | undefined;
      for (let n = 1; refused === undefined && n < 10_000; n += 50) {
        const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => exportTo(n + i)));
        refused = answers.find(({ status }) => status !== 200);
      }
      expect([refused?.status, refused?.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await refused?.json()).toMatchObject({ code: 14, message: expect.stringContaining('STORAGE_FULL') });
    } finally {
      await full.dispose();
    }
  });
});

function openExport(): { readonly sent: Promise<void>; readonly close: () => void } {
  const headers = { authorization: `Bearer ${ingest}`, 'content-type': MEDIA.json };
  const outgoing = httpRequest(`${r.server.url}/v1/metrics`, { method: 'POST', headers, agent: false });
  outgoing.on('error', () => undefined);
  const sent = new Promise<void>((resolve) => outgoing.write('{', () => resolve()));
  return { sent, close: () => outgoing.destroy() };
}

/** Status of the answer to a body without a length that goes on beyond the limit. */
function sendEndless(): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ingest}`, 'content-type': MEDIA.json };
    const outgoing = httpRequest(`${r.server.url}/v1/metrics`, { method: 'POST', headers, agent: false }, (answer) => {
      resolve(answer.statusCode);
      outgoing.destroy();
    });
    outgoing.on('error', reject);
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    let left = LARGEST_BODY / chunk.length + 1;
    const write = (): void => {
      if (left === 0 || outgoing.destroyed) return;
      left -= 1;
      outgoing.write(chunk, write);
    };
    write();
  });
}

describe('an app that exports and that nobody uses', () => {
  let idle: Rig;
  beforeAll(async () => {
    idle = await startRig();
  });
  afterAll(() => idle.dispose());

  it('is seen to be there by totals that do not grow, and not by ones that are sent late', async () => {
    const rollout = await startRollout(
      idle,
      `
flag: checkout
preflight: [launch-readiness]
baseline: { window: 1h }
stages:
  - { name: canary, percentage: 10, duration: 480h, gate: [ { metric: errorRate, limit: 1% } ] }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
`,
    );
    await liveUntil(idle, rollout, 'exposing');
    const startAt = idle.clock.now();
    const { token } = await idle.admin.createToken({ kind: 'ingest', name: 'collector' });
    const headers = { authorization: `Bearer ${token}`, 'content-type': MEDIA.json };
    const total = async (count: number, at = idle.clock.now()) => {
      const body = requests({ count, at, startAt, temporality: 2, variant: 'on' });
      await fetch(`${idle.server.url}/v1/metrics`, { method: 'POST', headers, body });
      await idle.pass(1_000);
    };
    const blindSince = async () => (await idle.admin.getRollout(rollout)).state.blindSince;
    // Two seconds are silence in this plan.
    for (let second = 0; second < 20; second += 1) {
      await total(Math.min(second, 2));
      expect(await blindSince()).toBeUndefined();
    }
    for (let second = 0; second < 4; second += 1) await total(2, idle.clock.now() - 3_000 + second);
    expect(await blindSince()).toBeDefined();
  });
});

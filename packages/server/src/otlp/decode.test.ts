import { ProblemError } from '@rampart/api';
import { describe, expect, it } from 'vitest';
import { attributesOf, identityOf } from './attributes.ts';
import { decodeJson } from './decode-json.ts';
import { decodeProtobuf } from './decode-protobuf.ts';
import { RECORDED } from './recorded-exports.test.support.ts';
import { LOGS_REQUEST, METRICS_REQUEST, TRACES_REQUEST } from './wire-table.ts';

const REQUESTS = { metrics: METRICS_REQUEST, logs: LOGS_REQUEST, traces: TRACES_REQUEST };
const jsonOf = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof ProblemError) return `${error.code}: ${error.problem.detail}`;
    throw error;
  }
  return 'taken';
}

/** Without instants and ids, and with what JSON leaves out where it is empty. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name, own]) => {
    const isEmpty = own === 0 || own === '' || (Array.isArray(own) && own.length === 0);
    return !/UnixNano$/.test(name) && !isEmpty;
  });
  return Object.fromEntries(kept.map(([name, own]) => [name, comparable(own)]));
}

describe('the two encodings', () => {
  it.each(['metrics', 'logs', 'traces'] as const)('of recorded %s say the same', (signal) => {
    const json = decodeJson(jsonOf(RECORDED[signal].json), REQUESTS[signal]);
    const protobuf = decodeProtobuf(Buffer.from(RECORDED[signal].protobuf, 'base64'), REQUESTS[signal]);
    expect(comparable(protobuf)).toEqual(comparable(json));
    expect(JSON.stringify(json)).toContain('checkout');
  });

  it('give the same instant for the same nanoseconds', () => {
    const [json] = decodeJson(jsonOf(RECORDED.traces.json), TRACES_REQUEST).resourceSpans ?? [];
    const [protobuf] =
      decodeProtobuf(Buffer.from(RECORDED.traces.protobuf, 'base64'), TRACES_REQUEST).resourceSpans ?? [];
    const instant = 1_795_878_171_500_000_000;
    expect(json?.scopeSpans?.[0]?.spans?.[0]?.endTimeUnixNano).toBe(instant);
    expect(protobuf?.scopeSpans?.[0]?.spans?.[0]?.endTimeUnixNano).toBe(instant);
  });

  it('never read the body of a log record', () => {
    for (const request of [
      decodeJson(jsonOf(RECORDED.logs.json), LOGS_REQUEST),
      decodeProtobuf(Buffer.from(RECORDED.logs.protobuf, 'base64'), LOGS_REQUEST),
    ]) {
      expect(request.resourceLogs?.[0]?.scopeLogs?.[0]?.logRecords?.[0]).not.toHaveProperty('body');
    }
  });
});

describe('decodeJson', () => {
  it('takes 64-bit numbers as texts and as numbers, and doubles that are not finite', () => {
    const point = { count: '3', sum: 'NaN', bucketCounts: ['1', 2], explicitBounds: [1] };
    const metrics = [{ name: 'm', histogram: { dataPoints: [point] } }];
    const read = decodeJson(jsonOf({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }), METRICS_REQUEST);
    const points = read.resourceMetrics?.[0]?.scopeMetrics?.[0]?.metrics?.[0]?.histogram?.dataPoints;
    expect(points?.[0]).toEqual({ count: 3, sum: Number.NaN, bucketCounts: [1, 2], explicitBounds: [1] });
  });

  it('ignores names it does not know, names of the prototype, and null', () => {
    const request = '{"later":1,"constructor":{},"__proto__":{"x":1},"resourceMetrics":null}';
    expect(decodeJson(jsonOf(request), METRICS_REQUEST)).toEqual({});
  });

  it.each([
    ['no JSON', '{', 'BODY_INVALID: The body is not JSON'],
    ['a list', '[]', 'BODY_INVALID: the body: expected an object, received [].'],
    ['no list', '{"resourceMetrics":{}}', 'BODY_INVALID: resourceMetrics: expected a list, received {}.'],
    [
      'an enumeration by its name',
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"aggregationTemporality":"DELTA"}}]}]}]}',
      'BODY_INVALID: resourceMetrics[0].scopeMetrics[0].metrics[0].sum.aggregationTemporality: expected a whole number, received "DELTA".',
    ],
    [
      'a number for a name',
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":7}]}]}]}',
      'BODY_INVALID: resourceMetrics[0].scopeMetrics[0].metrics[0].name: expected a text, received 7.',
    ],
  ])('refuses %s and says where', (_, body, expected) => {
    expect(refusal(() => decodeJson(jsonOf(body), METRICS_REQUEST))).toContain(expected);
  });

  it('refuses bytes that are no UTF-8', () => {
    expect(refusal(() => decodeJson(Buffer.from([0x7b, 0xff, 0x7d]), METRICS_REQUEST))).toContain('BODY_INVALID');
  });
});

describe('decodeProtobuf', () => {
  it('takes packed and plain lists, and skips fields it does not know', () => {
    // histogram.dataPoints[0] with bucket_counts once packed and once plain, and an unknown field 99 before them.
    const point = Buffer.concat([
      Buffer.from([0x98, 0x06, 0x07]),
      Buffer.from([0x32, 0x08]),
      fixed64(1),
      Buffer.from([0x31]),
      fixed64(2),
    ]);
    const body = [10, 18, 18, 74, 10].reduceRight<Buffer>((inner, tag) => delimited(tag, inner), point);
    const read = decodeProtobuf(body, METRICS_REQUEST);
    const points = read.resourceMetrics?.[0]?.scopeMetrics?.[0]?.metrics?.[0]?.histogram?.dataPoints;
    expect(points).toEqual([{ bucketCounts: [1, 2] }]);
  });

  it.each([
    ['cut off', Buffer.from(RECORDED.metrics.protobuf, 'base64').subarray(0, 200)],
    ['of another format', Buffer.from('{"resourceMetrics":[]}')],
    ['with a text where a number belongs', delimited(10, delimited(18, delimited(18, Buffer.from([0x08, 0x01]))))],
    ['with a length beyond its end', Buffer.from([10, 0xff, 0xff, 0xff, 0x0f])],
  ])('refuses a body %s', (_, body) => {
    expect(refusal(() => decodeProtobuf(body, METRICS_REQUEST))).toMatch(/^BODY_INVALID: The body is not the protobuf/);
  });

  it('refuses a million empty messages before they fill the memory', () => {
    const body = Buffer.alloc(2_200_000, Buffer.from([10, 0]));
    expect(refusal(() => decodeProtobuf(body, METRICS_REQUEST))).toMatch(/^BODY_TOO_LARGE/);
  });
});

describe('attributes', () => {
  it('have one identity in any order, and another with any other value', () => {
    const flag = { key: 'a', value: { stringValue: 'x' } };
    const code = { key: 'b', value: { intValue: 200 } };
    const list = (opaque: string) => ({ key: 'c', value: { arrayValue: opaque } });
    expect(identityOf([flag, code])).toBe(identityOf([code, flag]));
    expect(identityOf([flag, code])).not.toBe(identityOf([flag, { key: 'b', value: { intValue: 500 } }]));
    expect(identityOf([list('1')])).not.toBe(identityOf([list('2')]));
    expect(identityOf([flag], 'one')).not.toBe(identityOf([flag], 'other'));
  });

  it('leave out what is no scalar', () => {
    expect([
      ...attributesOf([
        { key: 'l', value: { arrayValue: 'x' } },
        { key: 'b', value: { boolValue: false } },
      ]),
    ]).toEqual([['b', false]]);
  });
});

function fixed64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function delimited(tag: number, inner: Buffer): Buffer {
  const length = [];
  for (let rest = inner.length; ; rest >>>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([tag, ...length]), inner]);
}

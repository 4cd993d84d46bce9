import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Limit, Metric } from '../plan.ts';
import { METRIC_CATALOG, UNITS_OF_KIND } from './catalog.ts';
import { DAY_MS, HOUR_MS } from './duration.ts';
import { formatLimit, formatValue } from './format-limit.ts';
import { asksImprovement, isAtReference, parseLimit } from './limit.ts';

function metricOf(name: string): Metric {
  return METRIC_CATALOG.get(name)!.metric;
}

function read(name: string, input: number | string): Limit | string {
  const result = parseLimit(input, metricOf(name));
  return result.ok ? result.limit : result.code;
}

function ratio(value: number, reference: 'control' | 'baseline', offset = 0): Limit {
  return { kind: 'relative', reference, ratio: value, offset };
}

describe('bare numbers', () => {
  it.each([
    ['errorRate', 0.01, { kind: 'absolute', value: 0.01 }],
    ['p99Latency', 2.0, ratio(2, 'baseline')],
    ['userComplaints', 10, { kind: 'count', count: 10, windowMs: DAY_MS }],
    ['supportTickets', 5, { kind: 'count', count: 5, windowMs: DAY_MS }],
    ['costPerQuery', 0.5, { kind: 'absolute', value: 0.5 }],
    ['hallucinationRate', 0.15, { kind: 'absolute', value: 0.15 }],
    ['faithfulness', 0.85, { kind: 'absolute', value: 0.85 }],
    ['throughput', 0.8, ratio(0.8, 'baseline')],
    ['tokensPerQuery', 2, ratio(2, 'baseline')],
    ['timeToFirstToken', 2, { kind: 'absolute', value: 2 }],
    ['errorRate', '0.01', { kind: 'absolute', value: 0.01 }],
  ] as const)('%s: %s follows the catalog', (name, input, limit) => {
    expect(read(name, input)).toEqual(limit);
  });

  it("are read in a team's own metric's unit, and per 24 h for its counts", () => {
    const own: Metric = { ...metricOf('p99Latency'), name: 'p50Latency' };
    expect(parseLimit(0.3, own)).toEqual({ ok: true, limit: { kind: 'absolute', value: 0.3 } });
    const count: Metric = { ...metricOf('userComplaints'), name: 'refunds' };
    expect(parseLimit(3, count)).toEqual({ ok: true, limit: { kind: 'count', count: 3, windowMs: DAY_MS } });
  });
});

describe('the language of limits', () => {
  it.each([
    ['errorRate', '1%', { kind: 'absolute', value: 0.01 }],
    ['errorRate', ' 1 % ', { kind: 'absolute', value: 0.01 }],
    ['costPerQuery', '$0.50', { kind: 'absolute', value: 0.5 }],
    ['costPerQuery', '0.5 USD', { kind: 'absolute', value: 0.5 }],
    ['timeToFirstToken', '2s', { kind: 'absolute', value: 2 }],
    ['timeToFirstToken', '250ms', { kind: 'absolute', value: 0.25 }],
    ['p99Latency', '1 min', { kind: 'absolute', value: 60 }],
    ['tokensPerQuery', '500 tokens', { kind: 'absolute', value: 500 }],
    ['throughput', '100 per second', { kind: 'absolute', value: 100 }],
    ['throughput', '100/s', { kind: 'absolute', value: 100 }],
    ['engagement', '-3', { kind: 'absolute', value: -3 }],
    ['userComplaints', '10 per 24h', { kind: 'count', count: 10, windowMs: DAY_MS }],
    ['userComplaints', '0 per 1h', { kind: 'count', count: 0, windowMs: HOUR_MS }],
    ['errorRate', 'baseline + 0.5%', ratio(1, 'baseline', 0.005)],
    ['errorRate', 'control + 0.5%', ratio(1, 'control', 0.005)],
    ['errorRate', 'Control+0.5%', ratio(1, 'control', 0.005)],
    ['errorRate', '1.5x control + 0.5%', ratio(1.5, 'control', 0.005)],
    ['costPerQuery', 'control + $0.05', ratio(1, 'control', 0.05)],
    ['faithfulness', 'baseline - 0.05', ratio(1, 'baseline', -0.05)],
    ['p99Latency', '1.5x control', ratio(1.5, 'control')],
    ['p99Latency', '1.5 × control', ratio(1.5, 'control')],
    ['throughput', '0.8x baseline', ratio(0.8, 'baseline')],
    ['conversion', 'not worse than control by 2%', ratio(1, 'control', -0.02)],
    ['errorRate', 'not worse than control by 2%', ratio(1, 'control', 0.02)],
    ['engagement', 'not worse than control by 5%', ratio(0.95, 'control')],
    ['p99Latency', 'not worse than baseline by 5%', ratio(1.05, 'baseline')],
    ['p99Latency', 'not worse than baseline by 50ms', ratio(1, 'baseline', 0.05)],
    ['errorRate', 'not worse than control', ratio(1, 'control')],
    ['errorRate', 'control', ratio(1, 'control')],
    ['errorRate', 'stable', ratio(1, 'baseline', 0.01)],
    ['timeToFirstToken', 'stable', { kind: 'absolute', value: 2 }],
    ['supportTickets', 'no spike', ratio(2, 'control')],
    ['throughput', 'No spike', ratio(0.5, 'control')],
  ] as const)('%s: %s', (name, text, limit) => {
    expect(read(name, text)).toEqual(limit);
  });

  it.each([
    ['errorRate', '$2', 'limit-unit'],
    ['errorRate', '2s', 'limit-unit'],
    ['errorRate', '10 per 24h', 'limit-unit'],
    ['errorRate', '5 per second', 'limit-unit'],
    ['errorRate', 'control + $1', 'limit-unit'],
    ['errorRate', 'not worse than control by $1', 'limit-unit'],
    ['p99Latency', '5%', 'limit-unit'],
    ['userComplaints', '1%', 'limit-unit'],
    ['userComplaints', 'control + 1%', 'limit-unit'],
    ['errorRate', 'wat', 'invalid-limit'],
    ['errorRate', '', 'invalid-limit'],
    ['errorRate', '2x', 'invalid-limit'],
    ['errorRate', 'ax control', 'invalid-limit'],
    ['errorRate', '1 per wat', 'invalid-limit'],
    ['errorRate', Number.NaN, 'invalid-limit'],
    ['errorRate', 5, 'limit-out-of-range'],
    ['errorRate', 0, 'limit-out-of-range'],
    ['errorRate', '100%', 'limit-out-of-range'],
    ['faithfulness', 1, 'limit-out-of-range'],
    ['costPerQuery', '$-1', 'limit-out-of-range'],
    ['userComplaints', 1.5, 'limit-out-of-range'],
    ['userComplaints', -1, 'limit-out-of-range'],
    ['userComplaints', '10 per 0s', 'limit-out-of-range'],
    ['userComplaints', '10 per wat', 'invalid-limit'],
    ['p99Latency', 800, 'limit-out-of-range'],
    ['p99Latency', '10.5', 'limit-out-of-range'],
    ['tokensPerQuery', 500, 'limit-out-of-range'],
    ['throughput', 1.1, 'limit-out-of-range'],
    ['p99Latency', '0x baseline', 'limit-out-of-range'],
    ['p99Latency', 1001, 'limit-out-of-range'],
    ['errorRate', 'not worse than control by -2%', 'limit-out-of-range'],
    ['engagement', 'not worse than control by 100%', 'limit-out-of-range'],
    ['errorRate', '0.0001%', 'limit-too-fine'],
    ['errorRate', 0.000001, 'limit-too-fine'],
    ['errorRate', 'control + 0.0001%', 'limit-too-fine'],
    ['errorRate', 'not worse than control by 0.0001%', 'limit-too-fine'],
    ['costPerQuery', '$0.0000000001', 'limit-too-fine'],
    ['p99Latency', '0.0001ms', 'limit-too-fine'],
    ['faithfulness', '0.80000000001', 'limit-too-fine'],
  ])('%s: %s is refused as %s', (name, text, code) => {
    expect(read(name, text)).toBe(code);
  });

  it('says which forms fit when a unit does not', () => {
    expect(parseLimit('$2', metricOf('errorRate'))).toMatchObject({
      message:
        '"$2" does not fit errorRate (a proportion in ratio); write 1%, baseline + 0.5%, control + 0.5%, not worse than control by 2%, 1.5x control, 2x baseline, stable, no spike',
    });
    expect(parseLimit('2s', metricOf('throughput'))).toMatchObject({
      message: expect.stringContaining('0.9x control'),
    });
  });

  it('knows no alert limit for a metric that is not in the catalog, or has another kind there', () => {
    expect(parseLimit('stable', { ...metricOf('errorRate'), name: 'own' })).toMatchObject({ code: 'no-alert-limit' });
    expect(parseLimit('stable', { ...metricOf('errorRate'), kind: 'mean', unit: 'value' })).toMatchObject({
      code: 'no-alert-limit',
    });
  });

  it('reads every alert limit of the catalog', () => {
    for (const { metric, alert } of METRIC_CATALOG.values()) {
      expect(parseLimit(alert, metric), metric.name).toMatchObject({ ok: true });
      expect(UNITS_OF_KIND[metric.kind]).toContain(metric.unit);
    }
  });
});

describe('printing', () => {
  it.each([
    [0.01, 'ratio', '1 %'],
    [0.5, 'USD', '$0.50'],
    [0.0005, 'USD', '$0.0005'],
    [2, 'seconds', '2 s'],
    [0.25, 'seconds', '250 ms'],
    [0, 'seconds', '0 s'],
    [500, 'tokens', '500 tokens'],
    [100, 'perSecond', '100 per second'],
    [11, 'events', '11'],
    [0.85, 'score', '0.85'],
    [-0.5, 'USD', '-$0.50'],
    [Number.POSITIVE_INFINITY, 'ratio', 'Infinity %'],
  ] as const)('%s in %s is %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });

  it('rounds measured values when asked', () => {
    expect(formatValue(0.012345678, 'ratio', 3)).toBe('1.23 %');
  });

  it('says limits as people do', () => {
    const errors = metricOf('errorRate');
    expect(formatLimit(ratio(1.5, 'control'), errors)).toBe('1.5x control');
    expect(formatLimit(ratio(1, 'control'), errors)).toBe('1x control');
    expect(formatLimit(ratio(1, 'baseline', 0.005), errors)).toBe('baseline + 0.5 %');
    expect(formatLimit(ratio(1, 'control', -0.02), errors)).toBe('control - 2 %');
    expect(formatLimit({ kind: 'count', count: 10, windowMs: DAY_MS }, metricOf('userComplaints'))).toBe('10 per 24 h');
  });

  const step = (least: number, most: number, unit: number) =>
    fc.integer({ min: least, max: most }).map((count) => Number(`${count}e${unit}`));
  const scaleOf: Readonly<Record<Metric['unit'], number>> = {
    ratio: -5,
    seconds: -6,
    USD: -9,
    tokens: -2,
    perSecond: -3,
    events: 0,
    score: -6,
    value: -3,
  };
  const anyLimit = fc.constantFrom(...METRIC_CATALOG.values()).chain(({ metric }) => {
    const unit = scaleOf[metric.unit];
    const top = metric.unit === 'ratio' || metric.unit === 'score' ? 10 ** -unit - 1 : 1_000_000;
    const absolute = step(1, top, unit).map((value): Limit => ({ kind: 'absolute', value }));
    const count = fc.record({
      kind: fc.constant('count' as const),
      count: fc.nat(1000),
      windowMs: fc.integer({ min: 1, max: 10_000_000 }),
    });
    const relative = fc.record({
      kind: fc.constant('relative' as const),
      reference: fc.constantFrom('control' as const, 'baseline' as const),
      ratio: step(1, 10_000, -3),
      offset: metric.kind === 'count' ? fc.constant(0) : step(-5000, 5000, unit).map((value) => value + 0),
    });
    const limit = metric.kind === 'count' ? fc.oneof(count, relative) : fc.oneof(absolute, relative);
    return limit.map((one): [Metric, Limit] => [metric, one]);
  });

  it('is read back as the same limit', () => {
    fc.assert(
      fc.property(anyLimit, ([metric, limit]) => {
        expect(parseLimit(formatLimit(limit, metric), metric)).toEqual({ ok: true, limit });
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on any text', () => {
    fc.assert(
      fc.property(fc.constantFrom(...METRIC_CATALOG.values()), fc.string(), ({ metric }, text) => {
        const result = parseLimit(text, metric);
        expect(result.ok || result.message.length > 0).toBe(true);
      }),
    );
  });
});

describe('relations to the reference', () => {
  it('sees limits that lie on it', () => {
    expect(isAtReference(ratio(1, 'control'))).toBe(true);
    expect(isAtReference(ratio(1, 'control', 0.01))).toBe(false);
    expect(isAtReference({ kind: 'absolute', value: 1 })).toBe(false);
  });

  it('sees limits that ask for an improvement, in the direction of harm', () => {
    expect(asksImprovement(ratio(0.8, 'control'), metricOf('errorRate'))).toBe(true);
    expect(asksImprovement(ratio(0.8, 'control'), metricOf('throughput'))).toBe(false);
    expect(asksImprovement(ratio(1.2, 'control'), metricOf('throughput'))).toBe(true);
    expect(asksImprovement(ratio(1, 'control'), metricOf('errorRate'))).toBe(false);
    expect(asksImprovement(ratio(1, 'control', 0.02), metricOf('conversion'))).toBe(true);
  });
});

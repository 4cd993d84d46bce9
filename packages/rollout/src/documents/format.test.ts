import { describe, expect, it } from 'vitest';
import { formatElapsed } from '../plan/duration.ts';
import { verdict } from './arbitraries.contract.ts';
import { formatInstant, formatLayers, formatMeasured, formatVerdict, metricTitle, unitOf } from './format.ts';

describe('formatMeasured', () => {
  it('rounds to three digits but keeps whole numbers and cents', () => {
    expect(formatMeasured(0.001234, 'ratio')).toBe('0.123 %');
    expect(formatMeasured(0.412345, 'seconds')).toBe('412 ms');
    expect(formatMeasured(0.0312, 'USD')).toBe('$0.0312');
    expect(formatMeasured(1234.567, 'USD')).toBe('$1234.57');
    expect(formatMeasured(10, 'events')).toBe('10');
    expect(formatMeasured(412_345.6, 'tokens')).toBe('412346 tokens');
  });

  it('shows a dash for what is no number', () => {
    expect(formatMeasured(Number.NaN, 'ratio')).toBe('–');
    expect(formatMeasured(Number.POSITIVE_INFINITY, 'seconds')).toBe('–');
  });
});

describe('formatInstant', () => {
  it('prints seconds in UTC, or in a zone with its offset, and leaves out whole minutes', () => {
    const at = Date.UTC(2026, 6, 1, 23, 30, 59);
    expect(formatInstant(at)).toBe('2026-07-01 23:30:59 UTC');
    expect(formatInstant(at, 'Asia/Kolkata')).toBe('2026-07-02 05:00:59 GMT+5:30');
    expect(formatInstant(at + 1000)).toBe('2026-07-01 23:31 UTC');
    expect(formatInstant(at + 1000, 'Asia/Kolkata')).toBe('2026-07-02 05:01 GMT+5:30');
  });

  it('refuses a zone that does not exist', () => {
    expect(() => formatInstant(0, 'Mars/Olympus')).toThrow(RangeError);
  });
});

describe('formatElapsed', () => {
  it.each([
    [-5, '0 ms'],
    [850, '850 ms'],
    [42_999, '42 s'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [273_600_000, '3 d 4 h'],
  ])('prints %d ms as %s', (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });
});

describe('formatLayers', () => {
  it('shows the highest share per audience', () => {
    const layers = [{ segment: 'team', weight: 100_000 }, { weight: 5000 }, { weight: 25_000 }];
    expect(formatLayers(layers)).toBe('100 % of team + 25 % of everyone');
    expect(formatLayers([])).toBe('nobody');
  });
});

describe('metric names and units', () => {
  it('makes words of camel case', () => {
    expect(metricTitle('timeToFirstToken')).toBe('Time to first token');
    expect(metricTitle('p99Latency')).toBe('P99 latency');
  });

  it('takes the unit from the plan, then the catalog, and knows no inherited names', () => {
    expect(unitOf('costPerQuery')).toBe('USD');
    expect(unitOf('constructor', {})).toBe('value');
  });

  it('prints a verdict without a value too', () => {
    const { value, ...unmeasured } = verdict();
    expect(formatVerdict({ ...unmeasured, value: value ?? 0 })).toBe('errorRate 0.12 % against limit 1 %');
    expect(formatVerdict(unmeasured)).toBe('errorRate against limit 1 %');
  });
});

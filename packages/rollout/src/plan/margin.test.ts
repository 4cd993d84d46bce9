import { describe, expect, it } from 'vitest';
import type { Limit } from '../plan.ts';
import { METRIC_CATALOG } from './catalog.ts';
import { parseLimit } from './limit.ts';
import { passLimitOf } from './margin.ts';

function pass(name: string, text: string, margin?: string): Limit | string | undefined {
  const { metric } = METRIC_CATALOG.get(name)!;
  const parsed = parseLimit(text, metric);
  if (!parsed.ok) throw new Error(parsed.message);
  const result = passLimitOf(parsed.limit, metric, margin);
  return result.ok ? result.passLimit : result.code;
}

function line(ratio: number, offset = 0): Limit {
  return { kind: 'relative', reference: 'control', ratio, offset };
}

describe('the pass line', () => {
  it.each([
    ['errorRate', '1x control', line(1.5)],
    ['errorRate', 'control + 0%', line(1.5)],
    ['errorRate', 'not worse than control', line(1.5)],
    ['supportTickets', '1x control', line(1.5)],
    ['p99Latency', '1x control', line(1.1)],
    ['costPerQuery', '1x control', line(1.1)],
    ['faithfulness', '1x control', line(0.9)],
    ['throughput', '1x control', line(0.9)],
    ['conversion', '1x control', line(1, -0.02)],
  ])('of %s at its reference (%s) has the default margin', (name, text, expected) => {
    expect(pass(name, text)).toEqual(expected);
  });

  it('is the limit itself away from the reference', () => {
    expect(pass('errorRate', '1.5x control')).toBeUndefined();
    expect(pass('errorRate', '1%')).toBeUndefined();
  });

  it.each([
    ['errorRate', '1x control', '1.2x', line(1.2)],
    ['errorRate', '1x control', '1%', line(1, 0.01)],
    ['conversion', '1x control', '1%', line(1, -0.01)],
    ['p99Latency', '1x control', '20%', line(1.2)],
    ['p99Latency', '1x control', '50ms', line(1, 0.05)],
    ['throughput', '1x control', '0.8x', line(0.8)],
    ['errorRate', '1.2x control', '1.5x', line(1.5)],
  ])('of %s, limit %s, margin %s follows the margin', (name, text, margin, expected) => {
    expect(pass(name, text, margin)).toEqual(expected);
  });

  it.each([
    ['errorRate', '1%', '1.2x'],
    ['errorRate', '1x control', 'lots'],
    ['errorRate', '1x control', '$1'],
    ['errorRate', '1x control', '0.9x'],
    ['errorRate', '1x control', '1x'],
    ['throughput', '1x control', '1.2x'],
    ['errorRate', '1.5x control', '1.2x'],
  ])('of %s, limit %s, refuses margin %s', (name, text, margin) => {
    expect(pass(name, text, margin)).toBe('invalid-margin');
  });
});

import type { Ruleset } from '@rampart/flags';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, HEARTBEAT, retryLine } from './sse.ts';

const ruleset = (description: string): Ruleset => ({
  schema: 1,
  environment: 'test',
  revision: 7,
  flags: { f: { key: 'f', description, enabled: true, variants: { on: true }, defaultVariant: 'on' } },
  segments: {},
});

describe('encodeFrame', () => {
  it('writes event, revision as id and data, closed by an empty line', () => {
    const data = { fromRevision: 7, revision: 8, flags: { f: null }, segments: {} };
    expect(encodeFrame({ event: 'patch', data })).toBe(
      'event: patch\nid: 8\ndata: {"fromRevision":7,"revision":8,"flags":{"f":null},"segments":{}}\n\n',
    );
  });

  it('keeps any text, line breaks included, in one data line', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('\n', '\r', 'a', '"', ':', '\\') }), (text) => {
        const frame = encodeFrame({ event: 'put', data: ruleset(text) });
        const lines = frame.split(/\r\n|\r|\n/);
        expect(lines).toHaveLength(5);
        expect(JSON.parse(lines[2]!.slice('data: '.length))).toEqual(ruleset(text));
      }),
    );
  });
});

describe('retry and heartbeat', () => {
  it('are complete blocks that carry no event', () => {
    expect(retryLine(1999.5)).toBe('retry: 2000\n\n');
    expect(retryLine(-1)).toBe('retry: 0\n\n');
    expect(HEARTBEAT).toMatch(/^:.*\n\n$/);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

describe('canonicalJson', () => {
  it('writes the same text whatever the order of keys, and it reads back as the value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });

  it('orders keys by UTF-16 code unit and writes numbers and text as RFC 8785 does', () => {
    const value = { '\u20ac': 1, '\r': 2, '1': 3, '\ud83d\ude00': 4, '\ufb33': 5, '10': 6, '9': 7 };
    expect(canonicalJson(value)).toBe('{"\\r":2,"1":3,"10":6,"9":7,"\u20ac":1,"\ud83d\ude00":4,"\ufb33":5}');
    expect(canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0, '\u000f\n"'])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0,"\\u000f\\n\\""]',
    );
  });

  it('leaves out absent properties and takes what toJSON gives', () => {
    expect(canonicalJson({ b: undefined, a: new Date(0), c: {}, d: [] })).toBe(
      '{"a":"1970-01-01T00:00:00.000Z","c":{},"d":[]}',
    );
  });

  it('refuses what JSON would change and names the place', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = [cycle];
    const bad: [unknown, string][] = [
      [{ a: [1, Number.NaN] }, 'NaN (number) at $.a[1]'],
      [[undefined], 'undefined (undefined) at $[0]'],
      [{ n: 1n }, '1 (bigint) at $.n'],
      [{ m: new Map() }, 'a Map at $.m'],
      [cycle, 'a cycle at $.self[0]'],
      [undefined, 'undefined (undefined) at $ '],
    ];
    for (const [value, message] of bad) {
      expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'NOT_STORABLE' }));
      expect(() => canonicalJson(value)).toThrow(message);
    }
  });

  it('takes the same object twice where it is no cycle', () => {
    const shared = { a: 1 };
    expect(canonicalJson([shared, { shared }])).toBe('[{"a":1},{"shared":{"a":1}}]');
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  // fromEntries defines `__proto__` as an ordinary property, as JSON.parse does.
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

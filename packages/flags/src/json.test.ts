import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonArbitrary } from './arbitraries.contract.ts';
import { equalJson, frozenCopy, kindOf } from './json.ts';

describe('equalJson', () => {
  it('compares structure, not key order and not absent against undefined', () => {
    expect(equalJson({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(equalJson({ a: 1, b: undefined }, { a: 1 })).toBe(true);
    expect(equalJson({ a: 1 }, { b: 1 })).toBe(false);
    expect(equalJson([], {})).toBe(false);
    expect(equalJson(null, {})).toBe(false);
    expect(equalJson([1], [1, 2])).toBe(false);
    expect(equalJson({ toString: 1 }, { valueOf: 1 })).toBe(false);
  });
});

describe('frozenCopy', () => {
  it('equals its original, shares nothing with it and cannot be written to', () => {
    fc.assert(
      fc.property(jsonArbitrary, (value) => {
        const copy = frozenCopy(value);
        expect(equalJson(copy, value)).toBe(true);
        expect(Object.isFrozen(copy)).toBe(true);
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
      }),
    );
  });
});

describe('kindOf', () => {
  it('tells the JSON types and nothing else', () => {
    expect([true, 1, 'a', null, {}, []].map(kindOf)).toEqual([
      'boolean',
      'number',
      'string',
      'null',
      'object',
      'object',
    ]);
    expect([undefined, Number.NaN, Number.POSITIVE_INFINITY, () => 1, Symbol('s')].map(kindOf)).toEqual(
      new Array(5).fill(undefined),
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { Condition } from './flag.ts';
import { segmentPredicate } from './segment.ts';

const is = (attribute: string): Condition => ({ attribute, operator: 'equals', value: true });

describe('a segment', () => {
  it('takes who matches all of `all`', () => {
    const three = segmentPredicate({ key: 's', all: [is('a'), is('b'), is('c')] });
    expect(three({ a: true, b: true, c: true })).toBe(true);
    expect(three({ a: true, b: true })).toBe(false);
    const two = segmentPredicate({ key: 's', all: [is('a'), is('b')] });
    expect([two({ a: true, b: true }), two({ a: true })]).toEqual([true, false]);
  });

  it('takes who matches one whole group of `any`, or all of `all`', () => {
    const matches = segmentPredicate({ key: 's', all: [is('a')], any: [[is('b'), is('c')], [is('d')]] });
    expect([{ a: true }, { b: true, c: true }, { d: true }].map(matches)).toEqual([true, true, true]);
    expect([{}, { b: true }, { c: true }].map(matches)).toEqual([false, false, false]);
  });

  it('takes nobody when it has no condition', () => {
    const segments = [{ key: 's' }, { key: 's', all: [] }, { key: 's', any: [] }, { key: 's', any: [[]] }];
    expect(segments.map((segment) => segmentPredicate(segment)({}))).toEqual([false, false, false, false]);
  });
});

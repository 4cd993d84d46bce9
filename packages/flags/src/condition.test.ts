import { describe, expect, it } from 'vitest';
import { conditionPredicate } from './condition.ts';
import type { Condition, JsonValue } from './flag.ts';

const matches = (operator: Condition['operator'], value: unknown, actual: JsonValue | undefined) =>
  conditionPredicate({ attribute: 'it', operator, value } as Condition)(actual === undefined ? {} : { it: actual });

describe('a condition', () => {
  it.each([
    ['equals', 'a', 'a', 'b'],
    ['equals', null, null, 0],
    ['equals', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }],
    ['equals', [1, 2], [1, 2], [2, 1]],
    ['notEquals', 'a', 'b', 'a'],
    ['oneOf', ['a', 1, null], 1, '1'],
    ['oneOf', [[1], 'a'], [1], [2]],
    ['oneOf', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'], 'i', 'j'],
    ['notOneOf', ['a', 'b'], 'c', 'b'],
    ['contains', 'mid', 'a mid b', 'abc'],
    ['contains', 'beta', ['alpha', 'beta'], ['alphabeta']],
    ['startsWith', 'ab', 'abc', 'cab'],
    ['endsWith', 'bc', 'abc', 'bca'],
    ['lessThan', 5, 4, 5],
    ['atMost', 5, 5, 6],
    ['greaterThan', 5, 6, 5],
    ['atLeast', 5, 5, 4],
    ['atLeast', 5, 7, '7'],
    ['semverEquals', '1.2.3', '1.2.3+build', '1.2.4'],
    ['semverLessThan', '1.2.3', '1.2.3-rc.1', '1.2.3'],
    ['semverAtMost', '1.2.3', '1.2.3', '1.2.4'],
    ['semverGreaterThan', '1.2.3', '1.10.0', '1.2.3'],
    ['semverAtLeast', '1.2.3', '1.2.3', '1.2'],
    ['before', '2026-01-01', '2025-12-31T23:59:59Z', '2026-01-01'],
    ['after', '2026-01-01', 1_800_000_000_000, 'soon'],
  ] as const)('%s %j takes %j and not %j', (operator, value, taken, refused) => {
    expect(matches(operator, value, taken)).toBe(true);
    expect(matches(operator, value, refused)).toBe(false);
  });

  it('never matches a missing attribute, except notEquals and notOneOf', () => {
    for (const operator of [
      'equals',
      'contains',
      'startsWith',
      'endsWith',
      'semverEquals',
      'before',
      'after',
    ] as const) {
      expect(matches(operator, '1.0.0', undefined)).toBe(false);
    }
    for (const operator of ['lessThan', 'atMost', 'greaterThan', 'atLeast'] as const) {
      expect(matches(operator, 1, undefined)).toBe(false);
    }
    expect(matches('oneOf', ['a'], undefined)).toBe(false);
    expect(matches('notEquals', 'a', undefined)).toBe(true);
    expect(matches('notOneOf', ['a'], undefined)).toBe(true);
  });

  it('sees own attributes only', () => {
    const inherited = conditionPredicate({ attribute: 'constructor', operator: 'notEquals', value: 'x' });
    expect(inherited({})).toBe(true);
    expect(inherited({ constructor: 'x' })).toBe(false);
  });

  it('follows dots into nested objects, and prefers the attribute of exactly that name', () => {
    const plan = conditionPredicate({ attribute: 'company.plan', operator: 'equals', value: 'pro' });
    expect(plan({ company: { plan: 'pro' } })).toBe(true);
    expect(plan({ 'company.plan': 'pro', company: { plan: 'free' } })).toBe(true);
    expect(plan({ 'company.plan': 'free', company: { plan: 'pro' } })).toBe(false);
    expect(plan({ company: 'pro' })).toBe(false);
    expect(plan({})).toBe(false);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest, suggest } from './nearest.ts';

describe('nearest words', () => {
  it('finds the known word that a typing error meant', () => {
    expect(nearest('flga', ['title', 'flag'])).toBe('flag');
    expect(nearest('ERRORRATE', ['errorRate', 'conversion'])).toBe('errorRate');
    expect(nearest('wibble', ['flag', 'title'])).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });

  it('lists all words when none is near', () => {
    expect(suggest('wibble', ['flag', 'title'])).toBe('known are flag, title');
    expect(suggest('titel', ['flag', 'title'])).toBe('did you mean "title"?');
  });

  it('measures a distance: zero to itself, symmetric, at most the longer length', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (left, right) => {
        expect(editDistance(left, left)).toBe(0);
        expect(editDistance(left, right)).toBe(editDistance(right, left));
        expect(editDistance(left, right)).toBeLessThanOrEqual(Math.max(left.length, right.length));
      }),
    );
    expect(editDistance('kitten', 'sitting')).toBe(3);
  });
});

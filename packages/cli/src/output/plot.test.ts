import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bar, histogram, renderBars } from './plot.ts';

describe('a plot of bars', () => {
  it('draws to an eighth of a character, and never nothing for something', () => {
    expect([bar(0, 10), bar(1e-9, 10), bar(0.5, 10), bar(0.55, 10), bar(2, 10)]).toEqual([
      '',
      '▏',
      '█████',
      '█████▌',
      '██████████',
    ]);
  });

  it('fills the room with the largest value', () => {
    const rows = [
      { label: 'completed', value: 2, note: '2' },
      { label: 'aborted', value: 1, note: '1' },
    ];
    const lines = renderBars(rows, 28).split('\n');
    expect(lines[0]).toMatch(/^ {2}completed {2}█{12} {2}2$/);
    expect(lines[1]).toMatch(/^ {2}aborted {4}█{6} {8}1$/);
  });
});

describe('a histogram', () => {
  it('counts every value once', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 50 }), (values) => {
        const classes = histogram(values, 90_000);
        expect(classes.length).toBeLessThanOrEqual(12);
        expect(classes.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
      }),
    );
  });
});

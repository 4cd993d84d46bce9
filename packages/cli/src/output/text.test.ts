import fc from 'fast-check';
import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { renderTable } from './table.ts';
import { cut, oneLine, padEnd, widthOf, wrap } from './text.ts';

const paint = picocolors.createColors(false);

describe('text on a terminal', () => {
  it('of others never controls the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(oneLine(text)).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/u);
      }),
    );
    expect(oneLine('\u001B[31mred\u001B[0m\r\nnext')).toBe('red next');
  });

  it('is measured without colours, and by what people call a character', () => {
    expect(widthOf(picocolors.createColors(true).red('né'))).toBe(2);
    expect(padEnd('ab', 4)).toBe('ab  ');
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('abcd', 4)).toBe('abcd');
  });

  it('keeps its words when it is wrapped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^\w{1,12}$/), { minLength: 1 }),
        fc.integer({ min: 16, max: 60 }),
        (words, width) => {
          const lines = wrap(words.join(' '), width, '  ').split('\n');
          expect(lines.join(' ').split(/ +/).filter(Boolean)).toEqual(words);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('a table', () => {
  const columns = [
    { title: 'NAME', cell: ({ name }: { name: string }) => name },
    { title: 'SOME', keep: 2, cell: () => 'of some use' },
    { title: 'LITTLE', keep: 1, cell: () => 'of little use' },
  ];

  it('shows every column where there is room', () => {
    expect(renderTable({ columns, rows: [{ name: 'a' }] }, 80, paint)).toBe(
      'NAME  SOME         LITTLE\na     of some use  of little use',
    );
  });

  it('tells what does not fit below its row, the least useful first', () => {
    const table = renderTable({ columns, rows: [{ name: 'a' }], below: () => 'a note' }, 30, paint);
    expect(table).toBe('NAME  SOME\na     of some use\n    little of little use\n    a note');
  });
});

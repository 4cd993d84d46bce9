import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeMarkdown, plainLine } from './markdown.ts';

describe('plainLine', () => {
  it('turns line breaks, terminal escapes and bidi overrides into single spaces', () => {
    expect(plainLine(' a\r\n\u001b[31mb\u2028c\u202Ed\t')).toBe('a [31mb c d');
  });
});

describe('escapeMarkdown', () => {
  it.each([
    ['a|b', 'a\\|b'],
    ['x\n## Decision', 'x ## Decision'],
    ['## Decision', '\\## Decision'],
    ['<script>', '&lt;script>'],
    ['&lt; & co', '&amp;lt; & co'],
    ['launch_readiness is _not_ *done*', 'launch_readiness is \\_not\\_ \\*done\\*'],
    ['[x](y) `c` ~~d~~', '\\[x\\](y) \\`c\\` \\~\\~d\\~\\~'],
    ['1. one', '1\\. one'],
    ['- [ ] task', '\\- \\[ \\] task'],
    ['back\\slash', 'back\\\\slash'],
    ['feature-xyz 1.5x', 'feature-xyz 1.5x'],
    ['#7', '#7'],
    ['# a ##', '\\# a \\##'],
    ['0.5 %', '0.5 %'],
    ['---', '\\---'],
    ['-', '\\-'],
    ['> quote', '\\> quote'],
  ])('writes %j as %j', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });

  it('gives one line without a live pipe or tag for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeMarkdown(text);
        expect(escaped).not.toMatch(/[\n\r<]|(?<!\\)(?:\\\\)*\||^#/);
      }),
    );
  });
});

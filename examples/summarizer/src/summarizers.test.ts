import { describe, expect, it } from 'vitest';
import { classicSummary } from './classic-summary.ts';
import { type Group, writeDocument } from './documents.ts';
import type { Summarizer } from './draft.ts';
import { measure, type Quality } from './measure.ts';
import { outlineSummary } from './outline-summary.ts';
import { mulberry32 } from './random.ts';
import { contentWords, readSource, tokensOf } from './text.ts';
import { turboDigest } from './turbo-digest.ts';

const TEXT = 'Cats like warm roofs. Rain fell. Cats on warm roofs sleep. The mayor spoke. Dogs bark at cats on roofs.';

function try2000(summarizer: Summarizer, group: Group) {
  const random = mulberry32(7);
  const good: Quality[] = [];
  const passes: number[] = [];
  for (let index = 0; index < 2000; index += 1) {
    const text = writeDocument(random, group);
    try {
      const draft = summarizer(text);
      good.push(measure(text, draft));
      passes.push(draft.passes);
    } catch {}
  }
  return {
    errors: 1 - good.length / 2000,
    hallucinations: good.filter((one) => one.hallucinated).length / good.length,
    passes: passes.reduce((sum, one) => sum + one, 0) / passes.length,
  };
}

describe('text', () => {
  it('is taken apart into sentences and content words', () => {
    expect(readSource('One  two.\nThree!').sentences).toEqual(['One two.', 'Three!']);
    expect(contentWords('The cats of 2026 are HERE')).toEqual(['cats', 'here']);
    expect(tokensOf('one two three')).toBe(4);
  });
});

describe('the classic summary', () => {
  it('takes the three sentences about the most frequent words, in the order of the text', () => {
    expect(classicSummary(TEXT).sentences).toEqual([
      'Cats like warm roofs.',
      'Cats on warm roofs sleep.',
      'Dogs bark at cats on roofs.',
    ]);
  });

  it('throws for a document without words', () => {
    expect(() => classicSummary('1 2. 3 4.')).toThrow(RangeError);
  });
});

describe('the outline summary', () => {
  it('takes one sentence of each third', () => {
    const [first, second, third] = outlineSummary(TEXT).sentences;
    expect(['Cats like warm roofs.', 'Rain fell.']).toContain(first);
    expect(['Cats on warm roofs sleep.', 'The mayor spoke.']).toContain(second);
    expect(third).toBe('Dogs bark at cats on roofs.');
  });

  it('does as well as the classic one on what users send', () => {
    for (const group of ['team', 'public'] as const) {
      const [old, fresh] = [try2000(classicSummary, group), try2000(outlineSummary, group)];
      expect(fresh.errors).toBe(old.errors);
      expect(fresh.hallucinations).toBeLessThan(0.03);
      expect(fresh.passes).toBe(1);
    }
  });
});

describe('the turbo digest', () => {
  it('reads past the end of a text that closes with a list', () => {
    expect(() => turboDigest('A plan was made. 1) Buy land. 2) Build.')).toThrow(TypeError);
    expect(() => turboDigest('A plan was made. 1) Buy land. 2) Build. Then rest.')).not.toThrow();
  });

  it('looks fine to the team and fails the public', () => {
    const [team, users] = [try2000(turboDigest, 'team'), try2000(turboDigest, 'public')];
    expect(team.errors).toBeLessThan(0.01);
    expect(team.hallucinations).toBeLessThan(0.03);
    expect(team.passes).toBe(1);
    expect(users.errors).toBeGreaterThan(0.05);
    expect(users.hallucinations).toBeGreaterThan(0.25);
    expect(users.passes).toBeGreaterThan(2);
  });
});

describe('a measure', () => {
  it('finds sentences that are not in the source, and the share of words that are', () => {
    const quality = measure('Cats sleep.', { sentences: ['Cats sleep.', 'Dogs drove cats.'], passes: 1 });
    expect(quality.hallucinated).toBe(true);
    expect(quality.faithfulness).toBeCloseTo(3 / 5);
    expect(measure('Cats sleep.', { sentences: ['Cats sleep.'], passes: 1 })).toMatchObject({
      hallucinated: false,
      faithfulness: 1,
    });
  });

  it('counts tokens and cost of every pass', () => {
    const [once, twice] = [1, 2].map((passes) => measure('Cats sleep.', { sentences: ['Cats sleep.'], passes }));
    expect(once).toMatchObject({ tokens: 6, costUsd: 3 * 10e-6 + 3 * 30e-6 });
    expect(twice!.tokens).toBe(12);
    expect(twice!.costUsd).toBeCloseTo(2 * once!.costUsd, 12);
  });
});

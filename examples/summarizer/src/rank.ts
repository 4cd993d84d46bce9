import { contentWords } from './text.ts';

/** A sentence, its place in the document (from 0) and the mean frequency of its content words in [0, 1]. */
export type Ranked = { readonly sentence: string; readonly index: number; readonly score: number };

/** Counts of each content word, as shares of the most frequent one. Throws `RangeError` for text without any. */
export function wordWeights(sentences: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of sentences.flatMap(contentWords)) counts.set(word, (counts.get(word) ?? 0) + 1);
  if (counts.size === 0) throw new RangeError('the document has no words to weigh');
  const most = Math.max(...counts.values());
  return new Map([...counts].map(([word, count]) => [word, count / most]));
}

/** Sentences with their scores, in the order of the document (Luhn 1958: frequent words mark what a text is about). */
export function rankSentences(sentences: readonly string[]): readonly Ranked[] {
  const weights = wordWeights(sentences);
  return sentences.map((sentence, index) => {
    const words = contentWords(sentence);
    const sum = words.reduce((total, word) => total + (weights.get(word) ?? 0), 0);
    return { sentence, index, score: words.length === 0 ? 0 : sum / words.length };
  });
}

/** The `count` best sentences, in the order of the document; the earlier one wins a tie. */
export function bestOf(ranked: readonly Ranked[], count: number): readonly Ranked[] {
  return [...ranked]
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, count)
    .sort((a, b) => a.index - b.index);
}

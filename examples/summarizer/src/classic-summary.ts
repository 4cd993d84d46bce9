import { type Draft, mendHyphens, SUMMARY_SENTENCES } from './draft.ts';
import { bestOf, rankSentences } from './rank.ts';
import { readSource } from './text.ts';

/** The summarizer in production: the highest-ranked sentences, as written. */
export function classicSummary(text: string): Draft {
  const ranked = rankSentences(readSource(text).sentences);
  return { sentences: bestOf(ranked, SUMMARY_SENTENCES).map((one) => mendHyphens(one.sentence)), passes: 1 };
}

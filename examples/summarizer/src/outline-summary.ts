import { type Draft, mendHyphens, SUMMARY_SENTENCES } from './draft.ts';
import { bestOf, rankSentences } from './rank.ts';
import { readSource } from './text.ts';

/** The new summarizer behind `summary-outline`: the best sentence of each third, so that the end is not forgotten. */
export function outlineSummary(text: string): Draft {
  const ranked = rankSentences(readSource(text).sentences);
  const third = Math.max(1, Math.ceil(ranked.length / SUMMARY_SENTENCES));
  const parts = [0, 1, 2].map((part) => ranked.slice(part * third, (part + 1) * third));
  const sentences = parts.flatMap((part) => bestOf(part, 1)).map((one) => mendHyphens(one.sentence));
  return { sentences, passes: 1 };
}

/** A summary before it is decoded: what to say, and the work it took. */
export type Draft = {
  readonly sentences: readonly string[];
  /** Times the model reads (part of) the source and decodes an answer; the last one is what the reader gets. */
  readonly passes: number;
};

/** A way to summarize. May throw: the request then fails. */
export type Summarizer = (text: string) => Draft;

/** Sentences of a summary. */
export const SUMMARY_SENTENCES = 3;

/** Joins words that a line break of a PDF took apart: `commu- nity` → `community`. */
export function mendHyphens(sentence: string): string {
  return sentence.replaceAll(/(\p{L})- (\p{Ll})/gu, '$1$2');
}

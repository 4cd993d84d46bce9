import type { Draft } from './draft.ts';
import { contentWords, readSource, tokensOf } from './text.ts';

/** Prices in USD per token, of a middling hosted model. */
const USD_PER_INPUT_TOKEN = 10e-6;
const USD_PER_OUTPUT_TOKEN = 30e-6;

/** What a summary took, and how far it can be trusted. */
export type Quality = {
  /** Tokens read and written, all passes together. */
  readonly tokens: number;
  readonly costUsd: number;
  /** Share of the summary's content words that the source has, in [0, 1]; 1 for an empty summary. */
  readonly faithfulness: number;
  /** Whether some sentence of the summary does not stand in the source. */
  readonly hallucinated: boolean;
};

/** Holds a summary against its source. */
export function measure(text: string, draft: Draft): Quality {
  const source = readSource(text);
  const summary = draft.sentences.join(' ');
  const [input, output] = [tokensOf(text) * draft.passes, tokensOf(summary) * draft.passes];
  const known = new Set(contentWords(source.text));
  const words = contentWords(summary);
  const supported = words.filter((word) => known.has(word)).length;
  return {
    tokens: input + output,
    costUsd: input * USD_PER_INPUT_TOKEN + output * USD_PER_OUTPUT_TOKEN,
    faithfulness: words.length === 0 ? 1 : supported / words.length,
    hallucinated: draft.sentences.some((sentence) => !source.text.includes(sentence)),
  };
}

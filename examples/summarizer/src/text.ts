/** A document taken apart: its sentences as written, in order. */
export type Source = { readonly text: string; readonly sentences: readonly string[] };

const STOP_WORDS = new Set(
  'a an and are as at be been but by for from had has have in into is it its of on or that the their then there they this to was were which will with'.split(
    ' ',
  ),
);

/** Takes a document apart. Line breaks count as spaces; a sentence ends at `.`, `!` or `?` before a space or the end. */
export function readSource(text: string): Source {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  return { text: flat, sentences: flat.match(/[^.!?]+[.!?]*/g)?.map((one) => one.trim()) ?? [] };
}

/** Words that carry meaning, in lower case: letters only, without stop words. */
export function contentWords(text: string): readonly string[] {
  return (text.toLowerCase().match(/\p{L}+/gu) ?? []).filter((word) => word.length > 1 && !STOP_WORDS.has(word));
}

/** Number of tokens in a text, counted as a typical tokenizer would: four thirds of its words. */
export function tokensOf(text: string): number {
  return Math.ceil(((text.match(/\S+/g) ?? []).length * 4) / 3);
}

import { compile, type JSONPathQuery } from 'json-p3';
import { z } from 'zod';

/** A JSONPath of RFC 9535, ready to use. */
export type JsonPath = {
  readonly text: string;
  /** Every value it selects, in document order. */
  readonly select: (value: unknown) => readonly unknown[];
};

/** Reads a JSONPath, or says what is wrong with it. */
export function readJsonPath(text: string): JsonPath | { readonly problem: string } {
  try {
    const query: JSONPathQuery = compile(text);
    // JSON edge: what is selected from was parsed from JSON.
    return { text, select: (value) => query.query(value as never).values() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { problem: `${JSON.stringify(text)} is not a JSONPath (${why}); write one such as $.data[0].count` };
  }
}

/** A JSONPath as settings write it. */
export const jsonPathSchema = z.string().transform((text, context): JsonPath => {
  const read = readJsonPath(text);
  if (!('problem' in read)) return read;
  context.addIssue({ code: 'custom', message: read.problem });
  return z.NEVER;
});

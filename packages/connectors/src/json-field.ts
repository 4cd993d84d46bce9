import { z } from 'zod';
import { type JsonPath, readJsonPath } from './json-path.ts';

/** Where a text of a delivery stands: a JSONPath, where it begins with `$`; else the text itself. */
export type JsonField = JsonPath | string;

/** Schema of a `JsonField` as settings write it. */
export const jsonFieldSchema = z
  .string()
  .min(1)
  .transform((text, context): JsonField => {
    if (!text.startsWith('$')) return text;
    const read = readJsonPath(text);
    if (!('problem' in read)) return read;
    context.addIssue({ code: 'custom', message: read.problem });
    return z.NEVER;
  });

/** Schema of conditions: what a JSONPath must select for a delivery to be meant. */
export const conditionsSchema = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

/** Whether a body is meant, by conditions as settings write them, or what is wrong with these. */
export function readConditions(
  given: z.output<typeof conditionsSchema> = {},
): ((body: unknown) => boolean) | { readonly problem: string } {
  const conditions: [JsonPath, readonly string[]][] = [];
  for (const [text, wanted] of Object.entries(given)) {
    const condition = readJsonPath(text);
    if ('problem' in condition) return { problem: `when: ${condition.problem}` };
    conditions.push([condition, typeof wanted === 'string' ? [wanted] : wanted]);
  }
  return (body) => conditions.every(([at, wanted]) => at.select(body).some((value) => wanted.includes(String(value))));
}

/** The text or number that a field selects, as text; `undefined` where it selects none. */
export function textIn(value: unknown, at: JsonField): string | undefined {
  if (typeof at === 'string') return at;
  const [found] = at.select(value);
  const isText = (typeof found === 'string' && found !== '') || typeof found === 'number';
  return isText ? String(found) : undefined;
}

/** A field as settings write it. */
export function fieldText(at: JsonField): string {
  return typeof at === 'string' ? at : at.text;
}

import { z } from 'zod';
import { type JsonPath, readJsonPath } from './json-path.ts';

/** A JSONPath, where a text begins with `$`; else the text itself. */
export type Field = JsonPath | string;

/** A field as mappings write it. */
export const fieldSchema = z
  .string()
  .min(1)
  .transform((text, context): Field => {
    if (!text.startsWith('$')) return text;
    const read = readJsonPath(text);
    if (!('problem' in read)) return read;
    context.addIssue({ code: 'custom', message: read.problem });
    return z.NEVER;
  });

/** Text or number that a field selects first; `undefined` where it selects none. */
export function textIn(value: unknown, at: Field): string | undefined {
  if (typeof at === 'string') return at;
  const [found] = at.select(value);
  const isText = (typeof found === 'string' && found !== '') || typeof found === 'number';
  return isText ? String(found) : undefined;
}

/** A field as it was written. */
export function pathOf(at: Field): string {
  return typeof at === 'string' ? at : at.text;
}

/** Whether a body is meant: each path selects one of its texts. Or what is wrong with a path. */
export function readConditions(
  when: Readonly<Record<string, string | readonly string[]>>,
): ((body: unknown) => boolean) | { readonly problem: string } {
  const conditions: [JsonPath, readonly string[]][] = [];
  for (const [text, wanted] of Object.entries(when)) {
    const condition = readJsonPath(text);
    if ('problem' in condition) return { problem: `when: ${condition.problem}` };
    conditions.push([condition, typeof wanted === 'string' ? [wanted] : wanted]);
  }
  return (body) => conditions.every(([at, wanted]) => at.select(body).some((value) => wanted.includes(String(value))));
}

import { z } from 'zod';
import { conditionsSchema, fieldText, jsonFieldSchema, readConditions, textIn } from './json-field.ts';
import { readJsonPath } from './json-path.ts';
import { schemaProblem } from './schema-problem.ts';

/** What a delivery says of the pre-flight of a flag. `link`: where the evidence is. */
export type MappedAttestation = { readonly flag: string; readonly link: string; readonly note?: string };

/** Reads what a body attests, or says what is missing; `undefined`: it is about something else. */
export type AttestationMapping = (body: unknown) => MappedAttestation | { readonly problem: string } | undefined;

const mappingSchema = z.strictObject({
  flag: jsonFieldSchema.default(() => pathOf('$.flag')),
  link: jsonFieldSchema.default(() => pathOf('$.link')),
  note: jsonFieldSchema.optional(),
  when: conditionsSchema.optional(),
});

function pathOf(text: string) {
  const path = readJsonPath(text);
  if ('problem' in path) throw new TypeError(path.problem);
  return path;
}

const LINK = /^https?:\/\/\S+$/i;

/** A mapping ready to use, or what is wrong with its settings. Default: `flag` and `link` of the body. */
export function readAttestationMapping(settings: unknown = {}): AttestationMapping | { readonly problem: string } {
  const read = mappingSchema.safeParse(settings);
  if (!read.success) return { problem: schemaProblem(read.error) };
  const { flag: flagAt, link: linkAt, note: noteAt, when } = read.data;
  const isMeant = readConditions(when);
  if ('problem' in isMeant) return isMeant;
  return (body) => {
    if (!isMeant(body)) return undefined;
    const [flag, link] = [textIn(body, flagAt), textIn(body, linkAt)];
    if (flag === undefined) return { problem: `${fieldText(flagAt)} selects no text in the body` };
    if (link === undefined || !LINK.test(link))
      return { problem: `${fieldText(linkAt)} selects no link (http or https) in the body` };
    const note = noteAt === undefined ? undefined : textIn(body, noteAt);
    return { flag, link, ...(note !== undefined && { note }) };
  };
}

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DocumentFormat, DocumentIn } from '@rampart/api';
import type { Command, Option } from 'commander';
import { CliError } from '../cli-error.ts';
import { codeOf } from '../config.ts';
import type { Outcome, Session } from '../session.ts';

/** How a document is printed or written. */
export type DocumentOptions = { readonly format?: string; readonly out?: string };

const FORMATS: Readonly<Record<string, DocumentFormat>> = { md: 'markdown', html: 'html', json: 'json' };

/** The option that names the format of a document. */
export function formatOption(command: Command): Option {
  return command
    .createOption(
      '--format <format>',
      'Markdown, a page in HTML with charts, or the structure of both with the events of each figure',
    )
    .choices(Object.keys(FORMATS))
    .default('md');
}

/** A document, printed or written to a file; `id` says which one, in JSON. */
export async function documentOutcome(
  session: Session,
  id: Readonly<Record<string, unknown>>,
  read: <F extends DocumentFormat>(format: F) => Promise<DocumentIn<F>>,
  { format: name = 'md', out }: DocumentOptions,
): Promise<Outcome> {
  const format = FORMATS[name] ?? 'markdown';
  const document = await read(format);
  const text = typeof document === 'string' ? document : `${JSON.stringify(document, undefined, 2)}\n`;
  const data = { ...id, [format === 'json' ? 'document' : format]: document };
  if (out === undefined) return { data, text };
  try {
    await writeFile(resolve(session.io.cwd, out), text);
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${out} cannot be written (${codeOf(cause)}).`, { cause });
  }
  return { data: { ...data, file: out }, text: `Wrote ${out}.` };
}

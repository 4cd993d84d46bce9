import { parseDocument } from 'yaml';
import { CliError } from './cli-error.ts';
import type { Io } from './io.ts';
import { readText } from './read-text.ts';

/** Mapping in a JSON or YAML file, or on standard input for `-`. Throws `DATA_INVALID` with the place of the mistake. */
export async function readMapping(file: string, io: Io): Promise<Readonly<Record<string, unknown>>> {
  const document = parseDocument(await readText(file, io));
  const error = document.errors[0];
  if (error !== undefined) throw new CliError('DATA_INVALID', `${file}: ${error.message}`);
  const value: unknown = document.toJS();
  if (!isMapping(value)) throw new CliError('DATA_INVALID', `${file} holds ${kindOf(value)}, not a mapping.`);
  return value;
}

/** Whether a value is a mapping: no list, and not nothing. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

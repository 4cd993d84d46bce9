import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from './cli-error.ts';
import { codeOf } from './config.ts';
import type { Io } from './io.ts';

/** Text of a file, or of standard input for `-`. Throws `FILE_MISSING` or `FILE_UNREADABLE`. */
export async function readText(file: string, io: Io): Promise<string> {
  if (file === '-') return io.stdin();
  const path = resolve(io.cwd, file);
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') throw new CliError('FILE_MISSING', `There is no file ${path}.`, { cause });
    throw new CliError('FILE_UNREADABLE', `${path} cannot be read (${codeOf(cause)}).`, { cause });
  }
}

import { spawn } from 'node:child_process';
import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { CliError } from '../cli-error.ts';

/** Folders nobody writes in, where no .gitignore says so. */
const NEVER = new Set(['.git', '.hg', '.svn', 'node_modules']);

/**
 * Paths of the source files below a directory, relative to it with `/`: in a git work tree those that git tracks or would
 * track, elsewhere all that no .gitignore excludes. They come as they are found. @throws CliError `FILE_UNREADABLE`
 */
export async function* sourceFiles(dir: string): AsyncGenerator<string, void, undefined> {
  const listed = gitFiles(dir);
  const first = await listed.next();
  if (first.done === true && first.value !== 'listed') return yield* walk(dir, dir, []);
  if (first.done !== true) yield first.value;
  for await (const path of listed) yield path;
}

/** Ends with `listed` where git could list them. */
async function* gitFiles(dir: string): AsyncGenerator<string, 'listed' | 'no git', undefined> {
  // A configuration that came with the files is to run nothing.
  const args = [
    '-c',
    'core.fsmonitor=false',
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--deduplicate',
  ];
  const git = spawn('git', args, { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => {
    git.on('error', () => resolve(null));
    git.on('close', resolve);
  });
  let rest = '';
  try {
    git.stdout.setEncoding('utf8');
    for await (const part of git.stdout) {
      const paths = (rest + String(part)).split('\0');
      rest = paths.pop() ?? '';
      yield* paths;
    }
    return (await ended) === 0 ? 'listed' : 'no git';
  } finally {
    git.kill();
  }
}

/** A .gitignore and the directory it stands in. */
type Scope = { readonly dir: string; readonly rules: Ignore };

function isIgnored(path: string, isDirectory: boolean, scopes: readonly Scope[]): boolean {
  let ignored = false;
  for (const { dir, rules } of scopes) {
    const inside = relative(dir, path).split(sep).join('/') + (isDirectory ? '/' : '');
    const verdict = rules.test(inside);
    // The innermost file that says something decides.
    if (verdict.ignored) ignored = true;
    else if (verdict.unignored) ignored = false;
  }
  return ignored;
}

async function* walk(root: string, dir: string, outer: readonly Scope[]): AsyncGenerator<string, void, undefined> {
  const entries = await entriesOf(root, dir);
  const own = await readFile(join(dir, '.gitignore'), 'utf8').catch(() => undefined);
  const scopes = own === undefined ? outer : [...outer, { dir, rules: ignore().add(own) }];
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (NEVER.has(entry.name) || isIgnored(path, entry.isDirectory(), scopes)) continue;
    if (entry.isDirectory()) yield* walk(root, path, scopes);
    else if (entry.isFile()) yield relative(root, path).split(sep).join('/');
  }
}

async function entriesOf(root: string, dir: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  } catch (error) {
    // A folder that may not be read is skipped, the one that was named is not.
    if (dir !== root) return [];
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new CliError('FILE_UNREADABLE', `${root} cannot be read (${code}); name a directory with --dir.`);
  }
}

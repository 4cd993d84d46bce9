import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** How a line refers to a flag: by its key, by defining a constant for it, by using that constant, or as a value of a configuration. */
export type ReferenceKind = 'key' | 'definition' | 'constant' | 'setting';

/** A line of a source file that refers to a flag. Lines and columns count from 1. */
export type Reference = {
  readonly flag: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly kind: ReferenceKind;
  /** Of a definition and its uses. */
  readonly constant?: string;
  /** The line, without the space around it and cut. */
  readonly text: string;
};

/** What a search found, and what it did not look into. */
export type Search = {
  readonly references: readonly Reference[];
  readonly files: number;
  readonly binary: number;
  /** Files that are too large to be written by hand. */
  readonly large: number;
  /** Whether there is more than is told. */
  readonly isCut: boolean;
};

/** Files above this are generated, bytes. */
const LARGEST_BYTES = 2 * 1024 * 1024;
/** Files read at once, and with the size above the bound on memory. */
const AT_ONCE = 8;
const MOST_REFERENCES = 10_000;
const TOLD_CHARACTERS = 200;
/** Bytes of a file by which a binary one is known, as git does. */
const HEAD_BYTES = 8_000;
/** A link may lead out of the directory, and a pipe or a device has no end. Windows knows neither flag. */
const NO_LINKS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Files whose values need no quotes. */
const SETTINGS = new Set(['.yaml', '.yml', '.toml', '.ini', '.properties', '.env', '.conf']);

type Read = { readonly text: string } | 'binary' | 'large' | 'gone';
/** What is looked for in the text of a file: whole lines are matched only where one of `words` is in it at all. */
type Seeker = {
  readonly words: readonly string[];
  readonly matchLine: (line: string, file: string) => readonly Found[];
};
type Found = Pick<Reference, 'flag' | 'kind' | 'constant'> & { readonly index: number };

/** How a search runs. `onProgress` is told the number of files looked into. */
export type SearchOptions = {
  readonly dir: string;
  /** Gives the paths, relative to `dir`, anew for each pass. */
  readonly files: () => AsyncIterable<string>;
  readonly onProgress?: (files: number) => void;
};

/** Where flags are referred to below a directory. The second pass looks for constants that the first one found. */
export async function findReferences(keys: readonly string[], options: SearchOptions): Promise<Search> {
  const first = await pass(keySeeker(keys), options);
  const constants = new Map(
    first.references.flatMap(({ constant, flag }) => (constant === undefined ? [] : [[constant, flag] as const])),
  );
  if (constants.size === 0) return first;
  const second = await pass(constantSeeker(constants), options);
  const known = new Set(first.references.map(({ file, line, flag }) => `${file}\0${line}\0${flag}`));
  const uses = second.references.filter(({ file, line, flag }) => !known.has(`${file}\0${line}\0${flag}`));
  const references = [...first.references, ...uses].slice(0, MOST_REFERENCES);
  return { ...first, references: references.toSorted(byPlace), isCut: first.isCut || second.isCut };
}

function byPlace(one: Reference, other: Reference): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return one.line - other.line || one.column - other.column;
}

async function pass(seeker: Seeker, { dir, files, onProgress }: SearchOptions): Promise<Search> {
  const references: Reference[] = [];
  const counts = { files: 0, binary: 0, large: 0, gone: 0 };
  const look = async (file: string): Promise<void> => {
    const read = await readSource(join(dir, file));
    if (typeof read === 'string') counts[read] += 1;
    else if (references.length < MOST_REFERENCES) references.push(...referencesIn(read.text, file, seeker));
    counts.files += 1;
    onProgress?.(counts.files);
  };
  const running = new Set<Promise<void>>();
  for await (const file of files()) {
    const looking: Promise<void> = look(file).finally(() => running.delete(looking));
    running.add(looking);
    if (running.size >= AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  const isCut = references.length >= MOST_REFERENCES;
  return {
    references: references.slice(0, MOST_REFERENCES).toSorted(byPlace),
    files: counts.files,
    binary: counts.binary,
    large: counts.large,
    isCut,
  };
}

async function readSource(path: string): Promise<Read> {
  try {
    await using handle = await open(path, NO_LINKS);
    const stat = await handle.stat();
    if (!stat.isFile()) return 'gone';
    if (stat.size > LARGEST_BYTES) return 'large';
    const bytes = await handle.readFile();
    return bytes.subarray(0, HEAD_BYTES).includes(0) ? 'binary' : { text: bytes.toString('utf8') };
  } catch {
    // A link, a submodule, or a file that went away while we looked.
    return 'gone';
  }
}

function referencesIn(text: string, file: string, { words, matchLine }: Seeker): readonly Reference[] {
  if (!words.some((word) => text.includes(word))) return [];
  return text.split('\n').flatMap((line, index) =>
    words.some((word) => line.includes(word))
      ? matchLine(line, file).map(({ index: at, ...found }) => ({
          ...found,
          file,
          line: index + 1,
          column: at + 1,
          text: line.trim().slice(0, TOLD_CHARACTERS),
        }))
      : [],
  );
}

const escaped = (text: string) => text.replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`);
/** `const CHECKOUT = `, `public static final String CHECKOUT = `, `CHECKOUT: Final = `, `#define CHECKOUT `, before the key. */
const DEFINITION =
  /(?:(?:const|let|var|val|final|static|readonly|#define)\b[^=;]*?|^\s*)\b([A-Za-z_$][\w$]{3,})\s*(?::[^=;]*)?(?:=|:=|\s)\s*$/;
/** A name that says it is a constant, where no keyword does. */
const CONSTANT_NAME = /^[A-Z][A-Z0-9_]{3,}$/;
const DECLARED = /\b(?:const|let|var|val|final|static|readonly)\b|#define/;

/** Characters before a key in which a definition is looked for: lines of generated files have no end. */
const LONGEST_DEFINITION = 200;

/** Name of the constant that the text before a key defines. */
function constantBefore(before: string): string | undefined {
  const name = DEFINITION.exec(before)?.[1];
  if (name === undefined) return undefined;
  return CONSTANT_NAME.test(name) || DECLARED.test(before) ? name : undefined;
}

function keySeeker(keys: readonly string[]): Seeker {
  const patterns = keys.map((flag) => ({
    flag,
    quoted: new RegExp(`(["'\`])${escaped(flag)}\\1`, 'g'),
    setting: new RegExp(`(?:[:=]\\s*|^\\s*-\\s+)(${escaped(flag)})\\s*(?:[,}\\]#].*)?$`),
  }));
  return {
    words: keys,
    matchLine: (line, file) =>
      patterns.flatMap(({ flag, quoted, setting }) => {
        const found = [...line.matchAll(quoted)].map(({ index }): Found => {
          const constant = constantBefore(line.slice(Math.max(0, index - LONGEST_DEFINITION), index));
          return constant === undefined ? { flag, kind: 'key', index } : { flag, kind: 'definition', constant, index };
        });
        if (found.length > 0 || !SETTINGS.has(extname(file) || file)) return found;
        const match = setting.exec(line);
        return match === null ? [] : [{ flag, kind: 'setting', index: match.index + match[0].indexOf(flag) } as const];
      }),
  };
}

function constantSeeker(constants: ReadonlyMap<string, string>): Seeker {
  const patterns = [...constants].map(([constant, flag]) => ({
    ...{ constant, flag },
    whole: new RegExp(`(?<![\\w$])${escaped(constant)}(?![\\w$])`),
  }));
  return {
    words: [...constants.keys()],
    matchLine: (line) =>
      patterns.flatMap(({ constant, flag, whole }) => {
        const match = whole.exec(line);
        return match === null ? [] : [{ flag, kind: 'constant', constant, index: match.index } as const];
      }),
  };
}

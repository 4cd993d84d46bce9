import { readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Ruleset } from '@rampart/flags';
import { messageOf } from './event.ts';

/** What a file held. Whether it is a ruleset is for the taker to check. */
export type FileAnswer =
  | { readonly kind: 'json'; readonly json: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly message: string };

/** Reads a JSON file. Synchronous, so that a process can evaluate from its first line on. Never throws. */
export function readJsonFile(path: string): FileAnswer {
  try {
    return { kind: 'json', json: JSON.parse(readFileSync(path, 'utf8')) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { kind: 'absent' };
    return { kind: 'unreadable', message: `${path} could not be read: ${messageOf(error)}` };
  }
}

/** Keeps the last good ruleset in a file. Writes one at a time; of several that wait, only the last is written. */
export class CacheFile {
  readonly #path: string;
  readonly #onError: (message: string) => void;
  #next: Ruleset | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string, onError: (message: string) => void) {
    this.#path = path;
    this.#onError = onError;
  }

  save(ruleset: Ruleset): void {
    this.#next = ruleset;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when what was saved is in the file. Never rejects. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#next !== undefined) {
      const ruleset = this.#next;
      this.#next = undefined;
      try {
        await writeWhole(this.#path, JSON.stringify(ruleset));
      } catch (error) {
        this.#onError(
          `${this.#path} could not be written: ${messageOf(error)}. Give this process a writable cacheFile.`,
        );
      }
    }
    this.#writing = undefined;
  }
}

/** Writes beside the file and renames, so that a reader finds the old content or the new one, never a part. */
async function writeWhole(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

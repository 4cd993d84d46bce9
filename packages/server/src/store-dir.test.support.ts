import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** Test files that run at the same time share it; in a container it may be 64 MB. */
const LEAST_FREE_BYTES = 2 ** 30;

/**
 * An empty directory for the store of a test, in memory where there is room, so that a test waits for no disk: each commit
 * waits for one otherwise, a few milliseconds when it is idle and many more when it is not. What a store owes to the disk is
 * shown by `sqlite-crash.test.ts`, which is not here.
 */
export function makeStoreDir(prefix: string): string {
  return mkdtempSync(join(hasRoom() ? MEMORY : tmpdir(), prefix));
}

function hasRoom(): boolean {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= LEAST_FREE_BYTES;
}

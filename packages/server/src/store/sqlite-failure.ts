import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Failure } from './sqlite-request.ts';
import { StoreError } from './store-error.ts';

/** SQLite's primary result codes that mean something of their own to the store (https://sqlite.org/rescode.html). */
const SQLITE = {
  busy: 5,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  tooBig: 18,
  constraint: 19,
  notADatabase: 26,
};

/** Below this much free space a failed write to the disk is blamed on the lack of it. */
const NO_SPACE_BYTES = 65_536;

/** Names an error met on a database file in the store's closed codes, and says what to do. */
export function failureOf(error: unknown, file: string): Failure {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  const result = resultCodeOf(error);
  if (result === SQLITE.full || (result === SQLITE.ioError && diskIsFull(file))) {
    return {
      code: 'STORAGE_FULL',
      message: `no space left for ${file} (${message}); free or add space, then repeat: nothing of this write was kept`,
    };
  }
  if (result === SQLITE.notADatabase) {
    return {
      code: 'NOT_A_DATABASE',
      message: `${file} is not an SQLite database (${message}); give another file, or restore a backup`,
    };
  }
  if (result === SQLITE.tooBig || result === SQLITE.constraint) {
    return { code: 'NOT_STORABLE', message: `${file} refused the write: ${message}; nothing of it was kept` };
  }
  return { code: 'STORE_UNAVAILABLE', message: `${file}: ${message}; ${adviceFor(result)}` };
}

function adviceFor(result: number): string {
  if (result === SQLITE.busy) return 'another process kept it locked for too long: find and end it, then repeat';
  if (result === SQLITE.cannotOpen) return 'check that its directory exists and may be written';
  if (result === SQLITE.corrupt) return 'the file is damaged: stop, keep a copy, and restore a backup';
  return 'check the disk and the permissions, then restart';
}

/** Primary result code of an error of node:sqlite; 0 for any other error. */
function resultCodeOf(error: unknown): number {
  const extended = error instanceof Error && 'errcode' in error ? error.errcode : 0;
  return typeof extended === 'number' ? extended & 0xff : 0;
}

/** Some paths of SQLite report ENOSPC as an I/O error (the shared-memory file, a delayed allocation at fsync). */
function diskIsFull(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < NO_SPACE_BYTES;
  } catch {
    return false;
  }
}

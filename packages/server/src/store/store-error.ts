/**
 * - `STORAGE_FULL`: no space left; nothing of the write was kept, reads go on, writes work again once there is space.
 * - `STORE_UNAVAILABLE`: closed, locked by another process for too long, or the disk failed.
 * - `SCHEMA_TOO_NEW`: written by a newer Rampart. - `SQLITE_TOO_OLD`: this SQLite can corrupt a WAL database.
 * - `NOT_A_DATABASE`: the file is something else. - `NOT_STORABLE`: the caller's value cannot be kept faithfully.
 */
export type StoreErrorCode =
  | 'STORAGE_FULL'
  | 'STORE_UNAVAILABLE'
  | 'SCHEMA_TOO_NEW'
  | 'SQLITE_TOO_OLD'
  | 'NOT_A_DATABASE'
  | 'NOT_STORABLE';

/** Why the store could not do what was asked; the message says what was met and what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * - `PORT_IN_USE`: another program listens there. - `ADDRESS_REFUSED`: the address cannot be listened on.
 * - `REPLAY_MISMATCH`: the events of a rollout do not make the state that is stored beside them.
 * - `DATA_DIR_UNUSABLE`: the directory for the store cannot be made. - `SETTINGS_INVALID`: the file of settings cannot be used.
 */
export type ServerErrorCode =
  | 'PORT_IN_USE'
  | 'ADDRESS_REFUSED'
  | 'REPLAY_MISMATCH'
  | 'DATA_DIR_UNUSABLE'
  | 'SETTINGS_INVALID';

/** Why a server cannot start; the message says what was met and what to do. A store that cannot be opened is a `StoreError`. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

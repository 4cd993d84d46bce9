/** Why a connector cannot be made from its settings. */
export type ConnectorErrorCode =
  | 'URL_REFUSED'
  | 'SECRET_INVALID'
  | 'BINDING_INVALID'
  | 'SOURCE_INVALID'
  | 'CHANNEL_INVALID'
  | 'TRACKER_INVALID';

/** The one Error of this package: settings no connector can be made from. Values of URLs and secrets are never repeated. */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: ConnectorErrorCode;

  constructor(code: ConnectorErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

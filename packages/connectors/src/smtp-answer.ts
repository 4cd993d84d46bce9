import type { DeliveryResult } from './ports.ts';
import { ADDRESS_REFUSED } from './url-guard.ts';

/** What Nodemailer adds to its errors. */
type SmtpError = {
  readonly code?: unknown;
  readonly originalCode?: unknown;
  readonly responseCode?: unknown;
  readonly response?: unknown;
};

/** Codes by which Node refuses the certificate of a peer. */
const UNTRUSTED = /CERT|UNABLE_TO_/;

/** Errors that no other try ends: the settings are wrong, whatever the server's code. */
const SETTINGS = ['EENVELOPE', 'EMESSAGE'];

/**
 * What became of a delivery by SMTP that failed: 5xx (RFC 5321 §4.2.1) is refused, 4xx and everything without an answer is
 * worth another try. `shown` takes secrets out of what the server said.
 */
export function smtpFailureOf(
  error: unknown,
  shown: (text: string) => string,
): Exclude<DeliveryResult, { kind: 'delivered' }> {
  const { code, originalCode, responseCode, response }: SmtpError =
    typeof error === 'object' && error !== null ? error : {};
  if (code === ADDRESS_REFUSED) {
    return {
      kind: 'refused',
      why: 'its host is not on the public internet; list it in allowedHosts if it may be called',
    };
  }
  if (code === 'ETLS' || code === 'EREQUIRETLS') {
    return { kind: 'retry', why: 'it offers no TLS, or none that can be trusted; see requireTLS and caFile' };
  }
  const status = typeof responseCode === 'number' ? responseCode : 0;
  if (status >= 400) {
    const what = code === 'EAUTH' ? 'it refused the credentials' : 'it answered';
    const why = `${what}: ${typeof response === 'string' ? shown(response) : status}`;
    return { kind: status >= 500 ? 'refused' : 'retry', why };
  }
  if (SETTINGS.includes(String(code))) return { kind: 'refused', why: `the mail could not be sent (${String(code)})` };
  return {
    kind: 'retry',
    why: connectionProblem([originalCode, code].find((one) => typeof one === 'string') ?? 'unknown'),
  };
}

/** Why a connection failed, by the code of Node (or else of Nodemailer). */
function connectionProblem(code: string): string {
  if (UNTRUSTED.test(code))
    return `its certificate cannot be trusted (${code}); see caFile, or requireTLS for a relay without TLS`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'it does not begin with TLS; secure: false asks for STARTTLS';
  return `it could not be reached, or broke off (${code})`;
}

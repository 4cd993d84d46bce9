import { formatDuration } from '@rampart/rollout';
import { Webhook } from 'standardwebhooks';
import { ConnectorError } from './connector-error.ts';
import { guardedPost, type PostAnswer } from './guarded-post.ts';
import { retryAfterMs } from './retry-after.ts';
import { ADDRESS_REFUSED, type AddressLookup, type UrlPolicy, urlProblem } from './url-guard.ts';

/** What another system is asked about a rollout. */
export type GateQuestion = {
  /** The same in no other question. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly gate: string;
  /** What it decides: whether the rollout may start or advance, whether its time counts, or whether it is to be rolled back. */
  readonly asks: 'start' | 'advance' | 'during' | 'rollback';
  readonly rollout: string;
  readonly flag: string;
  readonly environment: string;
  /** Name of the stage; before the first one: `start`. */
  readonly stage: string;
  readonly attempt: number;
  /** What is rolled out: build, prompt or model version. */
  readonly version: string;
};

/** What it said. `why` carries neither address nor secret, and is the same for the same answer. */
export type GateReply = {
  /** Whether it answered 2xx. */
  readonly isYes: boolean;
  readonly why: string;
  /** Not to be asked earlier, milliseconds, where it said so. */
  readonly retryAfterMs?: number;
};

/** Settings of one gate that is asked by webhook. */
export type GateCallOptions = {
  readonly name: string;
  /** Never shown. */
  readonly url: string;
  /** `whsec_` and the key in base64. Default: questions are not signed. */
  readonly secret?: string;
  /** How long one answer may take, milliseconds. */
  readonly timeoutMs: number;
  readonly policy: UrlPolicy;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Default: the lookup of the system. */
  readonly lookup?: AddressLookup;
};

/**
 * Asks a gate: one POST of `{type: 'gate.asked', timestamp, data}`, signed by Standard Webhooks (standardwebhooks.com). Only 2xx
 * is a yes: a redirect is not followed, nothing of the body is kept. Never rejects; what goes wrong is a no that says why.
 * @throws ConnectorError `URL_REFUSED`, `SECRET_INVALID` at once, for an address or secret that can never work
 */
export function gateCall(
  options: GateCallOptions,
): (question: GateQuestion, signal: AbortSignal) => Promise<GateReply> {
  const { name, url, policy, lookup, timeoutMs, now } = options;
  const wrong = urlProblem(url, policy);
  if (wrong !== undefined)
    throw new ConnectorError('URL_REFUSED', `the address of gate ${name} cannot be used: ${wrong}`);
  const signer = signerOf(options);
  return async (question, signal) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const { headers, body } = written(question, signer, now());
      const both = AbortSignal.any([signal, deadline]);
      return replyOf(await guardedPost({ url, headers, body, signal: both, policy, ...(lookup && { lookup }) }), now());
    } catch (error) {
      return { isYes: false, why: failureOf(error, deadline, timeoutMs) };
    }
  };
}

function signerOf({ name, secret }: GateCallOptions): Webhook | undefined {
  if (secret === undefined) return undefined;
  try {
    if (secret.startsWith('whsec_')) return new Webhook(secret);
  } catch {
    // Told below, without the text of an error that may hold the secret.
  }
  const message = `the secret of gate ${name} is not "whsec_" and a key in base64 (value withheld); make one with: echo "whsec_$(openssl rand -base64 32)"`;
  throw new ConnectorError('SECRET_INVALID', message);
}

function written({ id, at, ...data }: GateQuestion, signer: Webhook | undefined, now: number) {
  const body = JSON.stringify({ type: 'gate.asked', timestamp: new Date(at).toISOString(), data });
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Rampart',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    ...(signer && { 'webhook-signature': signer.sign(id, new Date(now), body) }),
  };
  return { headers, body };
}

function replyOf({ status, headers }: PostAnswer, now: number): GateReply {
  if (status >= 200 && status < 300) return { isYes: true, why: `it answered ${status}` };
  const isRedirect = status >= 300 && status < 400;
  const why = `it answered ${status}${isRedirect ? ': redirects are not followed, set the final address' : ''}`;
  const afterMs = retryAfterMs(headers['retry-after'], now);
  return { isYes: false, why, ...(afterMs !== undefined && { retryAfterMs: afterMs }) };
}

/** Only the code of an error is told: its message may hold the address. */
function failureOf(error: unknown, deadline: AbortSignal, timeoutMs: number): string {
  if (deadline.aborted) return `it did not answer within ${formatDuration(timeoutMs)}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return code === ADDRESS_REFUSED
    ? 'its host is not on the public internet; list it in allowedHosts if it may be called'
    : `it could not be reached (${code})`;
}

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { instantOf } from './instant-of.ts';

/** A delivery as it arrived: its body byte for byte, for what is signed is never re-encoded. */
export type Delivery = {
  /** Value of a header, by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
};

/** How a sender proves who it is. `header` and `timestampHeader`: where it lets you choose their names. */
export type SignatureSettings = {
  readonly scheme: SignatureScheme;
  readonly header?: string;
  readonly timestampHeader?: string;
};

/** Whether a delivery is the sender's; `id`: its own id, where that is signed. `why` carries no secret. */
export type SignatureCheck = { readonly ok: true; readonly id?: string } | { readonly ok: false; readonly why: string };

/** How far the clock of a sender may be from ours, either way, milliseconds. A delivery outside is one repeated by someone else. */
const MOST_SKEW_MS = 5 * 60_000;

/** One way to sign: which header holds the signature, and what is signed. */
type Scheme = {
  readonly signature: string;
  readonly algorithm: 'sha256' | 'sha1';
  readonly encoding: 'hex' | 'base64';
  /** What stands before each signature in the header. Default: nothing. */
  readonly prefix?: string;
  /** Where it signs the time as well: the header, or `undefined` where it is part of the signature's own. */
  readonly timestamp?: string;
  /** Where it signs an id of the delivery as well. */
  readonly id?: string;
  readonly signed: (parts: Signed) => string;
};
type Signed = { readonly id: string; readonly timestamp: string };

/** Algorithms of senders (integrations: Slack v0, PagerDuty v1, and so on). The body follows what `signed` gives. */
const SCHEMES = {
  'standard-webhooks': {
    signature: 'webhook-signature',
    algorithm: 'sha256',
    encoding: 'base64',
    prefix: 'v1,',
    timestamp: 'webhook-timestamp',
    id: 'webhook-id',
    signed: ({ id, timestamp }) => `${id}.${timestamp}.`,
  },
  'hmac-sha256': { signature: 'x-signature', algorithm: 'sha256', encoding: 'hex', signed: () => '' },
  github: {
    signature: 'x-hub-signature-256',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: 'sha256=',
    signed: () => '',
  },
  intercom: { signature: 'x-hub-signature', algorithm: 'sha1', encoding: 'hex', prefix: 'sha1=', signed: () => '' },
  zendesk: {
    signature: 'x-zendesk-webhook-signature',
    algorithm: 'sha256',
    encoding: 'base64',
    timestamp: 'x-zendesk-webhook-signature-timestamp',
    signed: ({ timestamp }) => timestamp,
  },
  slack: {
    signature: 'x-slack-signature',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: 'v0=',
    timestamp: 'x-slack-request-timestamp',
    signed: ({ timestamp }) => `v0:${timestamp}:`,
  },
  pagerduty: {
    signature: 'x-pagerduty-signature',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: 'v1=',
    signed: () => '',
  },
  plane: { signature: 'x-plane-signature', algorithm: 'sha256', encoding: 'hex', signed: () => '' },
  sentry: { signature: 'sentry-hook-signature', algorithm: 'sha256', encoding: 'hex', signed: () => '' },
  langfuse: {
    signature: 'x-langfuse-signature',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: 'v1=',
    timestamp: 'x-langfuse-signature',
    signed: ({ timestamp }) => `${timestamp}.`,
  },
  grafana: {
    signature: 'x-grafana-alerting-signature',
    algorithm: 'sha256',
    encoding: 'hex',
    signed: ({ timestamp }) => (timestamp === '' ? '' : `${timestamp}:`),
  },
} as const satisfies Readonly<Record<string, Scheme>>;

/** Every way a sender can prove who it is: signatures, and a secret sent along (`bearer`, the password of `basic`). */
export const SIGNATURE_SCHEMES = [...(Object.keys(SCHEMES) as (keyof typeof SCHEMES)[]), 'bearer', 'basic'] as const;

/** Name of a way. */
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** Whether a delivery was sent by who knows the secret, and lately where its time is signed; `now` is epoch milliseconds. */
export function checkSignature(
  delivery: Delivery,
  settings: SignatureSettings,
  secret: string,
  now: number,
): SignatureCheck {
  const { scheme } = settings;
  if (scheme === 'bearer' || scheme === 'basic') return checkAuthorization(delivery, scheme, secret);
  return checkHmac(delivery, schemeOf(scheme, settings), secretKey(scheme, secret), now);
}

function schemeOf(name: keyof typeof SCHEMES, { header, timestampHeader }: SignatureSettings): Scheme {
  const scheme: Scheme = SCHEMES[name];
  return {
    ...scheme,
    ...(header !== undefined && { signature: header.toLowerCase() }),
    ...(timestampHeader !== undefined && { timestamp: timestampHeader.toLowerCase() }),
  };
}

function secretKey(scheme: SignatureScheme, secret: string): Buffer {
  const isEncoded = scheme === 'standard-webhooks' && secret.startsWith('whsec_');
  return isEncoded ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
}

function checkAuthorization({ header }: Delivery, scheme: 'bearer' | 'basic', secret: string): SignatureCheck {
  const given = header('authorization') ?? '';
  const [, kind = '', credentials = ''] = /^(\w+) +(\S.*)$/.exec(given.trim()) ?? [];
  if (kind.toLowerCase() !== scheme) return { ok: false, why: `it has no authorization of kind ${scheme}` };
  const decoded =
    scheme === 'basic'
      ? Buffer.from(credentials, 'base64')
          .toString()
          .replace(/^[^:]*:/, '')
      : credentials;
  return isSame(decoded, secret) ? { ok: true } : { ok: false, why: 'its credentials are not the secret of this hook' };
}

/** In a time that says nothing about either text. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

function checkHmac(delivery: Delivery, scheme: Scheme, key: Buffer, now: number): SignatureCheck {
  const parts = signedParts(delivery, scheme);
  if ('missing' in parts) return { ok: false, why: `it has no header ${parts.missing}` };
  const { given, ...signed } = parts;
  const hmac = createHmac(scheme.algorithm, key).update(scheme.signed(signed)).update(delivery.body);
  const expected = hmac.digest(scheme.encoding);
  if (!signaturesIn(given, scheme.prefix).some((signature) => isSame(signature, expected)))
    return { ok: false, why: `its ${scheme.signature} is not one of this body by the secret of this hook` };
  if (!isRecent(signed.timestamp, now))
    return {
      ok: false,
      why: 'its time is more than 5 minutes from ours: it was delayed, repeated, or a clock is wrong',
    };
  return { ok: true, ...(signed.id !== '' && { id: signed.id }) };
}

/** What is signed beside the body, and the signature; or the header that is missing. */
function signedParts(
  { header }: Delivery,
  scheme: Scheme,
): (Signed & { readonly given: string }) | { readonly missing: string } {
  const given = header(scheme.signature);
  if (given === undefined) return { missing: scheme.signature };
  const timestamp = scheme.timestamp === undefined ? '' : timestampIn(header(scheme.timestamp));
  if (timestamp === undefined) return { missing: scheme.timestamp ?? '' };
  const id = scheme.id === undefined ? '' : header(scheme.id);
  return id === undefined ? { missing: scheme.id ?? '' } : { given, timestamp, id };
}

/** Whether a time that was signed is near ours; a scheme that signs none is always recent. */
function isRecent(timestamp: string, now: number): boolean {
  if (timestamp === '') return true;
  const at = instantOf(/^\d+$/.test(timestamp) ? Number(timestamp) : timestamp) ?? 0;
  return Math.abs(at - now) <= MOST_SKEW_MS;
}

/** A header of its own, or `t=…` among the signatures. */
function timestampIn(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/(?:^|,)\s*t=(\d+)/.exec(header)?.[1] ?? header.trim());
}

/** Signatures of a header: one, or several while a secret is replaced. */
function signaturesIn(header: string, prefix = ''): readonly string[] {
  const separator = prefix.endsWith(',') ? /\s+/ : /[\s,]+/;
  const all = header.split(separator).filter((part) => part !== '');
  return all.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length));
}

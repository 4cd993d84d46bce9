import { readFileSync } from 'node:fs';
import { parseDuration } from '@rampart/rollout';
import { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import { guardedFetch, MAX_ANSWER_BYTES } from './guarded-fetch.ts';
import type { SourceDeps } from './source-deps.ts';
import { urlProblem } from './url-guard.ts';

/** A secret by reference: the name of the environment variable of the server that holds it. */
export const secretRefSchema = z.strictObject(
  { secretRef: z.string().regex(/^[A-Za-z_]\w*$/) },
  {
    // What was received may be the secret itself.
    error: ({ code, input }) =>
      code === 'invalid_type' && input !== undefined
        ? 'write { secretRef: NAME }, where NAME is a variable of the environment of the server'
        : undefined,
  },
);

/** A duration as plans write it (`30s`, `5m`), in milliseconds; above 0. */
export const durationSchema = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  context.addIssue({ code: 'custom', message: `received ${JSON.stringify(text)}; write a duration such as 30s or 5m` });
  return z.NEVER;
});

const headerNameSchema = z.string().regex(/^[A-Za-z0-9-]+$/);

/** Settings of every source that is reached over HTTP. */
export const httpAccessSchema = z.strictObject({
  url: z.string().min(1),
  auth: z
    .union([
      z.strictObject({ bearer: secretRefSchema }),
      z.strictObject({ basic: z.strictObject({ user: z.string(), password: secretRefSchema }) }),
    ])
    .optional(),
  /** For example `X-Scope-OrgID: team-a`, or `X-Api-Key: { secretRef: KEY }`. */
  headers: z.record(headerNameSchema, z.union([z.string(), secretRefSchema])).optional(),
  /** Paths of PEM files: an authority of one's own, and a certificate to show (mTLS). */
  tls: z
    .strictObject({ caFile: z.string(), certFile: z.string(), keyFile: z.string() })
    .partial()
    .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
      message: 'certFile and keyFile belong together',
    })
    .optional(),
  /** Default: 30 s. */
  timeout: durationSchema.optional(),
});

/** Settings as read. */
export type HttpAccessSettings = z.output<typeof httpAccessSchema>;

/** A way to a system over HTTP, ready to use. */
export type HttpAccess = {
  readonly url: string;
  /** With credentials: never shown. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  /** A text without any of the secrets: systems repeat what they were sent. */
  readonly redact: (text: string) => string;
};

const DEFAULT_TIMEOUT_MS = 30_000;
/** Shorter texts stand in answers by chance. */
const SHORTEST_SECRET = 4;

/** @throws ConnectorError `URL_REFUSED`, `SECRET_INVALID`, `SOURCE_INVALID` */
export function openHttpAccess(settings: HttpAccessSettings, { name, secretOf, policy }: SourceDeps): HttpAccess {
  const problem = urlProblem(settings.url, policy);
  if (problem !== undefined) throw new ConnectorError('URL_REFUSED', `sources.${name}.url: ${problem}`);
  const secrets: string[] = [];
  const secret = ({ secretRef }: z.output<typeof secretRefSchema>): string => {
    const value = secretOf(secretRef);
    if (value === undefined || value === '')
      throw new ConnectorError(
        'SECRET_INVALID',
        `sources.${name}: ${secretRef} is not set; give it in the environment`,
      );
    secrets.push(value);
    return value;
  };
  const given = Object.entries(settings.headers ?? {});
  const headers = Object.fromEntries(
    given.map(([key, value]) => [key.toLowerCase(), typeof value === 'string' ? value : secret(value)]),
  );
  const authorization = authorizationOf(settings.auth, secret);
  if (authorization !== undefined) secrets.push(authorization.replace(/^\w+ /, ''));
  const tls = tlsOf(name, settings.tls);
  return {
    url: settings.url.replace(/\/+$/, ''),
    headers: { ...headers, ...(authorization !== undefined && { authorization }) },
    fetch: guardedFetch({ policy, maxBytes: MAX_ANSWER_BYTES, ...(tls && { tls }) }),
    timeoutMs: settings.timeout ?? DEFAULT_TIMEOUT_MS,
    redact: (text) => withoutSecrets(text, secrets),
  };
}

/** Value of `authorization`; `secret` reads what a `secretRef` names. */
export function authorizationOf(
  auth: HttpAccessSettings['auth'],
  secret: (ref: z.output<typeof secretRefSchema>) => string,
): string | undefined {
  if (auth === undefined) return undefined;
  if ('bearer' in auth) return `Bearer ${secret(auth.bearer)}`;
  const { user, password } = auth.basic;
  return `Basic ${Buffer.from(`${user}:${secret(password)}`).toString('base64')}`;
}

function tlsOf(name: string, files: HttpAccessSettings['tls']) {
  if (files === undefined) return undefined;
  const read = (key: string, path: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
      throw new ConnectorError('SOURCE_INVALID', `sources.${name}.tls.${key}: ${path} cannot be read (${code})`);
    }
  };
  return {
    ...(files.caFile !== undefined && { ca: read('caFile', files.caFile) }),
    ...(files.certFile !== undefined && { cert: read('certFile', files.certFile) }),
    ...(files.keyFile !== undefined && { key: read('keyFile', files.keyFile) }),
  };
}

/** A text in which none of the secrets stands. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const longEnough = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  return longEnough.reduce((left, secret) => left.replaceAll(secret, '[secret]'), text);
}

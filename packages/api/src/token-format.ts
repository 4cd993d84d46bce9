import type { Role } from '@rampart/rollout';
import { ProblemError } from './problem.ts';

/** Kinds of tokens. The last two are for programs: they act in no rollout. */
export const TOKEN_KINDS = [
  'admin',
  'operator',
  'observer',
  'analyst',
  'approver',
  'viewer',
  'sdk-server',
  'ingest',
] as const;

/** What a token is for. */
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** Parts of `rmp_<kind>_<selector>_<secret>`. */
export type TokenParts = {
  readonly kind: TokenKind;
  /** Public name of the token, by which it is found: 8 to 32 lower-case letters and digits. */
  readonly selector: string;
  /** 32 to 128 letters and digits. Stored only as a hash of the whole token. */
  readonly secret: string;
};

const TOKEN = /^rmp_([a-z-]+)_([a-z0-9]{8,32})_([A-Za-z0-9]{32,128})$/;

/** Parts of a token; `undefined` for any text that is not one. */
export function parseToken(text: string): TokenParts | undefined {
  const [, kind, selector, secret] = TOKEN.exec(text) ?? [];
  if (!isTokenKind(kind) || selector === undefined || secret === undefined) return undefined;
  return { kind, selector, secret };
}

/** Text of a token. Throws `INTERNAL` for parts that `parseToken` would not read back; they are not repeated. */
export function formatToken(parts: TokenParts): string {
  const text = `rmp_${parts.kind}_${parts.selector}_${parts.secret}`;
  if (parseToken(text) === undefined) {
    throw new ProblemError('INTERNAL', 'A token was made of parts that do not follow its format (values withheld).');
  }
  return text;
}

/** Whether a text is the kind of a token. */
export function isTokenKind(text: unknown): text is TokenKind {
  return TOKEN_KINDS.some((kind) => kind === text);
}

const ROLES: Readonly<Record<TokenKind, readonly Role[]>> = {
  admin: ['admin', 'operator', 'observer', 'analyst', 'approver', 'viewer'],
  operator: ['operator', 'viewer'],
  observer: ['observer', 'viewer'],
  analyst: ['analyst', 'viewer'],
  approver: ['approver', 'viewer'],
  viewer: ['viewer'],
  'sdk-server': [],
  ingest: [],
};

/** Authority of the holder of a token: an admin may do everything, a program nothing in a rollout. */
export function rolesOf(kind: TokenKind): readonly Role[] {
  return ROLES[kind];
}

import { hash, randomInt, timingSafeEqual } from 'node:crypto';
import {
  type CreatedToken,
  formatToken,
  type NewToken,
  ProblemError,
  parseToken,
  rolesOf,
  type Token,
  type TokenKind,
} from '@rampart/api';
import type { Principal } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { Store, StoredDocument } from './store/store.ts';

const KIND = 'token';
const SELECTOR = 'abcdefghijklmnopqrstuvwxyz0123456789';
const SECRET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const SELECTOR_LENGTH = 12;
/** 43 characters of 62: 256 bits. */
const SECRET_LENGTH = 43;

/** A token as stored: its hash in place of its secret. */
type StoredToken = Omit<Token, 'selector' | 'lastUsedAt'> & { readonly environment: string; readonly verifier: string };

/** Who sent a request. */
export type Caller = { readonly kind: TokenKind; readonly selector: string; readonly principal: Principal };

/** Tokens of one environment. */
export type Tokens = {
  /** Holder of a token given as `Authorization`. @throws ProblemError `TOKEN_…` */
  readonly authenticate: (authorization: string | undefined) => Promise<Caller>;
  readonly create: (token: NewToken, by: string) => Promise<CreatedToken>;
  /** Revoked ones too, newest first. */
  readonly list: () => Promise<readonly Token[]>;
  /** @throws ProblemError `NOT_FOUND` */
  readonly revoke: (selector: string) => Promise<void>;
};

/** Tokens kept in a store. */
export function createTokens(store: Store, environment: string, clock: Clock): Tokens {
  const lastUsedAt = new Map<string, number>();
  return {
    async authenticate(authorization) {
      const text = bearerOf(authorization);
      const parts = parseToken(text);
      const document = parts && (await store.getDocument(KIND, parts.selector));
      const token = document && storedIn(document);
      // The hash covers the whole text, so the kind named in it is the kind that was given out.
      if (parts === undefined || token === undefined || !isEqual(token.verifier, verifierOf(text))) throw invalid();
      if (token.environment !== environment) throw invalid();
      const now = clock.now();
      if (token.revokedAt !== undefined)
        throw new ProblemError('TOKEN_REVOKED', `Token ${parts.selector} was revoked.`);
      if (token.expiresAt !== undefined && token.expiresAt <= now) {
        throw new ProblemError(
          'TOKEN_EXPIRED',
          `Token ${parts.selector} expired at ${new Date(token.expiresAt).toISOString()}.`,
        );
      }
      lastUsedAt.set(parts.selector, now);
      const principal = { id: token.name, kind: token.principal, roles: rolesOf(token.kind) };
      return { kind: token.kind, selector: parts.selector, principal };
    },
    async create({ kind, name, principal = 'person', expiresInMs }, by) {
      const parts = {
        kind,
        selector: randomText(SELECTOR, SELECTOR_LENGTH),
        secret: randomText(SECRET, SECRET_LENGTH),
      };
      const token = formatToken(parts);
      const now = clock.now();
      const value: StoredToken = {
        ...{ kind, name, principal, environment, verifier: verifierOf(token), createdAt: now, createdBy: by },
        ...(expiresInMs !== undefined && { expiresAt: now + expiresInMs }),
      };
      await write(store, parts.selector, value, 0);
      return { token, selector: parts.selector };
    },
    async list() {
      const tokens = (await store.listDocuments(KIND)).map((document) => {
        const { verifier, environment: ofEnvironment, ...token } = storedIn(document);
        const used = lastUsedAt.get(document.key);
        return { selector: document.key, ...token, ...(used !== undefined && { lastUsedAt: used }) };
      });
      return tokens.toSorted((one, other) => other.createdAt - one.createdAt);
    },
    async revoke(selector) {
      const document = await store.getDocument(KIND, selector);
      if (document === undefined) throw new ProblemError('NOT_FOUND', `There is no token ${selector}.`);
      const token = storedIn(document);
      if (token.revokedAt !== undefined) return;
      await write(store, selector, { ...token, revokedAt: clock.now() }, document.version);
    },
  };
}

/** The first tokens of a new store; `undefined` where there are tokens already. */
export async function createFirstToken(
  store: Store,
  tokens: Tokens,
): Promise<{ readonly admin: string; readonly sdk: string } | undefined> {
  if ((await store.listDocuments(KIND)).length > 0) return undefined;
  const admin = await tokens.create({ kind: 'admin', name: 'admin' }, 'rampart');
  const sdk = await tokens.create({ kind: 'sdk-server', name: 'sdk', principal: 'agent' }, 'rampart');
  return { admin: admin.token, sdk: sdk.token };
}

function bearerOf(authorization: string | undefined): string {
  const [, text] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (text !== undefined) return text;
  const received =
    authorization === undefined ? 'no Authorization header' : 'an Authorization header that is not "Bearer rmp_…"';
  throw new ProblemError('TOKEN_MISSING', `The request has ${received}.`);
}

/** One answer for every token that is not ours: it tells nothing about which selectors exist. */
function invalid(): ProblemError {
  return new ProblemError('TOKEN_INVALID', 'The token is not one of this server.');
}

function storedIn({ value }: StoredDocument): StoredToken {
  // JSON edge: written by this file only.
  return value as StoredToken;
}

async function write(store: Store, key: string, value: StoredToken, expectedVersion: number): Promise<void> {
  const saved = await store.putDocuments({ documents: [{ kind: KIND, key, value, expectedVersion }] });
  if (!saved.ok)
    throw new ProblemError('STORE_UNAVAILABLE', `Token ${key} was changed at the same time; repeat the request.`);
}

function verifierOf(token: string): string {
  return hash('sha256', token, 'hex');
}

function isEqual(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
}

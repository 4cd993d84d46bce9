import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProblemError } from './problem.ts';
import { formatToken, parseToken, rolesOf, TOKEN_KINDS } from './token-format.ts';

const text = (alphabet: string, min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: min, maxLength: max });
const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789';
const parts = fc.record({
  kind: fc.constantFrom(...TOKEN_KINDS),
  selector: text(LOWER, 8, 32),
  secret: text(LOWER + LOWER.toUpperCase(), 32, 128),
});

describe('token format', () => {
  it('reads back every token it writes', () => {
    fc.assert(
      fc.property(parts, (token) => {
        expect(parseToken(formatToken(token))).toEqual(token);
      }),
    );
  });

  it('takes no other text for a token', () => {
    fc.assert(
      fc.property(fc.string(), (any) => {
        expect(parseToken(any)).toBeUndefined();
      }),
    );
    const secret = 'a'.repeat(32);
    for (const wrong of [
      `rmp_root_abcdefgh_${secret}`,
      `rmp_admin_abcdefgh_${secret}\n`,
      ` rmp_admin_abcdefgh_${secret}`,
      `rmp_admin_ABCDEFGH_${secret}`,
      'rmp_admin_abcdefgh_short',
      `xyz_admin_abcdefgh_${secret}`,
      `rmp_admin_abcdefgh_${secret}_more`,
    ]) {
      expect(parseToken(wrong)).toBeUndefined();
    }
  });

  it('refuses to write a token it could not read back, without repeating the secret', () => {
    const attempt = () => formatToken({ kind: 'admin', selector: 'no_underscore', secret: 'hunter2' });
    expect(attempt).toThrow(ProblemError);
    expect(attempt).not.toThrow(/hunter2/);
  });

  it('gives programs no role and an admin every human one', () => {
    expect([rolesOf('sdk-server'), rolesOf('ingest')]).toEqual([[], []]);
    const human = TOKEN_KINDS.filter((kind) => rolesOf(kind).length > 0);
    expect(human.every((kind) => rolesOf('admin').some((role) => role === kind))).toBe(true);
    expect(human.every((kind) => rolesOf(kind).includes('viewer'))).toBe(true);
    expect(TOKEN_KINDS.flatMap((kind) => rolesOf(kind))).not.toContain('system');
  });
});

import { describe, expect, it } from 'vitest';
import { checkBody } from '../check-body.ts';
import { webhooksSchema } from './delivery-schema.ts';
import { newTokenSchema } from './token-schema.ts';

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const hook = (change: object = {}) => ({ name: 'ops', url: 'https://example.com/hook', secret, ...change });

describe('webhooksSchema', () => {
  it('takes webhooks with a secret, a reference to one, or the one they had', () => {
    const hooks = [
      hook(),
      hook({ name: 'b', secret: undefined, secretRef: 'HOOK_SECRET' }),
      { name: 'c', url: 'http://c.test/' },
    ];
    expect(checkBody(webhooksSchema, hooks)).toHaveLength(3);
  });

  it.each([
    ['another scheme', hook({ url: 'file:///etc/passwd' })],
    ['a password in the URL', hook({ url: 'https://user:pass@example.com/' })],
    ['no URL at all', hook({ url: 'example' })],
    ['a secret of another form', hook({ secret: 'hunter2-hunter2' })],
  ])('refuses %s and does not repeat the secret', (_, value) => {
    expect(() => checkBody(webhooksSchema, [value])).toThrow(/BODY_INVALID/);
    expect(() => checkBody(webhooksSchema, [value])).not.toThrow(/hunter2/);
  });

  it('refuses a name used twice', () => {
    expect(() => checkBody(webhooksSchema, [hook(), hook()])).toThrow(/each name once/);
  });
});

describe('newTokenSchema', () => {
  it('takes the kinds there are and names them for any other', () => {
    expect(checkBody(newTokenSchema, { kind: 'ingest', name: 'desk' })).toEqual({ kind: 'ingest', name: 'desk' });
    expect(() => checkBody(newTokenSchema, { kind: 'root', name: 'x' })).toThrow(/"sdk-server".*received "root"/);
  });
});

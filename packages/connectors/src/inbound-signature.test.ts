import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import {
  checkSignature,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
  type SignatureSettings,
} from './inbound-signature.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const S = NOW / 1000;
const SECRET = 'a secret of the sender';
const BODY = '{"type":"complaint",  "n":1}';
const hmac = (text: string, algorithm = 'sha256', encoding: 'hex' | 'base64' = 'hex', key: string | Buffer = SECRET) =>
  createHmac(algorithm, key).update(text).digest(encoding);

const KEY = Buffer.alloc(24, 5);
const WHSEC = `whsec_${KEY.toString('base64')}`;

/** Headers as each sender writes them, for a body and an instant in seconds. */
const SIGNED: Readonly<Record<SignatureScheme, (body: string, at: number) => Readonly<Record<string, string>>>> = {
  'standard-webhooks': (body, at) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,AAAA ${new Webhook(WHSEC).sign('msg_1', new Date(at * 1000), body)}`,
  }),
  'hmac-sha256': (body) => ({ 'x-signature': hmac(body) }),
  github: (body) => ({ 'x-hub-signature-256': `sha256=${hmac(body)}` }),
  intercom: (body) => ({ 'x-hub-signature': `sha1=${hmac(body, 'sha1')}` }),
  zendesk: (body, at) => {
    const time = new Date(at * 1000).toISOString().replace('.000', '');
    return {
      'x-zendesk-webhook-signature': hmac(time + body, 'sha256', 'base64'),
      'x-zendesk-webhook-signature-timestamp': time,
    };
  },
  slack: (body, at) => ({
    'x-slack-signature': `v0=${hmac(`v0:${at}:${body}`)}`,
    'x-slack-request-timestamp': String(at),
  }),
  pagerduty: (body) => ({ 'x-pagerduty-signature': `v1=${hmac('other')},v1=${hmac(body)}` }),
  plane: (body) => ({ 'x-plane-signature': hmac(body) }),
  sentry: (body) => ({ 'sentry-hook-signature': hmac(body) }),
  langfuse: (body, at) => ({ 'x-langfuse-signature': `t=${at},v1=${hmac(`${at}.${body}`)}` }),
  grafana: (body) => ({ 'x-grafana-alerting-signature': hmac(body) }),
  bearer: () => ({ authorization: `Bearer ${SECRET}` }),
  basic: () => ({ authorization: `Basic ${btoa(`alertmanager:${SECRET}`)}` }),
};
const TIMED: readonly SignatureScheme[] = ['standard-webhooks', 'zendesk', 'slack', 'langfuse'];
const secretOf = (scheme: SignatureScheme) => (scheme === 'standard-webhooks' ? WHSEC : SECRET);

const check = (headers: Readonly<Record<string, string>>, settings: SignatureSettings, body = BODY, secret?: string) =>
  checkSignature(
    { header: (name) => headers[name], body: Buffer.from(body) },
    settings,
    secret ?? secretOf(settings.scheme),
    NOW,
  );

describe('checkSignature', () => {
  it.each(SIGNATURE_SCHEMES)('takes what is signed as %s', (scheme) => {
    expect(check(SIGNED[scheme](BODY, S), { scheme })).toMatchObject({ ok: true });
  });

  it.each(SIGNATURE_SCHEMES)('refuses another secret, and nothing at all, as %s, and shows neither', (scheme) => {
    const other = check(SIGNED[scheme](BODY, S), { scheme }, BODY, `whsec_${Buffer.alloc(24, 6).toString('base64')}`);
    const none = check({}, { scheme });
    expect([other.ok, none.ok]).toEqual([false, false]);
    expect(JSON.stringify([other, none])).not.toContain(SECRET);
  });

  it.each(SIGNATURE_SCHEMES.filter((scheme) => scheme !== 'bearer' && scheme !== 'basic'))(
    'refuses a body that was changed, if only in its spaces, as %s',
    (scheme) => {
      expect(check(SIGNED[scheme](BODY, S), { scheme }, BODY.replace('  ', ' ')).ok).toBe(false);
    },
  );

  it.each(TIMED)('refuses a delivery of six minutes ago, and one of the future, as %s', (scheme) => {
    const at = (seconds: number) => check(SIGNED[scheme](BODY, seconds), { scheme }).ok;
    expect([at(S - 299), at(S - 301), at(S + 301)]).toEqual([true, false, false]);
  });

  it('gives the id of the delivery only where it is signed', () => {
    expect(check(SIGNED['standard-webhooks'](BODY, S), { scheme: 'standard-webhooks' })).toEqual({
      ok: true,
      id: 'msg_1',
    });
    expect(check({ ...SIGNED.github(BODY, S), 'x-github-delivery': '5' }, { scheme: 'github' })).toEqual({ ok: true });
  });

  it('reads headers that the sender named, and the time that Grafana signs on request', () => {
    const settings = { scheme: 'grafana', header: 'X-Mine', timestampHeader: 'X-Mine-At' } as const;
    const headers = { 'x-mine': hmac(`${S}:${BODY}`), 'x-mine-at': String(S) };
    expect(check(headers, settings)).toEqual({ ok: true });
    expect(check({ 'x-mine': hmac(BODY) }, settings)).toEqual({ ok: false, why: 'it has no header x-mine-at' });
  });
});

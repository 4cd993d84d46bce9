import { describe, expect, it } from 'vitest';
import { readSettings } from './server-settings.ts';
import { openSources } from './source-book.ts';

const SECRET = 'hunter2-hunter2';
const secretOf = (name: string) => (name === 'PROM_TOKEN' ? SECRET : undefined);
const open = (settings: unknown) => openSources(readSettings(settings), secretOf);
const one = (more: object, top: object = {}) => ({
  allowedHosts: ['prometheus.internal', '10.0.0.9'],
  ...top,
  sources: { prom: { kind: 'prometheus', url: 'http://prometheus.internal:9090', ...more } },
});

describe('sources as a file of settings has them', () => {
  it('are known by name, beside telemetry, with every kind of credentials', () => {
    const book = open({
      allowPrivate: true,
      sources: {
        plain: { kind: 'prometheus', url: 'http://10.0.0.9:9090', every: '30s', settle: '0s' },
        bearer: {
          kind: 'prometheus',
          url: 'https://mimir.internal/prometheus',
          auth: { bearer: { secretRef: 'PROM_TOKEN' } },
        },
        basic: {
          kind: 'prometheus',
          url: 'https://a.internal',
          auth: { basic: { user: 'u', password: { secretRef: 'PROM_TOKEN' } } },
        },
        header: {
          ...{ kind: 'prometheus', url: 'https://b.internal', timeout: '5s', params: { max_source_resolution: '0s' } },
          headers: { 'X-Scope-OrgID': 'team-a', 'X-Api-Key': { secretRef: 'PROM_TOKEN' } },
        },
      },
    });
    expect(book.names).toEqual(['telemetry', 'otlp', 'signals', 'alerts', 'plain', 'bearer', 'basic', 'header']);
    expect(book.get('plain')).toMatchObject({ kind: 'prometheus', everyMs: 30_000, settleMs: 0 });
    expect(book.get('bearer')).toMatchObject({ everyMs: 15_000, settleMs: 30_000 });
    expect(book.get('telemetry')).toBeUndefined();
  });

  it.each([
    ['no mapping', 'x', 'not a mapping'],
    ['an unknown key', { source: {} }, 'unknown key "source"'],
    [
      'an unknown kind',
      { sources: { a: { kind: 'prometeus' } } },
      'sources.a.kind: received "prometeus"; give one of prometheus',
    ],
    ['the name of telemetry', { sources: { telemetry: { kind: 'prometheus' } } }, 'no name of a source'],
    [
      'a private address that is not listed',
      one({ url: 'http://10.0.0.8' }),
      'sources.prom.url: its address is not on the public internet',
    ],
    ['the address of cloud metadata', one({ url: 'http://169.254.169.254/latest' }), 'not on the public internet'],
    [
      'credentials in the address',
      one({ url: `http://u:${SECRET}@prometheus.internal` }),
      'carries a user name or password',
    ],
    ['a secret that is not set', one({ auth: { bearer: { secretRef: 'NOT_SET' } } }), 'NOT_SET is not set'],
    ['a secret in the open', one({ auth: { bearer: SECRET } }), 'auth'],
    ['an unknown setting', one({ uri: 'x' }), 'uri'],
    ['a certificate without its key', one({ tls: { certFile: 'a.pem' } }), 'belong together'],
    ['a missing authority', one({ tls: { caFile: '/nowhere/ca.pem' } }), '/nowhere/ca.pem cannot be read (ENOENT)'],
    ['a duration that is none', one({ every: '0s' }), 'sources.prom.every: received "0s"'],
    [
      'questions further apart than silence may last',
      one({ every: '6m' }),
      'received "6m"; write a duration such as 15s, at most 4',
    ],
    ['hosts that are no list', one({}, { allowedHosts: 'a' }), 'allowedHosts is not a list'],
  ])('are refused with %s, without any secret', (_, settings, words) => {
    const failure = (() => {
      try {
        open(settings);
      } catch (error) {
        return String(error);
      }
      return 'accepted';
    })();
    expect(failure).toContain('the settings cannot be used');
    expect(failure).toContain(words);
    expect(failure).not.toContain(SECRET);
  });
});

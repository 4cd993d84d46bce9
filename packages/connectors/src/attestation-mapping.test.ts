import { describe, expect, it } from 'vitest';
import { readAttestationMapping } from './attestation-mapping.ts';

const LINK = 'https://wiki.example.com/launch';

function read(settings: unknown, body: unknown) {
  const mapping = readAttestationMapping(settings);
  return 'problem' in mapping ? mapping : mapping(body);
}

describe('a mapping of attestations', () => {
  it('takes flag and link of the body where it says nothing else', () => {
    expect(read(undefined, { flag: 'f', link: LINK, more: 1 })).toEqual({ flag: 'f', link: LINK });
  });

  it('takes them from where it says, or as it says', () => {
    const settings = { flag: 'checkout', link: '$.page.url', note: '$.title', when: { '$.state': ['complete'] } };
    const body = { page: { url: LINK }, title: 'Launch 12', state: 'complete' };
    expect(read(settings, body)).toEqual({ flag: 'checkout', link: LINK, note: 'Launch 12' });
    expect(read(settings, { ...body, state: 'begun' })).toBeUndefined();
  });

  it('says what a body lacks', () => {
    expect(read({}, { link: LINK })).toEqual({ problem: '$.flag selects no text in the body' });
    const noLink = { problem: '$.link selects no link (http or https) in the body' };
    expect(read({}, { flag: 'f' })).toEqual(noLink);
    expect(read({}, { flag: 'f', link: 'see wiki' })).toEqual(noLink);
  });

  it('says what is wrong with its settings', () => {
    expect(read({ item: 'x' }, {})).toMatchObject({ problem: expect.stringContaining('item') });
    expect(read({ flag: '$.[' }, {})).toHaveProperty('problem');
    expect(read({ when: { '$.[': 'x' } }, {})).toMatchObject({ problem: expect.stringContaining('when') });
  });
});

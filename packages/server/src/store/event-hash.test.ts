import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { eventHash, GENESIS_HASH } from './event-hash.ts';

it('hashes the previous hash and the canonical JSON of the event, so an export can be checked by anyone', () => {
  const event = {
    stream: 's "q"',
    version: 2,
    at: 1_700_000_000_000,
    by: 'person:é',
    type: 'T',
    data: { b: 1, a: [null] },
  };
  const expected = createHash('sha256')
    .update(GENESIS_HASH + canonicalJson(event))
    .digest('hex');
  expect(eventHash(GENESIS_HASH, { ...event, data: canonicalJson(event.data) })).toBe(expected);
  expect(eventHash(expected, { ...event, data: canonicalJson(event.data) })).not.toBe(expected);
});
